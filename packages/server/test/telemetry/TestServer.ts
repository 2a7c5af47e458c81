/** A server on a free port over a store of its own. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Serve from "../../src/Serve.ts"

export interface Answer {
  readonly status: number
  readonly type: string | null
  readonly text: string
}

export interface TestServer {
  readonly url: string
  readonly ask: (path: string, init?: RequestInit) => Effect.Effect<Answer>
  /** Starts a run of the flow; its id. */
  readonly start: (
    flow: object,
    headers?: { readonly [name: string]: string }
  ) => Effect.Effect<string>
  /** Opens an event stream and waits for what it begins with; what closes it. */
  readonly open: (path: string) => Effect.Effect<Effect.Effect<void>>
  /** Waits for the end of the run. */
  readonly ended: (run: string) => Effect.Effect<Answer>
}

export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-telemetry-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export const make = (mode: "dev" | "serve", settings: { readonly [name: string]: string } = {}) =>
  Effect.gen(function*() {
    const data = yield* folder
    const options = { data, handlers: undefined, adopt: false, outputRoot: join(data, "output") }
    const served = yield* Layer.build(
      Serve.layer({ ...options, host: "127.0.0.1", port: 0, mode }).pipe(
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(settings)))
      )
    )
    const url = HttpServer.formatAddress(Context.get(served, HttpServer.HttpServer).address)
    const ask: TestServer["ask"] = (path, init) =>
      Effect.promise(async () => {
        const response = await fetch(`${url}${path}`, init)
        return { status: response.status, type: response.headers.get("content-type"), text: await response.text() }
      })
    const server: TestServer = {
      url,
      ask,
      start: (flow, headers) =>
        Effect.map(
          ask("/api/v1/runs", {
            method: "POST",
            headers: { "content-type": "application/json", ...headers },
            body: JSON.stringify({ flow, input: {} })
          }),
          ({ status, text }) => {
            if (status !== 201) throw new Error(text)
            return (JSON.parse(text) as { readonly id: string }).id
          }
        ),
      open: (path) =>
        Effect.promise(async () => {
          const controller = new AbortController()
          const { body } = await fetch(`${url}${path}`, {
            headers: { accept: "text/event-stream" },
            signal: controller.signal
          })
          await body?.getReader().read()
          return Effect.sync(() => controller.abort())
        }),
      // The stream of a run's events ends with the run.
      ended: (run) => ask(`/api/v1/runs/${run}/events`, { headers: { accept: "text/event-stream" } })
    }
    return server
  })
