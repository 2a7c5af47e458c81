/** Metrics: what a scrape says of runs, whom it says it to, and that it stays within its bounds. */
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Serve from "../../src/Serve.ts"
import { Meter } from "../../src/telemetry/Meter.ts"
import * as Names from "../../src/telemetry/MetricNames.ts"
import * as Exposition from "./Exposition.ts"
import * as Promtool from "./Promtool.ts"

const server = (mode: "dev" | "serve", settings: { readonly [name: string]: string } = {}) =>
  Effect.gen(function*() {
    const data = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-metrics-"))),
      (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
    const options = { data, handlers: undefined, adopt: false, outputRoot: join(data, "output") }
    const served = yield* Layer.build(
      Serve.layer({ ...options, host: "127.0.0.1", port: 0, mode }).pipe(
        Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(settings)))
      )
    )
    const url = HttpServer.formatAddress(Context.get(served, HttpServer.HttpServer).address)
    const ask = (path: string, init?: RequestInit) =>
      Effect.promise(async () => {
        const response = await fetch(`${url}${path}`, init)
        return { status: response.status, type: response.headers.get("content-type"), text: await response.text() }
      })
    return ask
  })

type Ask = Effect.Success<ReturnType<typeof server>>

const startRun = (ask: Ask, flow: object) =>
  Effect.map(
    ask("/api/v1/runs", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ flow, input: {} })
    }),
    ({ text }) => (JSON.parse(text) as { readonly id: string }).id
  )

/** The stream of a run's events ends with the run. */
const ended = (ask: Ask, run: string) => ask(`/api/v1/runs/${run}/events`, { headers: { accept: "text/event-stream" } })

const odd = "odd \"quoted\" \\ name"
const good = { name: "good", version: "2.0.0", nodes: [{ id: "a", type: "transform", value: 1 }] }
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
      const ask = yield* server("dev")
      yield* ask("/metrics")
      const runs = [yield* startRun(ask, good), yield* startRun(ask, bad)]
      for (const run of runs) yield* ended(ask, run)
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
      assert.isAbove(total("process_resident_memory_bytes"), 0)
      for (const run of runs) assert.notInclude(text, run)
      const known = new Set(Names.all.map(({ name }) => name))
      assert.deepStrictEqual([...page.types.keys()].filter((name) => !known.has(name)), [])
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
      const guarded = yield* server("serve")
      assert.strictEqual((yield* guarded("/metrics")).status, 401)
      const open = yield* server("serve", { BATON_METRICS: "public" })
      assert.strictEqual((yield* open("/metrics")).status, 200)
      assert.strictEqual((yield* open("/api/v1/runs")).status, 401)
      const off = yield* server("dev", { BATON_METRICS: "off" })
      assert.strictEqual((yield* off("/metrics")).status, 404)
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
