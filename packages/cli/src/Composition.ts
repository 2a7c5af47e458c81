/** The one place where the command line chooses what answers its ports. */
import type { ClientError } from "@baton/contract/Client"
import type { Ports } from "@baton/contract/Ports"
import * as StoreAddress from "@baton/server/gate/StoreAddress"
import * as Local from "@baton/server/Local"
import * as Server from "@baton/server/Serve"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { resolve } from "node:path"
import { type ServeOptions, Server as Running, type StoreOptions } from "./Backend.ts"
import * as ServerSearch from "./ServerSearch.ts"
import { hostDefault, portDefault } from "./ServeTree.ts"

export const layer = (options: StoreOptions): Layer.Layer<Ports, ClientError> => Local.layer(options)

const running = (data: string) =>
  Layer.effect(
    Running,
    Effect.gen(function*() {
      const url = HttpServer.formatAddress((yield* HttpServer.HttpServer).address)
      yield* ServerSearch.leave(data, url)
      return { url, data }
    })
  )

export const serve = (options: ServeOptions): Layer.Layer<Running, ClientError> =>
  Layer.unwrap(Effect.gen(function*() {
    const folder = yield* StoreAddress.folderOf(options.store)
    const data = folder === undefined ? options.data : resolve(folder)
    const { handlers, host = hostDefault, mode, outputRoot, port = portDefault, requireKeys, roles } = options
    return running(data).pipe(
      Layer.provide(Server.layer({ mode, requireKeys, data, handlers, host, port, outputRoot, roles }))
    )
  }))
