/** The one place where the command line chooses what answers its ports. */
import type { ClientError } from "@baton/contract/Client"
import type { Ports } from "@baton/contract/Ports"
import * as Configuration from "@baton/server/gate/Configuration"
import * as Roles from "@baton/server/gate/Roles"
import * as StoreAddress from "@baton/server/gate/StoreAddress"
import * as Local from "@baton/server/Local"
import * as Server from "@baton/server/Serve"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import { resolve } from "node:path"
import {
  type ConfigurationDocument,
  type ConfigurationOptions,
  type ServeOptions,
  Server as Running,
  type StoreOptions
} from "./Backend.ts"
import * as ServerSearch from "./ServerSearch.ts"
import { hostDefault, portDefault } from "./ServeTree.ts"

/** A command in this process heeds the file of settings where there is one, and secrets in files of their own. */
export const layer = (options: StoreOptions): Layer.Layer<Ports, ClientError> =>
  Layer.unwrap(Effect.map(Configuration.isAsked(options.data), (isAsked) =>
    isAsked
      ? Layer.provide(Local.layer(options), Configuration.layer({ data: options.data, file: undefined }))
      : Local.layer(options)))

/** A server that answers requests is found by commands on its folder; one that only works on runs is not. */
const running = (data: string, secret: Redacted.Redacted | undefined) =>
  Layer.effect(
    Running,
    Effect.gen(function*() {
      const url = HttpServer.formatAddress((yield* HttpServer.HttpServer).address)
      if (secret !== undefined) yield* ServerSearch.leave(data, url, secret)
      return { url, data, api: secret !== undefined }
    })
  )

/** Flags first, then what the environment or the file says, then the defaults. */
const addressOf = (options: ServeOptions) =>
  Effect.all({
    host: said(options.host, Config.withDefault(Config.String("BATON_HOST"), hostDefault)),
    port: said(options.port, Config.withDefault(Config.Port("BATON_PORT"), portDefault)),
    roles: said(options.roles, Config.withDefault(Config.String("BATON_ROLES"), ""))
  }).pipe(Effect.mapError(Local.fromConfig))

const said = <A>(flag: A | undefined, config: Config.Config<A>): Effect.Effect<A, Config.ConfigError> =>
  flag === undefined ? config : Effect.succeed(flag)

export const serve = (options: ServeOptions): Layer.Layer<Running, ClientError> =>
  Layer.unwrap(Effect.gen(function*() {
    const folder = yield* StoreAddress.folderOf(options.store)
    const data = folder === undefined ? options.data : resolve(folder)
    const { handlers, mode, outputRoot, requireKeys } = options
    const server = Effect.gen(function*() {
      const address = yield* addressOf(options)
      const secret = (yield* Roles.parse(address.roles)).api ? yield* ServerSearch.secret : undefined
      return running(data, secret).pipe(
        Layer.provide(Server.layer({ mode, requireKeys, data, handlers, outputRoot, secret, ...address }))
      )
    })
    return Layer.provide(Layer.unwrap(server), Configuration.layer({ data, file: options.config }))
  }))

/** What every setting is, and who says so. */
export const configuration = (options: ConfigurationOptions): Effect.Effect<ConfigurationDocument, ClientError> =>
  Effect.map(Configuration.load(options), (found) => ({
    file: found.file ?? null,
    settings: Configuration.shown(found)
  }))
