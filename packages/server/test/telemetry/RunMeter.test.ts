/** What is counted of durable records: every kind of event that a metric is about, each once. */
import * as Compile from "@baton/kernel/Compile"
import type { Event } from "@baton/kernel/Event"
import * as RunState from "@baton/kernel/RunState"
import { assert, describe, it } from "@effect/vitest"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Result from "effect/Result"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { labelValuesMax, Meter } from "../../src/telemetry/Meter.ts"
import * as Names from "../../src/telemetry/MetricNames.ts"
import { RunMeter } from "../../src/telemetry/RunMeter.ts"
import * as Exposition from "./Exposition.ts"

const state = RunState.empty(Result.getOrThrow(Compile.compile({
  name: "told",
  version: "1.0.0",
  nodes: [{ id: "a", type: "transform", value: 1 }],
  edges: []
})))

/** Fields that no metric looks at are left out. */
const told = (...events: ReadonlyArray<{ readonly type: Event["type"]; readonly [field: string]: unknown }>) =>
  events as unknown as ReadonlyArray<Event>

const usage = {
  path: "a",
  node: "a",
  attempt: 1,
  at: 0,
  agent: "a",
  model: "m",
  calls: 2,
  tokens: 130,
  inputTokens: 100,
  outputTokens: 20,
  cachedTokens: undefined,
  nanoUsd: 2_500_000_000,
  isUnpriced: false,
  isEstimated: false
}

const counting = (tenants: ReadonlyArray<string> = []) => {
  const meter = new Meter(10)
  const counted = new RunMeter(meter, new Set(tenants))
  const record = (events: ReadonlyArray<Event>, rows = [usage].slice(1), tenant = "default") =>
    counted.committed([{ tenant, state, events, usage: rows, letters: undefined }], 20)
  const page = () => Exposition.read(PrometheusMetrics.formatUnsafe(meter.context))
  return { counted, record, total: (name: string, part?: string) => Exposition.sum(page(), name, part) }
}

describe("records that are durable", () => {
  it("count what failed, was tried again, or was lost", () => {
    const { record, total } = counting()
    const error = { code: "X" }
    record(told({ type: "StepRetryScheduled", at: 1_500, startedAt: 1_000, path: "a", attempt: 1, error }))
    record(told({ type: "StepFailed", at: 4_000, startedAt: 2_000, path: "a", attempt: 2, error, handled: "edge" }))
    record(
      told({ type: "DeliveryLost", at: 1, path: "a", attempt: 1 }, { type: "RunAdopted", at: 1, lost: ["a", "b"] })
    )
    assert.strictEqual(total("baton_step_retries_total", `type="transform"`), 1)
    assert.strictEqual(total("baton_step_failures_total", `type="transform",handled="edge"`), 1)
    assert.strictEqual(total("baton_deliveries_lost_total"), 3)
    assert.strictEqual(total("baton_events_total"), 4)
    assert.strictEqual(total("orchestration_step_duration_seconds_sum", `status="retried"`), 0.5)
    assert.strictEqual(total("orchestration_step_duration_seconds_sum", `status="failed"`), 2)
  })

  it("count money, and what it could not pay for", () => {
    const { record, total } = counting()
    record(told({ type: "OverrunRecorded", at: 1 }, { type: "StepsUnfunded", at: 1, steps: [{}, {}] }), [
      usage,
      { ...usage, model: "free", nanoUsd: 0, calls: 1, isUnpriced: true },
      { ...usage, calls: 0, tokens: -10, inputTokens: -10, outputTokens: 0, nanoUsd: -5 }
    ])
    assert.strictEqual(total("baton_budget_overruns_total"), 1)
    assert.strictEqual(total("baton_budget_waits_total"), 2)
    assert.strictEqual(total("baton_model_calls_total", `model="m"`), 2)
    assert.strictEqual(total("baton_cost_usd_total", `model="m"`), 2.5)
    assert.strictEqual(total("baton_unpriced_calls_total", `model="free"`), 1)
    assert.strictEqual(total("baton_unpriced_calls_total", `model="m"`), 0)
    const tokens = (direction: string) => total("baton_tokens_total", `model="m",direction="${direction}"`)
    assert.deepStrictEqual(["input", "output", "unknown"].map(tokens), [100, 20, 10], "corrections take nothing back")
  })

  it("count changes of plans, runs, commits and the way between two steps", () => {
    const { counted, record, total } = counting()
    record(told(
      { type: "RunCreated", at: 0 },
      { type: "PatchProposed", at: 1 },
      { type: "PatchProposed", at: 1 },
      { type: "PlanPatched", at: 1 },
      { type: "PatchRejected", at: 1 },
      { type: "RunFinished", at: 3_000, status: "succeeded" }
    ))
    counted.uncommitted("full")
    counted.offered([{ type: "http" } as never], 1_000, 1_250)
    const patches = (outcome: string) => total("baton_patches_total", `outcome="${outcome}"`)
    assert.deepStrictEqual(["proposed", "applied", "rejected"].map(patches), [2, 1, 1])
    assert.strictEqual(total("baton_runs_created_total", `definition="told@1.0.0"`), 1)
    assert.strictEqual(total("orchestration_run_duration_seconds_sum"), 3 - state.createdAt / 1_000)
    assert.strictEqual(total("baton_commit_failures_total", `reason="full"`), 1)
    assert.strictEqual(total("baton_commit_runs_sum"), 1)
    assert.strictEqual(total("baton_commit_seconds_sum"), 0.02)
    assert.strictEqual(total("baton_hop_seconds_sum"), 0.25)
    assert.strictEqual(total("baton_step_offers_total", `type="http"`), 1)
  })

  it("name the tenants that the operator has named, and no other", () => {
    const { record, total } = counting(["acme"])
    record(told({ type: "RunCreated", at: 0 }), [], "acme")
    record(told({ type: "RunCreated", at: 0 }), [], "secretive")
    assert.strictEqual(total("baton_runs_created_total", `definition="acme/told@1.0.0"`), 1)
    assert.strictEqual(total("baton_runs_created_total", `definition="told@1.0.0"`), 1)
  })
})

describe("a meter", () => {
  it("takes so many values of a label, and counts the rest together", () => {
    const meter = new Meter(1)
    for (let n = 0; n < labelValuesMax + 50; n++) meter.of(Names.modelCalls, `model-${n}`)(1)
    const { samples } = Exposition.read(PrometheusMetrics.formatUnsafe(meter.context))
    const models = samples.filter(({ name }) => name === "baton_model_calls_total")
    assert.strictEqual(models.length, labelValuesMax + 1)
    assert.strictEqual(models.find(({ labels }) => labels === `{model="other"}`)?.value, 50)
  })

  it("has the buckets of the sources", () => {
    assert.deepStrictEqual(Names.runSeconds.buckets, [1, 5, 10, 30, 60, 120, 300, 600, 1800])
    assert.deepStrictEqual(Names.stepSeconds.buckets, [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300])
    assert.deepStrictEqual(Names.queueSeconds.buckets, [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10])
  })

  it("is told something under every name", () => {
    const root = fileURLToPath(new URL("../../src", import.meta.url))
    const sources = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) =>
      name.endsWith(".ts") && !name.endsWith("MetricNames.ts")
    )
    const code = sources.map((name) => readFileSync(join(root, name), "utf8")).join("\n")
    const names = Object.entries(Names).filter(([, value]) => typeof value === "object" && "kind" in value)
    assert.strictEqual(names.length, Names.all.length)
    assert.deepStrictEqual(names.flatMap(([name]) => code.includes(`Names.${name}`) ? [] : [name]), [])
  })
})
