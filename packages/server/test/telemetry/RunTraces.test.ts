/** What spans tell of what becomes of a run: tried again, waited, started another, made from another, not recorded. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Collector from "./Collector.ts"
import * as TestServer from "./TestServer.ts"

const trace = "0af7651916cd43dd8448eb211c80319c"
const parent = (flags: string) => ({ traceparent: `00-${trace}-b7ad6b7169203331-${flags}` })
const json = { "content-type": "application/json" }

const flaky = {
  name: "flaky",
  nodes: [{
    id: "a",
    type: "http",
    url: "http://127.0.0.1:1/none",
    retry: { attempts: 2, initial: "1ms", max: "1ms" }
  }]
}
const waiting = { name: "waiting", nodes: [{ id: "a", type: "wait", event: "go" }] }
const inner = { name: "inner", nodes: [{ id: "b", type: "transform", value: 1 }] }
const outer = { name: "outer", nodes: [{ id: "call", type: "flow", flow: "inner" }] }

type Spans = ReadonlyArray<Collector.Span>

/** What a server told while it did this. */
const told = <E>(
  work: (server: TestServer.TestServer) => Effect.Effect<void, E>,
  settings: { readonly [name: string]: string } = {}
): Effect.Effect<Spans, unknown> =>
  Effect.scoped(Effect.gen(function*() {
    const collector = yield* Collector.make
    const own = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...settings }
    yield* Effect.scoped(Effect.flatMap(TestServer.make("dev", own), work))
    return collector.spans
  }))

const named = (spans: Spans, name: string): Spans => spans.filter((span) => span.name === name)

describe("the spans of a run", () => {
  it.live("are one for each attempt, with the code of what failed it", () =>
    Effect.gen(function*() {
      const spans = yield* told(
        (server) => Effect.flatMap(server.start(flaky), server.ended),
        { BATON_NET_ALLOW: "127.0.0.1:1", BATON_NET_PORTS: "1" }
      )
      const attempts = named(spans, "step a")
      assert.deepStrictEqual(attempts.map(({ attributes }) => Number(attributes["baton.step.attempt"])), [1, 2])
      assert.strictEqual(new Set(attempts.map(({ spanId }) => spanId)).size, 2)
      const [root] = named(spans, "invoke_workflow flaky")
      for (const span of [...attempts, root!]) {
        assert.strictEqual(span.status.code, 2)
        assert.match(String(span.attributes["error.type"]), /^[A-Z][A-Z0-9_]+$/)
      }
    }), 60_000)

  it.live("last as long as a step has waited", () =>
    Effect.gen(function*() {
      const spans = yield* told((server) =>
        Effect.gen(function*() {
          const run = yield* server.start(waiting)
          yield* Effect.sleep(30)
          yield* server.ask(`/api/v1/runs/${run}/send`, { method: "POST", headers: json, body: `{"name":"go"}` })
          yield* server.ended(run)
        })
      )
      const [step] = named(spans, "step a")
      assert.isAtLeast(Number(BigInt(step!.endTimeUnixNano) - BigInt(step!.startTimeUnixNano)), 25e6)
    }), 60_000)

  it.live("of a run that another has started are part of its step", () =>
    Effect.gen(function*() {
      const spans = yield* told((server) =>
        Effect.gen(function*() {
          const saved = yield* server.ask("/api/v1/flows", {
            method: "POST",
            headers: json,
            body: JSON.stringify({ flow: inner })
          })
          assert.isBelow(saved.status, 300, saved.text)
          yield* Effect.flatMap(server.start(outer, parent("01")), server.ended)
        })
      )
      const [call] = named(spans, "step call")
      const [child] = named(spans, "invoke_workflow inner")
      const [own] = named(spans, "invoke_workflow outer")
      assert.strictEqual(child?.parentSpanId, call?.spanId)
      assert.isTrue(BigInt(call?.startTimeUnixNano ?? 0) <= BigInt(child?.startTimeUnixNano ?? 0))
      assert.isTrue(BigInt(call?.startTimeUnixNano ?? 0) < BigInt(call?.endTimeUnixNano ?? 0))
      assert.strictEqual(child?.attributes["baton.run.parent"], own?.attributes["baton.run.id"])
      const traced = spans.filter(({ traceId }) => traceId === trace).map(({ name }) => name).toSorted()
      assert.deepStrictEqual(traced, [
        "POST /api/v1/runs",
        "invoke_workflow inner",
        "invoke_workflow outer",
        "step b",
        "step call"
      ])
    }), 60_000)

  it.live(
    "of a run that was made from another say so, and are part of what asked for it",
    () =>
      Effect.gen(function*() {
        let first = ""
        const spans = yield* told((server) =>
          Effect.gen(function*() {
            first = yield* server.start(inner)
            yield* server.ended(first)
            const made = yield* server.ask(`/api/v1/runs/${first}/fork`, {
              method: "POST",
              headers: { ...json, ...parent("01") },
              body: "{}"
            })
            assert.strictEqual(made.status, 201, made.text)
            const { document } = JSON.parse(made.text) as { readonly document: { readonly id: string } }
            yield* server.ended(document.id)
          })
        )
        const [before, after] = named(spans, "invoke_workflow inner")
        assert.notStrictEqual(before?.traceId, trace)
        assert.strictEqual(after?.traceId, trace)
        assert.strictEqual(after?.attributes["baton.run.made_from"], first)
        assert.strictEqual(after?.parentSpanId, named(spans, "POST /api/v1/runs/:id/fork")[0]?.spanId)
      }),
    60_000
  )

  it.live("are none where whoever asked does not record, or the sampler does not", () =>
    Effect.gen(function*() {
      const unrecorded = yield* told((server) => Effect.flatMap(server.start(inner, parent("00")), server.ended))
      assert.deepStrictEqual(unrecorded, [])
      const off = { OTEL_TRACES_SAMPLER: "parentbased_always_off" }
      assert.deepStrictEqual(yield* told((server) => Effect.flatMap(server.start(inner), server.ended), off), [])
      const recorded = yield* told((server) => Effect.flatMap(server.start(inner, parent("01")), server.ended), off)
      assert.isAbove(recorded.length, 2)
    }), 60_000)

  it.live("are none of who only looks", () =>
    Effect.gen(function*() {
      const spans = yield* told((server) =>
        Effect.gen(function*() {
          yield* server.ask("/api/v1/runs")
          yield* server.ask("/api/v1/runs", { headers: parent("01") })
        })
      )
      assert.deepStrictEqual(spans.map(({ name, traceId }) => [name, traceId]), [["GET /api/v1/runs", trace]])
    }), 60_000)
})
