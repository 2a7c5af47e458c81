/** Secrets are told to nobody who looks on: not in logs, events, metrics or spans. */
import * as Trace from "@baton/kernel/Trace"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as JsonLog from "../../src/telemetry/JsonLog.ts"
import * as LoggedAttempt from "../../src/telemetry/LoggedAttempt.ts"
import * as Collector from "./Collector.ts"
import * as Outside from "./Outside.ts"
import * as TestServer from "./TestServer.ts"

const canary = "canary-7f3a9c1e55"
/** As webhooks take it, with the canary in its bytes. */
const signing = `whsec_${Buffer.from(`${canary}-and-more`).toString("base64")}`
const json = { "content-type": "application/json" }

/** The page gets the secret; what it answers is not taken, and the port beside it refuses. */
const flowOf = (port: number) => ({
  name: "teller",
  secrets: ["TOKEN"],
  nodes: [
    {
      id: "told",
      type: "http",
      url: `http://127.0.0.1:${port}/page`,
      headers: { authorization: "Bearer ${secrets.TOKEN}" },
      output: { type: "object", required: ["nothing"] },
      onFailure: "continue"
    },
    {
      id: "lost",
      type: "http",
      method: "POST",
      url: "http://127.0.0.1:1/none",
      body: { key: "${secrets.TOKEN}" },
      onFailure: "continue"
    },
    { id: "read", type: "agent", agent: "reader", input: {}, needs: ["told", "lost"], onFailure: "continue" }
  ],
  agents: { reader: { instructions: "Read.", tools: ["http_get"] } }
})

describe("a planted secret", () => {
  it.live("is in what the outside gets, and nowhere else", () =>
    Effect.gen(function*() {
      const outside = yield* Outside.make
      const collector = yield* Collector.make
      const lines: Array<string> = []
      const logs = Layer.mergeAll(
        Logger.layer([Logger.make((options) => void lines.push(JsonLog.line(options)))]),
        Layer.succeed(References.MinimumLogLevel, "All" as const)
      )
      const seen = yield* Effect.scoped(Effect.gen(function*() {
        const server = yield* TestServer.make("dev", {
          BATON_NET_ALLOW: `127.0.0.1:${outside.port}`,
          BATON_NET_PORTS: `${outside.port},1`,
          BATON_MODEL: `http://127.0.0.1:${outside.port}/v1#script`,
          BATON_LOG_FORMAT: "json",
          BATON_WEBHOOK_SECRET: signing,
          ORCHESTRATION_PROGRESS_WEBHOOK_URL: `http://127.0.0.1:${outside.port}/hook`,
          OPENAI_API_KEY: canary,
          OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
          OTEL_EXPORTER_OTLP_HEADERS: `x-key=${canary}`
        })
        yield* server.ask("/metrics")
        const set = yield* server.ask("/api/v1/secrets/TOKEN", {
          method: "PUT",
          headers: json,
          body: JSON.stringify({ value: canary, hosts: ["127.0.0.1"] })
        })
        assert.strictEqual(set.status, 204)
        const headers = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }
        const events = yield* server.ended(yield* server.start(flowOf(outside.port), headers))
        const metrics = yield* server.ask("/metrics", { headers: { authorization: `Bearer ${canary}` } })
        return { events: events.text, metrics: metrics.text }
      })).pipe(Effect.provide(logs))
      assert.isTrue(outside.asked.some(({ headers }) => headers["authorization"] === `Bearer ${canary}`))
      assert.strictEqual(collector.headers[0]?.["x-key"], canary)
      assert.include(seen.events, "orchestration.run.completed")
      assert.isAbove(collector.spans.length, 3)
      for (const line of lines) assert.doesNotThrow(() => JSON.parse(line))
      const told = [...lines, seen.events, seen.metrics, ...collector.bodies].join("\n")
      for (const secret of [canary, signing, signing.slice("whsec_".length)]) assert.notInclude(told, secret)
    }), 60_000)

  it.effect("lines of a log tell run, step and trace, and what was said in one text", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      yield* Effect.logWarning("A step broke", { reason: "full", time: "mine" }).pipe(
        Effect.annotateLogs({ run: "run_1", step: "a", tenant: "default", trace_id: "t", span_id: "s" }),
        Effect.provide(Logger.layer([Logger.make((options) => void lines.push(JsonLog.line(options)))]))
      )
      const { time, ...line } = JSON.parse(lines[0] ?? "") as { readonly time: string }
      assert.match(time, /^\d{4}-\d\d-\d\dT.*Z$/)
      assert.deepStrictEqual(line, {
        level: "warn",
        message: "A step broke",
        run: "run_1",
        step: "a",
        tenant: "default",
        trace_id: "t",
        span_id: "s",
        reason: "full"
      })
    }))

  it.effect("lines of a log are one line each, whatever is said, and no longer than they may be", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      yield* Effect.logError(
        "a\nb\r\u001b[31m\u009b31m\u2028\u2029\ud800",
        { long: "x".repeat(10_000), level: "mine", ["__proto__"]: "x", secret: Redacted.make("SECRET") },
        Cause.fail(new Error("it broke"))
      ).pipe(Effect.provide(Logger.layer([Logger.make((options) => void lines.push(JsonLog.line(options)))])))
      const [line = ""] = lines
      // oxlint-disable-next-line no-control-regex
      assert.notMatch(line, /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800]/)
      const read = JSON.parse(line) as { readonly [name: string]: string }
      assert.strictEqual(read["message"], "a\nb\r\u001b[31m\u009b31m\u2028\u2029\ud800")
      assert.strictEqual(read["level"], "error")
      assert.strictEqual(read["long"]?.length, 4_096)
      assert.include(read["error"], "it broke")
      assert.notInclude(line, "SECRET")
    }))

  it("lines of an attempt say which run, step, tenant and trace they are about", () => {
    const offer = { attempt: 2, path: "a", run: "run_1", tenant: "acme" }
    const state = { run: "run_1", createdAt: 1, trace: undefined }
    const context = LoggedAttempt.around(() => undefined)(offer as never, state as never)
    const told = Context.get(context ?? Context.empty(), References.CurrentLogAnnotations)
    const { span_id, trace_id, ...rest } = told
    assert.deepStrictEqual(rest, { run: "run_1", step: "a", tenant: "acme" })
    assert.strictEqual(trace_id, Trace.traceId(state))
    assert.strictEqual(span_id, Trace.stepSpan(Trace.runSpan(state), "a", 2))
  })
})
