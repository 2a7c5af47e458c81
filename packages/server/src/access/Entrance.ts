/** Everything that stands between the network and the routes, from the operator's settings. */
import type { ClientError } from "@baton/contract/Client"
import * as NetPolicy from "@baton/net/NetPolicy"
import * as UndiciDialer from "@baton/net/UndiciDialer"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type Host, toClientError } from "../Local.ts"
import * as AccessConfig from "./AccessConfig.ts"
import * as AuditWriter from "./AuditWriter.ts"
import * as Frontier from "./Frontier.ts"
import * as Gatekeeper from "./Gatekeeper.ts"
import * as TokenVerifier from "./TokenVerifier.ts"

export interface EntranceOptions {
  /** Whoever comes without a credential is the person at this machine. */
  readonly trustLocal: boolean
}

export type Entrance = Gatekeeper.Gatekeeper | AuditWriter.AuditWriter | Frontier.Settings

const dialer = UndiciDialer.layer.pipe(Layer.provide(NetPolicy.NetPolicy.layerFromEnv))

export const layer = ({ trustLocal }: EntranceOptions): Layer.Layer<Entrance, ClientError, Host> =>
  Layer.unwrap(Effect.gen(function*() {
    const settings = yield* AccessConfig.load
    const verifier = settings.issuers.length === 0
      ? TokenVerifier.none
      : TokenVerifier.layer(settings.issuers).pipe(Layer.provide(dialer))
    return Layer.mergeAll(
      Gatekeeper.layer({ trustLocal }).pipe(Layer.provide(verifier)),
      AuditWriter.layer,
      Layer.succeed(Frontier.Settings, { ...settings, trustLocal })
    )
  })).pipe(Layer.catch((error) => Layer.effectContext(Effect.fail(toClientError(error)))))
