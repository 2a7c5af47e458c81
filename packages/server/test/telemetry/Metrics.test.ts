/** Metrics: what a scrape says of runs, whom it says it to, and that it stays within its bounds. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { connect } from "node:net"
import { Meter } from "../../src/telemetry/Meter.ts"
import * as Names from "../../src/telemetry/MetricNames.ts"
import * as Exposition from "./Exposition.ts"
import * as Promtool from "./Promtool.ts"
import * as TestServer from "./TestServer.ts"

const json = { method: "POST", headers: { "content-type": "application/json" } }
const odd = "odd \"quoted\" \\ name"
const good = { name: "good", version: "2.0.0", nodes: [{ id: "a", type: "transform", value: 1 }] }
const held = { name: "held", nodes: [{ id: "a", type: "wait", event: "never" }] }
const gated = { name: "gated", nodes: [{ id: "a", type: "approval", question: "Go on?" }] }
const bad = {
  name: "bad",
  nodes: [{
    id: "a",
    type: "http",
    url: "http://127.0.0.1:1/none",
    retry: { attempts: 2, initial: "1ms", max: "1ms" }
  }]
}

describe("metrics", () => {
  it.live("tell what became of runs and steps, by the sources' names", () =>
    Effect.gen(function*() {
      const { ask, ended, start } = yield* TestServer.make("dev")
      yield* ask("/metrics")
      const runs = [yield* start(good), yield* start(bad)]
      for (const run of runs) yield* ended(run)
      const { status, text, type } = yield* ask("/metrics")
      assert.deepStrictEqual([status, type], [200, "text/plain; version=0.0.4; charset=utf-8"])
      const page = Exposition.read(text)
      assert.deepStrictEqual(Exposition.faults(page), [])
      const total = (name: string, part?: string) => Exposition.sum(page, name, part)
      assert.strictEqual(total("orchestration_runs_total", `definition="good@2.0.0",status="succeeded"`), 1)
      assert.strictEqual(total("orchestration_runs_total", `status="failed"`), 1)
      assert.strictEqual(total("orchestration_run_duration_seconds_count"), 2)
      assert.strictEqual(total("orchestration_step_duration_seconds_count", `type="transform",status="succeeded"`), 1)
      assert.strictEqual(
        total("orchestration_step_queue_seconds_count", `type="http"`),
        total("baton_step_attempts_total", `type="http"`)
      )
      assert.strictEqual(total("baton_runs_created_total"), 2)
      assert.strictEqual(total("baton_dead_letters_total"), 1)
      assert.strictEqual(total("baton_runs_stuck"), 0)
      assert.strictEqual(
        total("baton_http_request_seconds_count", `method="POST",route="/api/v1/runs",status="201"`),
        2
      )
      assert.isAbove(total("baton_commit_seconds_count"), 1)
      if (!Promtool.isMissing) assert.deepStrictEqual(Promtool.run(["check", "metrics"], text), { status: 0, said: "" })
      assert.isAbove(total("process_resident_memory_bytes"), 0)
      for (const run of runs) assert.notInclude(text, run)
      const known = new Set(Names.all.map(({ name }) => name))
      assert.deepStrictEqual([...page.types.keys()].filter((name) => !known.has(name)), [])
    }), 60_000)

  it.live(
    "count the request of a stream when the stream begins, and the stream while it lasts",
    () =>
      Effect.gen(function*() {
        const { ask, open, start } = yield* TestServer.make("dev")
        const run = yield* start(held)
        const close = yield* open(`/api/v1/runs/${run}/events`)
        const page = Exposition.read((yield* ask("/metrics")).text)
        const route = `route="/api/v1/runs/:id/events",status="200"`
        assert.strictEqual(Exposition.sum(page, "baton_http_request_seconds_count", route), 1)
        assert.strictEqual(Exposition.sum(page, "baton_http_requests_open"), 1, "the scrape itself")
        assert.strictEqual(Exposition.sum(page, "baton_event_streams", `transport="sse"`), 1)
        yield* close
      }),
    60_000
  )

  it.live("tell of open runs what they are and wait for", () =>
    Effect.gen(function*() {
      const { ask, ended, start } = yield* TestServer.make("dev")
      const total = (name: string, part?: string) =>
        Effect.map(ask("/metrics"), ({ text }) => Exposition.sum(Exposition.read(text), name, part))
      const runs = [yield* start(held), yield* start(held), yield* start(gated)]
      yield* ask(`/api/v1/runs/${runs[0]}/pause`, { method: "POST" })
      const waits = Effect.repeat(total("baton_runs", `status="waiting"`), { until: (count) => count === 3 })
      assert.strictEqual(yield* Effect.timeout(waits, "20 seconds"), 3)
      assert.strictEqual(yield* total("baton_runs_paused"), 1)
      assert.strictEqual(yield* total("baton_doors_open", `kind="approval"`), 1)
      for (const run of runs) yield* ask(`/api/v1/runs/${run}/cancel`, { ...json, body: "{}" })
      for (const run of runs) yield* ended(run)
      assert.strictEqual(yield* total("baton_runs"), 0)
      assert.strictEqual(yield* total("baton_doors_open", `kind="approval"`), 0, "a kind that was there stays")
      assert.strictEqual(yield* total("orchestration_runs_total", `status="cancelled"`), 3)
    }), 60_000)

  it.live("count each second of the processor once, whatever asks", () =>
    Effect.gen(function*() {
      const { ask } = yield* TestServer.make("dev")
      for (let n = 0; n < 5; n++) yield* ask("/metrics")
      const { text } = yield* ask("/metrics")
      const { system, user } = process.cpuUsage()
      const page = Exposition.read(text)
      assert.isAtMost(Exposition.sum(page, "process_cpu_seconds_total"), (system + user) / 1e6)
      assert.isAbove(Exposition.sum(page, "process_cpu_seconds_total"), (system + user) / 1e6 / 2)
    }), 60_000)

  it.live("name no path, method or model that a stranger made up", () =>
    Effect.gen(function*() {
      const { ask } = yield* TestServer.make("dev")
      for (let n = 0; n < 3; n++) yield* ask(`/stranger-${n}/x?y=stranger`)
      yield* ask("/api/v1/runs/stranger")
      yield* ask("/api/v1/runs", { method: "PROPFIND" })
      const { text } = yield* ask("/metrics")
      assert.notMatch(text, /stranger|propfind/i)
      const page = Exposition.read(text)
      assert.strictEqual(Exposition.sum(page, "baton_http_request_seconds_count", `method="GET",route="none"`), 3)
      assert.strictEqual(Exposition.sum(page, "baton_http_request_seconds_count", `method="other"`), 1)
      assert.strictEqual(
        Exposition.sum(page, "baton_http_request_seconds_count", `route="/api/v1/runs/:id",status="404"`),
        1
      )
    }), 60_000)

  it.live("count requests that were refused to protect the others", () =>
    Effect.gen(function*() {
      const { ask, url } = yield* TestServer.make("dev", {
        BATON_METRICS: "public",
        BATON_LIMITS_REQUESTS_IN_FLIGHT: "1"
      })
      // Whose body does not come is being worked on.
      const slow = connect(Number(new URL(url).port), "127.0.0.1", () =>
        slow.write(
          "POST /api/v1/runs HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n"
        ))
      yield* Effect.addFinalizer(() => Effect.sync(() => slow.destroy()))
      yield* Effect.repeat(ask("/api/v1/runs"), { until: ({ status }) => status === 503 })
      assert.strictEqual((yield* ask("/api/v1/runs")).status, 503)
      for (let n = 0; n < 2; n++) {
        const page = Exposition.read((yield* ask("/metrics")).text)
        assert.strictEqual(Exposition.sum(page, "baton_http_shed_total", `reason="in_flight"`), 2)
      }
    }), 60_000)

  it.skipIf(Promtool.isMissing)("are clean under promtool check metrics, all of them, with odd labels", () => {
    const meter = new Meter(10)
    for (const name of Names.all) meter.of(name, ...name.labels.map(() => odd))(1)
    const text = PrometheusMetrics.formatUnsafe(meter.context)
    const page = Exposition.read(text)
    assert.strictEqual(page.types.size, Names.all.length)
    assert.deepStrictEqual(Promtool.run(["check", "metrics"], text), { status: 0, said: "" })
  })

  it.live("are for nobody without a key, unless the operator says so", () =>
    Effect.gen(function*() {
      const guarded = yield* TestServer.make("serve")
      assert.strictEqual((yield* guarded.ask("/metrics")).status, 401)
      const open = yield* TestServer.make("serve", { BATON_METRICS: "public" })
      assert.strictEqual((yield* open.ask("/metrics")).status, 200)
      assert.strictEqual((yield* open.ask("/api/v1/runs")).status, 401)
      const off = yield* TestServer.make("dev", { BATON_METRICS: "off" })
      assert.strictEqual((yield* off.ask("/metrics")).status, 404)
    }), 60_000)

  it("name no more definitions than they may, and count the rest together", () => {
    const meter = new Meter(2)
    for (const name of ["a@1", "b@1", "c@1", "d@1", "a@1"]) meter.of(Names.created, name)(1)
    const page = Exposition.read(PrometheusMetrics.formatUnsafe(meter.context))
    const samples = page.samples.filter(({ name }) => name === "baton_runs_created_total")
    assert.deepStrictEqual(
      samples.map(({ labels, value }) => [labels, value]),
      [[`{definition="a@1"}`, 2], [`{definition="b@1"}`, 1], [`{definition="other"}`, 2]]
    )
  })
})
