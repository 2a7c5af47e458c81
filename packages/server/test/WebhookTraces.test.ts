import { WebhooksClient } from "@baton/contract/WebhooksClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { RequestTrace } from "../src/telemetry/CarriedTrace.ts"
import { isLast } from "./Receiver.ts"
import * as Collector from "./telemetry/Collector.ts"
import { atDesk, baton, folder, heard, logged, receiver, start } from "./WebhookDesk.ts"

const trace = "0af7651916cd43dd8448eb211c80319c"
const link = { parent: `00-${trace}-b7ad6b7169203331-01`, state: "vendor=opaque" }
const traced = Effect.provideService(RequestTrace, link)

describe("A delivery is part of the trace of its run", () => {
  it.live("where nobody records: what the run came with is handed on, and a run without a trace has none", () =>
    atDesk(({ target }) =>
      Effect.gen(function*() {
        const { add, resend } = yield* WebhooksClient
        const { webhook } = yield* add({ url: target.url })
        yield* start()
        yield* heard(target, (all) => all.some(isLast))
        assert.deepStrictEqual(target.all.filter(({ headers }) => "traceparent" in headers), [])

        target.all.length = 0
        yield* traced(start())
        yield* heard(target, (all) => all.some(isLast))
        const [one] = yield* logged(webhook.id, (log) => log.some(({ state }) => state === "delivered"))
        const before = target.all.length
        yield* resend(one!.id)
        yield* heard(target, (all) => all.length > before)
        for (const { headers } of target.all) {
          assert.deepInclude(headers, { traceparent: link.parent, tracestate: link.state })
        }
      })
    ))

  it.live("where traces are recorded: each attempt is a span below the run's, and the receiver hears of that one", () =>
    Effect.gen(function*() {
      const collector = yield* Collector.make
      const target = yield* receiver
      const data = yield* folder
      let refused = 0
      target.answer = (_, response) => void response.writeHead(refused++ === 0 ? 503 : 204).end()
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }
      const run = yield* Effect.gen(function*() {
        const { add } = yield* WebhooksClient
        yield* add({ url: target.url })
        const id = yield* traced(start())
        yield* heard(target, (all) => all.some(isLast))
        return id
      }).pipe(Effect.provide(baton(data, [target.host, new URL(collector.url).host], { env })))
      const own = collector.spans.find(({ name }) => name.startsWith("invoke_workflow"))
      const spans = collector.spans.filter(({ name }) => name.startsWith("webhook "))
      const sent = target.all.map(({ headers }) => headers["traceparent"])
      assert.deepStrictEqual(sent, spans.map(({ spanId }) => `00-${trace}-${spanId}-01`))
      assert.strictEqual(new Set(sent).size, sent.length)
      assert.strictEqual(target.ids[0], target.ids[1], "the first event was refused once")
      for (const span of spans) {
        assert.deepInclude(span, { traceId: trace, parentSpanId: own?.spanId, traceState: link.state })
        assert.strictEqual(span.attributes["baton.run.id"], run)
        assert.notInclude(JSON.stringify(span), target.host)
      }
      assert.deepStrictEqual(spans.map(({ status }) => status.code), [2, ...sent.slice(1).map(() => 0)])
    }).pipe(Effect.scoped))
})
