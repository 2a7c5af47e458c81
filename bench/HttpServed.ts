/** A server to be measured, in a process of its own: `bare` (one Effect route), `accept` (nothing is executed) or `execute`. */
import * as Serve from "@baton/server/Serve"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { createServer } from "node:http"

const [mode = "bare", data = ":memory:"] = process.argv.slice(2)

/** What any server must do: read the body as JSON, and answer a document of the same size as that of a run. */
const bare = HttpRouter.serve(
  HttpRouter.add(
    "POST",
    "/api/v1/runs",
    Effect.flatMap(
      HttpServerRequest.HttpServerRequest,
      (request) =>
        Effect.map(
          request.json,
          (body) => HttpServerResponse.jsonUnsafe({ id: "run_1", body, filler: "x".repeat(700) }, { status: 201 })
        )
    )
  ),
  { disableLogger: true, disableListenLog: true }
).pipe(Layer.provideMerge(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })))

const baton = Serve.layer({
  data,
  handlers: undefined,
  outputRoot: data,
  // A worker of another type leaves the steps where they are: only accepting is measured.
  ...(mode === "execute" ? {} : { roles: "api,coordinator,worker:file" }),
  host: "127.0.0.1",
  port: 0,
  mode: "dev"
})

const served: Effect.Effect<Context.Context<HttpServer.HttpServer>, unknown, Scope.Scope> = mode === "bare"
  ? Layer.build(bare)
  : Layer.build(baton)

const tell = Effect.map(served, (context) => {
  const { address } = Context.get(context, HttpServer.HttpServer)
  process.send?.(HttpServer.formatAddress(address))
})

/** Asked for it, tells the CPU time used so far, in microseconds. */
process.on("message", () => {
  const { system, user } = process.cpuUsage()
  process.send?.(user + system)
})
process.on("disconnect", () => process.exit(0))
await Effect.runPromise(Effect.scoped(Effect.andThen(tell, Effect.never)))
