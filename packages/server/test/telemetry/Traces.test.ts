/** Traces: one for a run, however many processes it takes, and none of it in the way of the run. */
import { ApprovalsClient } from "@baton/contract/ApprovalsClient"
import { Client } from "@baton/contract/Client"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Local from "../../src/Local.ts"
import * as Collector from "./Collector.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-traces-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const baton = (data: string, settings: { readonly [name: string]: string }, adopt = false) =>
  Local.layer({ data, handlers: undefined, adopt, outputRoot: join(data, "output") }).pipe(
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromUnknown(settings)))
  )

const follow = (run: string, until: string) =>
  Effect.flatMap(Client, (client) =>
    client.events(run, { after: 0, follow: true }).pipe(
      Stream.takeUntil((envelope) => envelope.type === until),
      Stream.runDrain
    ))

const gated = `name: gated
version: 1.2.0
nodes:
  draft: { value: "\${ input.topic }" }
  gate: { needs: [draft], approval: "Post it?" }
  post: { needs: [gate.approved], value: done }
`

const start = (text: string) =>
  Effect.flatMap(Client, (client) => client.start({ flow: { text, file: "flow.yaml" }, input: { topic: "words" } }))

describe("traces", () => {
  it.live(
    "are one for a run that is suspended for an approval and resumed by another process",
    () =>
      Effect.gen(function*() {
        const data = yield* folder
        const collector = yield* Collector.make
        const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_RESOURCE_ATTRIBUTES: "team=a%20b" }
        const run = yield* Effect.gen(function*() {
          const { id } = yield* start(gated)
          yield* follow(id, "orchestration.checkpoint.requested")
          return id
        }).pipe(Effect.provide(baton(data, settings)))
        assert.deepStrictEqual(collector.spans.map(({ name }) => name), ["step draft"])
        yield* Effect.gen(function*() {
          const approvals = yield* ApprovalsClient
          yield* approvals.decide({ target: run }, { decision: "approve", by: "ana" })
          yield* follow(run, "orchestration.run.completed")
        }).pipe(Effect.provide(baton(data, settings, true)))
        const names = collector.spans.map(({ name }) => name).toSorted()
        assert.deepStrictEqual(names, ["invoke_workflow gated", "step draft", "step gate", "step post"])
        assert.strictEqual(new Set(collector.spans.map(({ traceId }) => traceId)).size, 1)
        const root = collector.spans.find(({ name }) => name.startsWith("invoke_workflow"))
        for (const span of collector.spans) {
          assert.strictEqual(span.parentSpanId, span === root ? undefined : root?.spanId)
          assert.strictEqual(span.attributes["baton.run.id"], run)
          assert.isTrue(BigInt(span.startTimeUnixNano) >= BigInt(root?.startTimeUnixNano ?? 0))
          assert.isTrue(BigInt(span.endTimeUnixNano) <= BigInt(root?.endTimeUnixNano ?? 0))
        }
        // It has waited while no process was there.
        const gate = collector.spans.find(({ name }) => name === "step gate")
        const before = collector.spans.find(({ name }) => name === "step draft")
        assert.isAtMost(Number(BigInt(gate?.startTimeUnixNano ?? 0) - BigInt(before?.endTimeUnixNano ?? 0)), 1e9)
        assert.isAbove(Number(BigInt(gate?.endTimeUnixNano ?? 0) - BigInt(gate?.startTimeUnixNano ?? 0)), 0)
        assert.deepInclude(collector.resources[0], { "service.name": "baton", team: "a b" })
        assert.notInclude(collector.bodies.join(), "words")
      }),
    60_000
  )

  it.live("keep no run waiting when their collector is broken", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const collector = yield* Collector.make
      collector.answer(400)
      const settings = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_BSP_MAX_QUEUE_SIZE: "1" }
      yield* Effect.gen(function*() {
        const { id } = yield* start("name: plain\nnodes:\n  a: { value: 1 }\n")
        yield* follow(id, "orchestration.run.completed")
      }).pipe(Effect.provide(baton(data, settings)))
      assert.strictEqual(collector.bodies.length, 1)
      assert.deepStrictEqual(collector.spans, [])
    }), 60_000)
})
