/** A trace through a run: in with the request, out with every call, and the spans between. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Collector from "./Collector.ts"
import * as Outside from "./Outside.ts"
import * as TestServer from "./TestServer.ts"

const trace = "0af7651916cd43dd8448eb211c80319c"
const came = { traceparent: `00-${trace}-b7ad6b7169203331-01`, tracestate: "vendor=x y,other=1" }

/** What a flow's author has written. */
const own = "00-11111111111111111111111111111111-2222222222222222-01"

const settingsOf = (port: number) => ({
  BATON_NET_ALLOW: `127.0.0.1:${port}`,
  BATON_NET_PORTS: String(port),
  BATON_MODEL: `http://127.0.0.1:${port}/v1#script`
})

const flowOf = (port: number) => ({
  name: "reader",
  agents: { reader: { instructions: "Read the page.", tools: ["http_get"] } },
  nodes: [
    { id: "page", type: "http", url: `http://127.0.0.1:${port}/page` },
    { id: "own", type: "http", url: `http://127.0.0.1:${port}/own`, headers: { traceparent: own }, needs: ["page"] },
    { id: "read", type: "agent", agent: "reader", needs: ["own"], input: { secret: "said in confidence" } }
  ]
})

describe("calls of a run", () => {
  it.live(
    "go out with its trace and state; agents, models and tools have spans within it",
    () =>
      Effect.gen(function*() {
        const outside = yield* Outside.make
        const collector = yield* Collector.make
        yield* Effect.scoped(Effect.gen(function*() {
          const server = yield* TestServer.make("dev", {
            ...settingsOf(outside.port),
            OTEL_EXPORTER_OTLP_ENDPOINT: collector.url
          })
          const { text } = yield* server.ended(yield* server.start(flowOf(outside.port), came))
          assert.include(text, "orchestration.run.completed")
        }))
        const parentOf = new Map(collector.spans.map((span) => [span.spanId, span]))
        const chain = (spanId: string | undefined): ReadonlyArray<string> => {
          const span = spanId === undefined ? undefined : parentOf.get(spanId)
          return span === undefined ? [] : [span.name, ...chain(span.parentSpanId)]
        }
        const run = ["invoke_workflow reader", "POST /api/v1/runs"]
        const chat = ["chat script", "invoke_agent reader", "step read", ...run]
        const [written] = outside.asked.filter(({ path }) => path === "/own")
        assert.deepStrictEqual([written?.headers["traceparent"], written?.headers["tracestate"]], [own, undefined])
        const asked = outside.asked.filter(({ path }) => path !== "/own")
        assert.deepStrictEqual(
          asked.map(({ headers, path }) => [path, ...chain(String(headers["traceparent"]).slice(36, 52))]),
          [
            ["/page", "step page", ...run],
            ["/v1/chat/completions", ...chat],
            ["/tool", "execute_tool http_get", ...chat.slice(1)],
            ["/v1/chat/completions", ...chat]
          ]
        )
        for (const { headers } of asked) {
          assert.match(String(headers["traceparent"]), new RegExp(`^00-${trace}-[0-9a-f]{16}-01$`))
          assert.strictEqual(headers["tracestate"], came.tracestate)
        }
        assert.deepStrictEqual([...new Set(collector.spans.map(({ traceId }) => traceId))], [trace])
        assert.strictEqual(parentOf.size, collector.spans.length)
        const told = collector.spans.find(({ name }) => name === "chat script")
        assert.deepInclude(told?.attributes, {
          "gen_ai.operation.name": "chat",
          "gen_ai.request.model": "script",
          "gen_ai.usage.input_tokens": 100,
          "gen_ai.usage.output_tokens": 10
        })
        assert.notInclude(collector.bodies.join(), "confidence")
        assert.notInclude(collector.bodies.join(), "It says")
      }),
    60_000
  )

  it.live(
    "pass on what a run came with where nothing is recorded, and nothing where it came with none",
    () =>
      Effect.gen(function*() {
        const outside = yield* Outside.make
        const server = yield* TestServer.make("dev", settingsOf(outside.port))
        yield* server.ended(yield* server.start(flowOf(outside.port), came))
        const asked = () => outside.asked.filter(({ path }) => path !== "/own")
        const seen = () => asked().map(({ headers }) => [headers["traceparent"], headers["tracestate"]])
        assert.deepStrictEqual(seen(), Array.from({ length: 4 }, () => [came.traceparent, came.tracestate]))
        const before = asked().length
        yield* server.ended(yield* server.start(flowOf(outside.port)))
        assert.deepStrictEqual(seen().slice(before), Array.from({ length: 4 }, () => [undefined, undefined]))
      }),
    60_000
  )
})
