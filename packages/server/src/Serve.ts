/** A server: the machine on its store, and HTTP in front of it. */
import { ClientError } from "@baton/contract/Client"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import * as Gatekeeper from "./access/Gatekeeper.ts"
import * as TokenVerifier from "./access/TokenVerifier.ts"
import * as HttpApp from "./http/HttpApp.ts"
import * as Live from "./live/Live.ts"
import type { LocalOptions } from "./Local.ts"
import * as Local from "./Local.ts"

export interface ServeOptions extends LocalOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** `dev`: whoever comes without a credential is the person at this machine, unless `requireKeys` says otherwise. */
  readonly mode: "dev" | "serve"
  readonly requireKeys?: boolean
}

/** Characters of one segment of a path: ids, names and step paths, percent-encoded. */
const routerConfig = { maxParamLength: 1_024 }

/** Names that reach this machine only. */
const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host)

/** Without keys whoever reaches the server is its owner: so nobody else may reach it. */
const trustsLocal = ({ host, mode, requireKeys }: ServeOptions): Effect.Effect<boolean, ClientError> =>
  mode === "serve" || requireKeys === true
    ? Effect.succeed(false)
    : isLoopback(host)
    ? Effect.succeed(true)
    : Effect.fail(
      new ClientError({
        reason: "invalid",
        code: "HOST_NEEDS_KEYS",
        message: `${host} is reached by others, and baton dev asks nobody who they are`,
        hint: "add --require-keys, or use baton serve"
      })
    )

/** Made after the server, so that streams end before it waits for its connections. */
const live = Layer.effectDiscard(Effect.flatMap(Live.Live, ({ stop }) => Effect.addFinalizer(() => stop)))

/** Serves until its scope closes; in it, `HttpServer` tells the address. */
export const layer = (options: ServeOptions): Layer.Layer<HttpServer.HttpServer, ClientError> =>
  Layer.unwrap(Effect.map(trustsLocal(options), (trustLocal) => served(options, trustLocal)))

const served = (options: ServeOptions, trustLocal: boolean) =>
  live.pipe(
    Layer.provideMerge(HttpRouter.serve(HttpApp.layer, { disableLogger: true, disableListenLog: true, routerConfig })),
    Layer.provide(Live.layer),
    Layer.provide(Gatekeeper.layer({ trustLocal })),
    Layer.provide(TokenVerifier.none),
    Layer.provide(Local.hostLayer({ webhooks: "attend", ...options })),
    Layer.provideMerge(NodeHttpServer.layer(createServer, { host: options.host, port: options.port })),
    Layer.catchTag("ServeError", ({ cause }) =>
      Layer.effectContext(Effect.fail(
        new ClientError({
          reason: "unavailable",
          code: "PORT_TAKEN",
          message: cause instanceof Error ? cause.message : String(cause),
          hint: "choose another with --port"
        })
      )))
  )
