/** Small runs to fold and draw: a document and events about it. Times count from `start`. */
import type { RunDocument, StepDocument } from "@baton/contract/RunDocument"
import * as Wire from "@baton/contract/Wire"
import type { Event } from "@baton/kernel/Event"
import type { StepError } from "@baton/kernel/StepError"
import type { Usage } from "@baton/kernel/Usage"
import type { Note } from "../src/progress/Note.ts"
import * as ProgressModel from "../src/progress/ProgressModel.ts"

export const start = Date.parse("2026-11-21T14:02:09.000Z")

/** An event but for its time and version. */
export type Draft = Event extends infer E ? (E extends Event ? Omit<E, "v" | "at"> : never) : never

export const event = (draft: Draft, at = start): Event => ({ ...draft, v: 1, at }) as Event

export const step = (path: string, type: string, status: StepDocument["status"]): StepDocument => ({
  path,
  node: path.replace(/\[.*/, ""),
  type,
  status,
  attempt: 1,
  startedAt: null,
  endedAt: null,
  output: null,
  error: null,
  usage: null
})

export const document = (over: Partial<RunDocument> = {}): RunDocument => ({
  schema: "baton.run/1",
  id: "run_1",
  flow: "launch",
  version: "1.0.0",
  revision: 0,
  status: "running",
  reason: "",
  code: "",
  input: {},
  output: null,
  error: null,
  warnings: [],
  tags: {},
  startedAt: "2026-11-21T14:02:09.000Z",
  endedAt: null,
  seq: 1,
  steps: [step("plan", "agent", "pending"), step("research", "map", "pending"), step("report", "agent", "pending")],
  stepsTotal: 3,
  metrics: {
    totalTimeMs: 0,
    stepTimesMs: {},
    parallelEfficiency: 0,
    tokensTotal: 0,
    costUsd: 0,
    estimated: false,
    reserved: null,
    budget: null,
    stepsSucceeded: 0,
    stepsFailed: 0
  },
  ...over
})

export const error: StepError = { code: "AGENT_TIMEOUT", kind: "timeout", message: "no answer in 30s", retryable: true }

export const offered = (...paths: ReadonlyArray<string>): Draft => ({
  type: "StepsDispatched",
  steps: paths.map((path) => [path, 1] as const)
})

export const succeeded = (path: string, usage?: Usage): Draft => ({
  type: "StepSucceeded",
  path,
  attempt: 1,
  output: { v: 1 },
  startedAt: start,
  ...(usage === undefined ? {} : { usage })
})

export const failed = (path: string, handled: "item" | "none" | "continue" | "fallback" = "none"): Draft => ({
  type: "StepFailed",
  path,
  attempt: 2,
  error,
  handled
})

export const retrying = (path: string, inMs: number): Draft => ({
  type: "StepRetryScheduled",
  path,
  attempt: 1,
  error,
  dueAt: start + inMs
})

export const expanded = (path: string, count: number): Draft => ({ type: "MapExpanded", path, count, items: { v: [] } })

export const asksOperator = (path: string): Draft => ({
  type: "StepWaiting",
  path,
  attempt: 1,
  wait: { kind: "operator", reason: "failed", error }
})

/** Folds events that happened `stepMs` apart. */
export const notes = (
  model: ProgressModel.ProgressModel,
  drafts: ReadonlyArray<Draft>,
  stepMs = 0
): { readonly model: ProgressModel.ProgressModel; readonly notes: ReadonlyArray<Note> } => {
  const found: Array<Note> = []
  let now = model
  for (const [index, draft] of drafts.entries()) {
    const folded = ProgressModel.fold(now, Wire.fromEvent("run_1", now.seq + 1, event(draft, start + index * stepMs)))
    now = folded.model
    if (folded.note !== undefined) found.push(folded.note)
  }
  return { model: now, notes: found }
}

export const fold = (model: ProgressModel.ProgressModel, drafts: ReadonlyArray<Draft>): ProgressModel.ProgressModel =>
  notes(model, drafts).model
