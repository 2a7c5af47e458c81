import { EventEnvelope } from "@baton/contract/EventEnvelope"
import type { RunDocument } from "@baton/contract/RunDocument"
import * as Wire from "@baton/contract/Wire"
import { Event } from "@baton/kernel/Event"
import { assert, describe, it } from "@effect/vitest"
import * as HashMap from "effect/HashMap"
import * as Schema from "effect/Schema"
import * as ProgressModel from "../src/progress/ProgressModel.ts"
import * as ProgressSnapshot from "../src/progress/ProgressSnapshot.ts"
import * as Runs from "./Runs.ts"

/** Events about a few paths in any order: what no journal holds, and what some do. */
const paths = Schema.Literals(["a", "b", "m", "m[0]", "m[1]", "m[2]", "not a path", "[", "z[9]"])
const nonsense = Schema.Array(Schema.Union([
  Event,
  Schema.Struct({
    type: Schema.Literal("StepsDispatched"),
    v: Schema.Literal(1),
    at: Schema.Int,
    steps: Schema.Array(Schema.Tuple([paths, Schema.Int]))
  }),
  Schema.Struct({
    type: Schema.Literal("MapExpanded"),
    v: Schema.Literal(1),
    at: Schema.Int,
    path: paths,
    count: Schema.Int,
    items: Schema.Struct({ v: Schema.Json })
  }),
  Schema.Struct({
    type: Schema.Literal("StepSucceeded"),
    v: Schema.Literal(1),
    at: Schema.Int,
    path: paths,
    attempt: Schema.Int,
    output: Schema.Struct({ v: Schema.Json })
  }),
  Schema.Struct({
    type: Schema.Literal("StepsSkipped"),
    v: Schema.Literal(1),
    at: Schema.Int,
    nodes: Schema.Array(paths),
    reason: Schema.Literal("when")
  }),
  Schema.Struct({
    type: Schema.Literal("StepsCancelled"),
    v: Schema.Literal(1),
    at: Schema.Int,
    paths: Schema.Array(paths)
  })
]))

const begin = (document: RunDocument = Runs.document()) => ProgressModel.begin(document)

describe("ProgressModel", () => {
  it.prop(
    "P1, P2: any events fold; done and total never go down, and done stays within total",
    [nonsense],
    ([events]) => {
      let model = begin()
      for (const [index, event] of events.entries()) {
        const next = ProgressModel.fold(model, Wire.fromEvent("run_1", index + 1, event)).model
        assert.isAtLeast(next.done, model.done)
        assert.isAtLeast(next.total, model.total)
        assert.isAtMost(next.done, next.total)
        assert.isAtLeast(ProgressModel.pending(next), 0)
        model = next
      }
    }
  )

  it.prop("P1: any envelopes fold, whatever they hold", [Schema.Array(EventEnvelope)], ([envelopes]) => {
    envelopes.reduce((model, envelope) => ProgressModel.fold(model, envelope).model, begin())
  })

  it.prop("P1: an event that comes again changes nothing", [Schema.Array(Event)], ([events]) => {
    const envelopes = events.map((event, index) => Wire.fromEvent("run_1", index + 1, event))
    const once = envelopes.reduce((model, envelope) => ProgressModel.fold(model, envelope).model, begin())
    for (const envelope of envelopes) assert.strictEqual(ProgressModel.fold(once, envelope).model, once)
  })

  it("P3: the items of a map that are over leave nothing behind", () => {
    const model = Runs.fold(begin(), [
      Runs.expanded("research", 10_000),
      ...Array.from({ length: 9_999 }, (_, i) => [Runs.offered(`research[${i}]`), Runs.succeeded(`research[${i}]`)])
        .flat()
    ])
    assert.strictEqual(HashMap.size(model.active), 0)
    assert.strictEqual(model.done, 9_999)
    assert.deepInclude(HashMap.getUnsafe(model.maps, "research"), { count: 10_000, succeeded: 9_999, failed: 0 })
  })

  it("counts nodes and items, failures, tokens and money", () => {
    const model = Runs.fold(begin(), [
      Runs.offered("plan"),
      Runs.succeeded("plan", { inputTokens: 900, outputTokens: 304, costUsd: 0.004 }),
      Runs.expanded("research", 2),
      Runs.offered("research[0]", "research[1]"),
      Runs.succeeded("research[0]", { inputTokens: 10, outputTokens: 10 }),
      Runs.failed("research[1]", "item")
    ])
    assert.deepInclude(model, { done: 3, total: 5, failed: 1, tokens: 1_224, costUsd: 0.004, unpriced: true })
    assert.strictEqual(ProgressModel.pending(model), 1)
  })

  it("takes a dispatched step for running until live events tell who runs", () => {
    const offered = Runs.fold(begin(), [Runs.offered("plan", "report")])
    const plan = HashMap.getUnsafe(offered.active, "plan")
    assert.isTrue(ProgressModel.isRunning(offered, plan))
    const live = Wire.fromLive("run_1", "orchestration.step.running", "report", 0, 1, {})
    const told = ProgressModel.fold(offered, live).model
    assert.isFalse(ProgressModel.isRunning(told, HashMap.getUnsafe(told.active, "plan")))
    assert.isTrue(ProgressModel.isRunning(told, HashMap.getUnsafe(told.active, "report")))
  })

  it("goes on from a document without counting anything twice", () => {
    const document = Runs.document({
      seq: 7,
      stepsTotal: 5,
      steps: [
        Runs.step("plan", "agent", "succeeded"),
        Runs.step("research", "map", "running"),
        Runs.step("research[0]", "map", "succeeded"),
        Runs.step("research[1]", "map", "running"),
        Runs.step("report", "agent", "pending")
      ]
    })
    const from = ProgressSnapshot.fromDocument(document)
    assert.deepInclude(from, { done: 2, total: 5, seq: 7 })
    const old = ProgressModel.fold(from, Wire.fromEvent("run_1", 7, Runs.event(Runs.succeeded("research[0]")))).model
    assert.strictEqual(old, from)
    const next = ProgressModel.fold(from, Wire.fromEvent("run_1", 8, Runs.event(Runs.succeeded("research[1]")))).model
    assert.strictEqual(next.done, 3)
    assert.deepInclude(HashMap.getUnsafe(next.maps, "research"), { count: 2, succeeded: 2 })
  })
})
