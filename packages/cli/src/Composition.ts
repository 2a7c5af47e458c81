/** The one place where the command line chooses what answers its ports. */
import type { ClientError } from "@baton/contract/Client"
import type { Ports } from "@baton/contract/Ports"
import * as Local from "@baton/server/Local"
import * as Server from "@baton/server/Serve"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { type ServeOptions, Server as Running, type StoreOptions } from "./Backend.ts"
import * as ServerSearch from "./ServerSearch.ts"

export const layer = (options: StoreOptions): Layer.Layer<Ports, ClientError> => Local.layer(options)

export const serve = (options: ServeOptions): Layer.Layer<Running, ClientError> =>
  Layer.effect(
    Running,
    Effect.gen(function*() {
      const url = HttpServer.formatAddress((yield* HttpServer.HttpServer).address)
      yield* ServerSearch.leave(options.data, url)
      return { url }
    })
  ).pipe(Layer.provide(Server.layer(options)))
