/** A server: the machine on its store, and HTTP in front of it. */
import { ClientError } from "@baton/contract/Client"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { createServer } from "node:http"
import * as HttpApp from "./http/HttpApp.ts"
import * as Live from "./live/Live.ts"
import type { LocalOptions } from "./Local.ts"
import * as Local from "./Local.ts"

export interface ServeOptions extends LocalOptions {
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

/** Characters of one segment of a path: ids, names and step paths, percent-encoded. */
const routerConfig = { maxParamLength: 1_024 }

/** Made after the server, so that streams end before it waits for its connections. */
const live = Layer.effectDiscard(Effect.flatMap(Live.Live, ({ stop }) => Effect.addFinalizer(() => stop)))

/** Serves until its scope closes; in it, `HttpServer` tells the address. */
export const layer = (options: ServeOptions): Layer.Layer<HttpServer.HttpServer, ClientError> =>
  live.pipe(
    Layer.provideMerge(HttpRouter.serve(HttpApp.layer, { disableLogger: true, disableListenLog: true, routerConfig })),
    Layer.provide(Live.layer),
    Layer.provide(Local.hostLayer(options)),
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
