/** Two runs side by side: what is the same, what differs, and what only one of them has. */
import type { Json } from "@baton/kernel/Value"
import * as Schema from "effect/Schema"
import type { RunDocument, StepDocument } from "./RunDocument.ts"

const Side = Schema.Struct({
  status: Schema.String,
  attempt: Schema.Int,
  /** Milliseconds; null where the step did not run here. */
  tookMs: Schema.NullOr(Schema.Finite),
  /** US dollars; null where unknown or nothing was spent. */
  costUsd: Schema.NullOr(Schema.Finite),
  output: Schema.Json
})
export type Side = typeof Side.Type

const StepDiff = Schema.Struct({
  path: Schema.String,
  a: Schema.NullOr(Side),
  b: Schema.NullOr(Side),
  /**
   * `same`: same end, same output · `output`: another output · `status`: another end · `a` or `b`: only that run has it.
   */
  change: Schema.Literals(["same", "output", "status", "a", "b"])
})
export type StepDiff = typeof StepDiff.Type

export const RunDiff = Schema.Struct({
  a: Schema.Json,
  b: Schema.Json,
  sameInput: Schema.Boolean,
  sameOutput: Schema.Boolean,
  steps: Schema.Array(StepDiff),
  counts: Schema.Struct({
    same: Schema.Int,
    output: Schema.Int,
    status: Schema.Int,
    a: Schema.Int,
    b: Schema.Int
  })
})
export type RunDiff = typeof RunDiff.Type

/** JSON text in which the order of members does not count. */
const canonical = (value: Json): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`
  if (typeof value !== "object" || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).toSorted(([one], [other]) => one < other ? -1 : 1)
  return `{${entries.map(([key, member]) => `${JSON.stringify(key)}:${canonical(member)}`).join(",")}}`
}

const side = (step: StepDocument): Side => ({
  status: step.status,
  attempt: step.attempt,
  tookMs: step.startedAt === null || step.endedAt === null
    ? null
    : Math.max(0, Date.parse(step.endedAt) - Date.parse(step.startedAt)),
  costUsd: step.usage?.costUsd ?? null,
  output: step.output
})

/** A step that was taken over has succeeded. */
const end = (status: string): string => status === "reused" ? "succeeded" : status

const changeOf = (a: Side | null, b: Side | null): StepDiff["change"] => {
  if (a === null) return "b"
  if (b === null) return "a"
  if (end(a.status) !== end(b.status)) return "status"
  return canonical(a.output) === canonical(b.output) ? "same" : "output"
}

const head = (run: RunDocument): Json => ({
  id: run.id,
  flow: run.flow,
  version: run.version,
  status: run.status,
  totalTimeMs: run.metrics.totalTimeMs,
  tokensTotal: run.metrics.tokensTotal,
  costUsd: run.metrics.costUsd,
  ...(run.lineage === undefined ? {} : { lineage: run.lineage })
})

/** `aSteps` and `bSteps` are all steps of the runs, in the order of their plans. */
export const diff = (
  a: RunDocument,
  aSteps: ReadonlyArray<StepDocument>,
  b: RunDocument,
  bSteps: ReadonlyArray<StepDocument>
): RunDiff => {
  const others = new Map(bSteps.map((step) => [step.path, step]))
  const known = new Set(aSteps.map((step) => step.path))
  const counts = { same: 0, output: 0, status: 0, a: 0, b: 0 }
  const line = (path: string, one: Side | null, other: Side | null): StepDiff => {
    const change = changeOf(one, other)
    counts[change]++
    return { path, a: one, b: other, change }
  }
  const steps = aSteps.map((step) => {
    const other = others.get(step.path)
    return line(step.path, side(step), other === undefined ? null : side(other))
  })
  for (const step of bSteps) if (!known.has(step.path)) steps.push(line(step.path, null, side(step)))
  return {
    a: head(a),
    b: head(b),
    sameInput: canonical(a.input) === canonical(b.input),
    sameOutput: canonical(a.output) === canonical(b.output),
    steps,
    counts
  }
}
