/** The client port over the machine in this process. */
import type { StepResolution } from "@baton/contract/Client"
import { Client, ClientError } from "@baton/contract/Client"
import * as Retention from "@baton/engine/Retention"
import { RunStore } from "@baton/engine/RunStore"
import type { Json } from "@baton/kernel/Value"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Answers from "./Answers.ts"
import * as FlowSource from "./FlowSource.ts"
import type { Parts } from "./Parts.ts"
import * as RunBudget from "./RunBudget.ts"
import * as RunControl from "./RunControl.ts"
import * as RunEvents from "./RunEvents.ts"
import * as RunId from "./RunId.ts"
import * as RunReading from "./RunReading.ts"
import * as RunStart from "./RunStart.ts"
import { bounded, stored } from "./StoredInput.ts"

const remove = Effect.fnUntraced(function*(parts: Parts, run: string): Effect.fn.Return<void, ClientError> {
  const removed = yield* Effect.mapError(parts.store.remove(parts.tenant, run), Answers.fromStore)
  if (removed) return yield* collect(parts)
  const row = yield* Effect.mapError(parts.store.find(parts.tenant, run), Answers.fromStore)
  if (row === undefined) return yield* Effect.fail(Answers.runNotFound(run))
  if (row.endedAt !== undefined && row.parent !== undefined) {
    const { run: parent } = row.parent
    return yield* Effect.fail(
      new ClientError({
        reason: "conflict",
        code: "PARENT_NOT_FINISHED",
        message: `${run} was started by ${parent}, which is not finished and may still read how it ended`,
        hint: `baton runs explain ${parent}`
      })
    )
  }
  return yield* Effect.fail(
    new ClientError({
      reason: "conflict",
      code: "RUN_NOT_FINISHED",
      message: `${run} is ${row.status}; only finished runs can be deleted`,
      hint: `baton runs cancel ${run}`
    })
  )
})

/** Runs listed in one go. */
const pageRuns = 500

/** The space of removed runs comes back, and what only they named goes too. */
const collect = (parts: Parts): Effect.Effect<void, ClientError> =>
  Retention.purgeAll.pipe(
    Effect.provideService(RunStore, parts.store),
    Effect.mapError(Answers.fromStore),
    Effect.andThen(Effect.suspend(() => {
      const before = parts.clock.currentTimeMillisUnsafe() - Duration.toMillis(Retention.unnamedKept)
      return Effect.mapError(parts.blobs.collect(before), Answers.fromBlobs)
    })),
    Effect.asVoid
  )

const prune = Effect.fnUntraced(function*(parts: Parts, before: number): Effect.fn.Return<number, ClientError> {
  const ended: Array<string> = []
  // Listed before any is removed: a page starts after a run that is there.
  for (let after: string | undefined, more = true; more;) {
    const rows = yield* parts.store.list({
      tenant: parts.tenant,
      limit: pageRuns,
      ...(after === undefined ? {} : { after })
    }).pipe(
      Effect.mapError(Answers.fromStore)
    )
    for (const row of rows) if (row.endedAt !== undefined && row.endedAt < before) ended.push(row.run)
    after = rows.at(-1)?.run
    more = rows.length === pageRuns
  }
  let removed = 0
  for (const run of ended) {
    if (yield* Effect.mapError(parts.store.remove(parts.tenant, run), Answers.fromStore)) removed++
  }
  yield* collect(parts)
  return removed
})

const send = Effect.fnUntraced(function*(
  parts: Parts,
  run: string,
  name: string,
  data: Json,
  given: string | undefined
): Effect.fn.Return<void, ClientError> {
  const id = given ?? RunId.make("evt", parts.clock.currentTimeMillisUnsafe())
  const value = yield* stored(parts, data)
  yield* RunControl.ask(parts, run, (at) => ({ type: "SendEvent", at, by: parts.by, id, name, data: value }))
})

const resolveStep = Effect.fnUntraced(function*(
  parts: Parts,
  run: string,
  path: string,
  action: "retry" | "skip" | "abort",
  { by = parts.by, delayMs, modifications, note, output }: StepResolution
): Effect.fn.Return<void, ClientError> {
  const value = output === undefined ? undefined : yield* bounded(parts, output, "OUTPUT_INVALID", "the output")
  const patch = modifications === undefined
    ? undefined
    : yield* bounded(parts, modifications, "MODIFICATIONS_INVALID", "the modifications")
  yield* RunControl.ask(parts, run, (at) => ({
    type: "ResolveStep",
    at,
    by,
    path,
    action,
    ...(value === undefined ? {} : { output: value }),
    ...(note === undefined ? {} : { note }),
    ...(delayMs === undefined ? {} : { delayMs }),
    ...(patch === undefined ? {} : { modifications: patch })
  }))
})

const resume = Effect.fnUntraced(function*(
  parts: Parts,
  run: string,
  { allowUnknownPrice, budget, by = parts.by, note }: NonNullable<Parameters<Client["Service"]["resume"]>[1]>
): Effect.fn.Return<void, ClientError> {
  const add = budget === undefined ? {} : yield* RunBudget.amounts(budget)
  yield* RunControl.takeOver(parts, run)
  if (budget !== undefined || allowUnknownPrice === true) {
    yield* RunControl.ask(parts, run, (at) => ({
      type: "RaiseBudget",
      at,
      by,
      add,
      ...(allowUnknownPrice === true ? { allowUnknownPrice } : {}),
      ...(note === undefined ? {} : { note })
    }))
  }
  const state = yield* parts.coordinator.peek(parts.tenant, run)
  // A raise may have ended the run, or another process has it: only a pause is there to be lifted.
  if (state !== undefined && !state.state.paused) return
  yield* RunControl.ask(parts, run, (at) => ({ type: "ResumeRun", at, by }))
})

export const make = (parts: Parts): Client["Service"] =>
  Client.of({
    start: (request) => RunStart.start(parts, request),
    resolve: (text) => RunReading.find(parts, text),
    show: (run) => RunReading.show(parts, run),
    steps: (run, after, limit) => RunReading.steps(parts, run, after, limit),
    list: ({ after, flow, limit, parent, roots, since, status }) =>
      parts.store.list({
        tenant: parts.tenant,
        limit,
        ...(status === undefined ? {} : { status }),
        ...(flow === undefined ? {} : { flow }),
        ...(parent === undefined ? {} : { parent }),
        ...(roots === undefined ? {} : { roots }),
        ...(since === undefined ? {} : { createdAfter: since }),
        ...(after === undefined ? {} : { after })
      }).pipe(Effect.mapError(Answers.fromStore), Effect.map((rows) => rows.map(RunReading.listItem))),
    events: (run, options) => RunEvents.events(parts, run, options),
    explain: (run) => RunReading.reasons(parts, run),
    logs: (run, options) => RunEvents.logs(parts, run, options),
    send: (run, name, data, id) => send(parts, run, name, data, id),
    cancel: (run, reason, by = parts.by) =>
      Effect.asVoid(RunControl.ask(parts, run, (at) => ({
        type: "CancelRun",
        at,
        by,
        ...(reason === undefined ? {} : { reason })
      }))),
    pause: (run, by = parts.by) => Effect.asVoid(RunControl.ask(parts, run, (at) => ({ type: "PauseRun", at, by }))),
    resume: (run, options) => resume(parts, run, options ?? {}),
    resolveStep: (run, path, action, options) => resolveStep(parts, run, path, action, options),
    remove: (run) => remove(parts, run),
    prune: (before) => prune(parts, before),
    checkFlow: (text, file) =>
      Effect.map(parts.agents.list, (list) => {
        const checked = FlowSource.check(text, file, new Set(list.map((agent) => agent.name)))
        return { problems: checked.problems, canonical: checked.plan === undefined ? undefined : checked.flow as Json }
      })
  })
