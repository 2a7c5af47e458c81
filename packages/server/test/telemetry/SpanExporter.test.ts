/** Spans on their way to a collector that is down, slow, or does not want them: bounded, counted, and in nobody's way. */
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as SpanExporter from "../../src/telemetry/SpanExporter.ts"
import * as SpanSinks from "../../src/telemetry/SpanSink.ts"
import * as Settings from "../../src/telemetry/TelemetrySettings.ts"
import * as Collector from "./Collector.ts"

const span = (name = "step a", attributes: ReadonlyArray<[string, unknown]> = []) =>
  SpanSinks.ended({
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    parent: undefined,
    name,
    kind: "internal",
    start: 1n,
    end: 2n,
    failed: false,
    attributes,
    state: undefined
  })

const settled = (settings: { readonly [name: string]: string }) => <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.provide(effect, ConfigProvider.layer(ConfigProvider.fromUnknown(settings)))

/** An exporter, and what became of spans so far. */
const exporting = Effect.fnUntraced(function*(url: string, settings: { readonly [name: string]: string }) {
  const counts = { exported: 0, dropped: 0, failed: 0 }
  const sink = yield* SpanExporter.make(url, (outcome, spans) => {
    counts[outcome] += spans
  }).pipe(settled({ OTEL_BSP_SCHEDULE_DELAY: "10", ...settings }))
  return { sink, counts }
})

const until = (fits: () => boolean): Effect.Effect<void> => Effect.repeat(Effect.sleep(5), { until: fits })

const withCollector = (
  test: (collector: Collector.Collector) => Effect.Effect<void, unknown, Scope.Scope>
): Effect.Effect<void, unknown> => Effect.scoped(Effect.flatMap(Collector.make, test))

describe("an exporter of spans", () => {
  it.live(
    "keeps no more than it may while the collector says nothing, and counts the rest",
    () =>
      withCollector(Effect.fnUntraced(function*(collector) {
        collector.answer(0)
        const settings = { OTEL_BSP_MAX_QUEUE_SIZE: "20", OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "5" }
        yield* Effect.scoped(Effect.gen(function*() {
          const { counts, sink } = yield* exporting(collector.url, { ...settings, OTEL_EXPORTER_OTLP_TIMEOUT: "100" })
          sink.push(span())
          yield* until(() => collector.bodies.length === 1)
          for (let n = 0; n < 100; n++) sink.push(span())
          assert.deepStrictEqual(counts, { exported: 0, dropped: 80, failed: 0 })
          yield* until(() => counts.failed > 0)
          collector.answer(200)
          yield* until(() => counts.exported > 0)
        }))
      })),
    20_000
  )

  it.live(
    "tries again what could not be taken just then, and only that",
    () =>
      withCollector(Effect.fnUntraced(function*(collector) {
        const { counts, sink } = yield* exporting(collector.url, {})
        collector.answer(503)
        sink.push(span())
        yield* until(() => collector.bodies.length === 2)
        collector.answer(200)
        yield* until(() => counts.exported === 1)
        assert.strictEqual(collector.bodies[0], collector.bodies[1])
        const before = collector.bodies.length
        collector.answer(400)
        sink.push(span())
        yield* until(() => counts.failed === 1)
        assert.strictEqual(collector.bodies.length, before + 1)
      })),
    20_000
  )

  it.live("does not keep a process that stops", () =>
    withCollector(Effect.fnUntraced(function*(collector) {
      collector.answer(0)
      const from = performance.now()
      yield* Effect.scoped(Effect.gen(function*() {
        const { sink } = yield* exporting(collector.url, { OTEL_BSP_SCHEDULE_DELAY: "100000" })
        sink.push(span())
      }))
      assert.isBelow(performance.now() - from, 8_000)
      assert.isAtLeast(collector.bodies.length, 1)
    })), 20_000)

  it.live(
    "speaks the protocol it is told to, and carries the operator's headers",
    () =>
      withCollector(Effect.fnUntraced(function*(collector) {
        collector.answer(204)
        for (const protocol of ["http/json", "http/protobuf"]) {
          const headers = { OTEL_EXPORTER_OTLP_PROTOCOL: protocol, OTEL_EXPORTER_OTLP_HEADERS: "X-Key=a%20b, other=1" }
          const { counts, sink } = yield* exporting(collector.url, headers)
          sink.push(span())
          yield* until(() => counts.exported === 1)
        }
        const seen = collector.headers.map((headers) => [headers["content-type"], headers["x-key"], headers["other"]])
        assert.deepStrictEqual(seen, [["application/json", "a b", "1"], ["application/x-protobuf", "a b", "1"]])
      })),
    20_000
  )

  it("cuts what a span says", () => {
    const { attributes, name } = span("n".repeat(10_000), [["gen_ai.tool.call.id", "x".repeat(10_000)]])
    assert.strictEqual(name.length, 256)
    assert.deepStrictEqual(attributes[0]?.value, { stringValue: "x".repeat(1_024) })
  })
})

describe("settings of traces", () => {
  it.effect("say whether and where", () =>
    Effect.gen(function*() {
      const target = (settings: { readonly [name: string]: string }) =>
        settled(settings)(Effect.gen(function*() {
          return yield* SpanExporter.target
        }))
      const base = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318/" }
      assert.isUndefined(yield* target({}))
      assert.strictEqual(yield* target(base), "http://127.0.0.1:4318/v1/traces")
      const own = { ...base, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://127.0.0.1:1/own" }
      assert.strictEqual(yield* target(own), "http://127.0.0.1:1/own")
      assert.isUndefined(yield* target({ ...base, OTEL_SDK_DISABLED: "true" }))
    }))

  it.effect("record a share of the traces, by their last digits", () =>
    Effect.gen(function*() {
      const settings = { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.25" }
      const sampler = yield* settled(settings)(Effect.gen(function*() {
        return yield* Settings.sampler
      }))
      const ids = ["00", "3f", "40", "ff"].map((digits) => `${"a".repeat(18)}${digits}${"0".repeat(12)}`)
      assert.deepStrictEqual(ids.map(sampler), [true, true, false, false])
    }))
})
