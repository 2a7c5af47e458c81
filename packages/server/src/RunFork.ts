/** Making a run from another one: its journal is read, what may be kept is worked out, and the rest is a new run. */
import { ClientError } from "@baton/contract/Client"
import type { ForkRun, MadeRun, RetryRun } from "@baton/contract/OperatorClient"
import * as JournalReader from "@baton/engine/JournalReader"
import type { RunRow } from "@baton/engine/RunStore"
import { isFinished } from "@baton/engine/RunStore"
import type { NewBlob } from "@baton/engine/StoredValue"
import { store } from "@baton/engine/StoredValue"
import * as Amount from "@baton/kernel/Amounts"
import * as Compile from "@baton/kernel/Compile"
import type { Lineage } from "@baton/kernel/EventReuse"
import { locate } from "@baton/kernel/EvolveStep"
import type * as Flow from "@baton/kernel/Flow"
import * as JsonPatch from "@baton/kernel/JsonPatch"
import type { Terms } from "@baton/kernel/Ledger"
import * as Modifications from "@baton/kernel/Modifications"
import type { Plan } from "@baton/kernel/Plan"
import { sameOrigin } from "@baton/kernel/Problem"
import * as ReusePlan from "@baton/kernel/ReusePlan"
import { SourceRun } from "@baton/kernel/SourceRun"
import type { BlobRef, Json, JsonObject, Value } from "@baton/kernel/Value"
import { refs, resolve } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Answers from "./Answers.ts"
import * as FlowPinning from "./FlowPinning.ts"
import * as FlowSource from "./FlowSource.ts"
import type { Parts } from "./Parts.ts"
import * as RunBudget from "./RunBudget.ts"
import * as RunId from "./RunId.ts"
import * as RunReading from "./RunReading.ts"
import * as RunStart from "./RunStart.ts"
import { RequestTrace } from "./telemetry/CarriedTrace.ts"

const refuse = (
  reason: ClientError["reason"],
  code: string,
  message: string,
  more: { readonly hint?: string; readonly problems?: ReadonlyArray<Json> } = {}
) => Effect.fail(new ClientError({ reason, code, message, ...more }))

const rowOf = Effect.fnUntraced(function*(parts: Parts, run: string): Effect.fn.Return<RunRow, ClientError> {
  const row = yield* Effect.mapError(parts.store.find(parts.tenant, run), Answers.fromStore)
  return row ?? (yield* Effect.fail(Answers.runNotFound(run)))
})

/** The source as of event `at`. Its beginning must be there: what is kept is worked out from all of its events. */
const read: (
  parts: Parts,
  row: RunRow,
  at: number | undefined
) => Effect.Effect<SourceRun, ClientError> = Effect.fnUntraced(function*(parts, row, at) {
  const { head, run } = row
  if (at !== undefined && !(Number.isInteger(at) && at >= 1 && at <= head)) {
    return yield* refuse("not_found", "SEQ_NOT_FOUND", `${run} has no event ${at}; its events are 1 to ${head}`, {
      hint: `baton runs journal ${run}`
    })
  }
  // A store verifies what it gives: a journal without its beginning does not hold together.
  const [first] = yield* parts.store.records(parts.tenant, run, 0, 1).pipe(
    Effect.catch((error) => error.reason === "corrupt" ? Effect.succeed([]) : Effect.fail(Answers.fromStore(error)))
  )
  if (first === undefined || first.seq !== 1) {
    return yield* refuse("not_found", "HISTORY_PRUNED", `the beginning of ${run} is not there, or is damaged`, {
      hint: "fork another run, or start anew: baton run FLOW"
    })
  }
  const plan = yield* Effect.mapError(parts.plans.get(parts.tenant, row.flowHash), Answers.fromFlows)
  const source = new SourceRun(plan, at)
  yield* Effect.mapError(
    JournalReader.read(parts.store, parts.tenant, run, (event) => source.fold(event)),
    Answers.fromStore
  )
  if (source.state.sealed !== undefined) {
    return yield* refuse("unavailable", "RUN_SEALED", `${run}: ${source.state.sealed}`)
  }
  if (source.state.plan.callers.length > 0) {
    for (const path of yield* startedBelow(parts, run)) source.started.add(path)
  }
  return source
})

/** Runs started by one run that are looked through. */
const childrenMax = 1000

/** Steps of a run whose child, or a run below it, has started an irreversible call. */
const startedBelow: (parts: Parts, run: string) => Effect.Effect<ReadonlyArray<string>, ClientError> = Effect
  .fnUntraced(function*(parts, run) {
    const children = yield* Effect.mapError(
      parts.store.list({ tenant: parts.tenant, parent: run, limit: childrenMax }),
      Answers.fromStore
    )
    const found: Array<string> = []
    for (const child of children) {
      const { started } = yield* read(parts, child, undefined)
      if (child.parent !== undefined && started.size > 0) found.push(child.parent.path)
    }
    return found
  })

const jsonOf = Effect.fnUntraced(function*(parts: Parts, value: Value): Effect.fn.Return<Json, ClientError> {
  const loaded = new Map<BlobRef, Json>()
  for (const ref of refs(value)) {
    loaded.set(ref, yield* Effect.mapError(parts.coordinator.json(parts.tenant, ref), Answers.fromBlobs))
  }
  return resolve(value, loaded) ?? null
})

interface Target {
  readonly plan: Plan
  readonly hash: string
  readonly changed: boolean
}

const patched = Effect.fnUntraced(function*(plan: Plan, patch: Json): Effect.fn.Return<Flow.Flow, ClientError> {
  const operations = JsonPatch.decode(patch)
  const done = Result.isFailure(operations)
    ? Result.fail(operations.failure)
    : JsonPatch.apply(plan.document as unknown as Json, operations.success)
  if (Result.isSuccess(done)) {
    const compiled = Compile.compile(done.success as unknown as Flow.Flow)
    if (Result.isSuccess(compiled)) return compiled.success.document
    return yield* Effect.fail(FlowSource.invalid("the patched flow", compiled.failure))
  }
  const { code, message, pointer } = done.failure
  return yield* refuse("invalid", code, `the patch: at ${pointer === "" ? "the top" : pointer}: ${message}`)
})

/** What the new run executes: the source's plan, another flow, or either of them patched. */
const targetOf = Effect.fnUntraced(function*(
  parts: Parts,
  source: SourceRun,
  row: RunRow,
  { flow, patch }: Pick<ForkRun, "flow" | "patch">
): Effect.fn.Return<Target, ClientError> {
  const { plan } = source.state
  if (flow === undefined && patch === undefined && plan.revision === 0) {
    return { plan, hash: row.flowHash, changed: false }
  }
  const given = flow === undefined ? plan : (yield* RunStart.flowOf(parts, flow)).plan
  const document = patch === undefined ? given.document : yield* patched(given, patch)
  const file = flow !== undefined && "text" in flow ? flow.file : `${given.name}.json`
  const frozen = yield* FlowPinning.freeze(parts, document, { file, origin: sameOrigin }, (pinned) => pinned)
  yield* RunStart.requireSecrets(parts, yield* FlowPinning.family(parts, frozen.plan))
  return { ...frozen, changed: true }
})

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

interface Input {
  readonly before: Json
  readonly after: Json
}

/** Undefined where the new run takes the source's input as it is. */
const inputOf = Effect.fnUntraced(function*(
  parts: Parts,
  source: SourceRun,
  { input, set }: Pick<ForkRun, "input" | "set">
): Effect.fn.Return<Input | undefined, ClientError> {
  if (input === undefined && set === undefined) return undefined
  const before = yield* jsonOf(parts, source.state.input)
  const base = input ?? before
  if (set === undefined) return { before, after: base }
  if (!isObject(base)) {
    return yield* refuse("invalid", "INPUT_NOT_OBJECT", "fields can only be set in an input that is an object")
  }
  return { before, after: Object.fromEntries([...Object.entries(base), ...Object.entries(set)]) }
})

interface Making {
  readonly row: RunRow
  readonly source: SourceRun
  readonly target: Target
  readonly input: Input | undefined
  readonly kind: Lineage["kind"]
  readonly again: ReadonlySet<string>
  readonly allowIrreversible: boolean
  readonly allowUnknownPrice: boolean
  readonly by: string | undefined
  readonly note: string | undefined
  readonly modifications: { readonly path: string; readonly json: Json } | undefined
  /** Id of the new run; absent: a new one. */
  readonly id: string | undefined
}

/** Steps that are asked for by name, with what is changed about them. */
const changesOf = ({ again, modifications }: Making, blobs: Array<NewBlob>) =>
  [...again].map((path) =>
    modifications?.path === path ? { path, modifications: store(modifications.json, blobs) } : { path }
  )

/** A fresh ledger, at today's prices, under the budget that the source was started with; what a changed flow says comes over it. */
const termsOf = Effect.fnUntraced(function*(
  parts: Parts,
  { allowUnknownPrice, source, target }: Making
): Effect.fn.Return<Terms | undefined, ClientError> {
  const { agents, ledger } = source.state
  const before = ledger?.terms?.allotted === true ? undefined : ledger?.terms
  const given = { ...before?.budget, ...(target.changed ? target.plan.limits.budget : {}) }
  return yield* RunBudget.terms(parts, target.plan, target.plan.document, {
    agents,
    ...(Amount.isEmpty(given) ? {} : { budget: Amount.toBudget(given) }),
    ...(allowUnknownPrice || before?.allowUnknownPrice === true ? { allowUnknownPrice: true } : {})
  })
})

const submit = Effect.fnUntraced(function*(
  parts: Parts,
  making: Making,
  plan: ReusePlan.ReusePlan
): Effect.fn.Return<MadeRun, ClientError> {
  const { input, kind, row, source, target } = making
  const at = parts.clock.currentTimeMillisUnsafe()
  const run = making.id ?? RunId.make("run", at)
  const blobs: Array<NewBlob> = []
  const ledger = yield* termsOf(parts, making)
  const trace = yield* RequestTrace
  const settled = yield* parts.coordinator.submit({
    tenant: parts.tenant,
    run,
    plan: target.plan,
    blobs,
    command: {
      type: "CreateRun",
      at,
      by: making.by ?? parts.by,
      run,
      flow: { name: target.plan.name, version: target.plan.version, hash: target.hash },
      input: input === undefined ? source.state.input : store(input.after, blobs),
      tags: source.state.tags,
      agents: source.state.agents,
      ...(ledger === undefined ? {} : { ledger }),
      ...(trace === undefined ? {} : { trace }),
      reuse: {
        lineage: { run: row.run, seq: source.state.seq, kind },
        steps: plan.steps,
        maps: plan.maps,
        guarded: plan.guarded,
        started: plan.started,
        warnings: plan.warnings,
        changes: changesOf(making, blobs),
        ...(making.note === undefined ? {} : { note: making.note })
      }
    }
  })
  yield* Answers.fromSettled(run, settled)
  const { guarded, running, steps } = plan
  return { document: yield* RunReading.show(parts, run), reused: steps.length, running, guarded }
})

const make = Effect.fnUntraced(function*(parts: Parts, making: Making): Effect.fn.Return<MadeRun, ClientError> {
  const { input, kind, row, source, target } = making
  // A process that only submits leaves the steps to whoever resumes the run.
  if (parts.execute) yield* RunStart.requireServed(parts, target.plan, `baton runs ${kind} ${row.run}`)
  if (input !== undefined || target.changed) {
    const json = input?.after ?? (yield* jsonOf(parts, source.state.input))
    yield* RunStart.requireInput(target.plan.document, json)
  }
  const plan = ReusePlan.make(source, {
    plan: target.plan,
    kind,
    again: making.again,
    allowIrreversible: making.allowIrreversible,
    ...(input === undefined ? {} : { input })
  })
  if (kind === "retry" && plan.running.length === 0) {
    return yield* refuse("conflict", "NOTHING_TO_RETRY", `every step of ${row.run} has succeeded`, {
      hint: `baton runs retry ${row.run} STEP, or baton runs fork ${row.run}`
    })
  }
  return yield* submit(parts, making, plan)
})

/** Nothing of the source is in the flow that the new run is to execute: it cannot be meant. */
const requireRelated = Effect.fnUntraced(function*(source: SourceRun, target: Target) {
  const { plan } = source.state
  if (!target.changed || plan.nodes.some((node) => target.plan.byId.has(node.id))) return
  return yield* refuse("invalid", "FORK_UNRELATED", `${target.plan.name} has none of the steps of ${plan.name}`, {
    hint: `baton run FLOW   (a run of its own)`
  })
})

export const fork = Effect.fnUntraced(
  function*(parts: Parts, request: ForkRun): Effect.fn.Return<MadeRun, ClientError> {
    const row = yield* rowOf(parts, request.run)
    const source = yield* read(parts, row, request.at)
    const target = yield* targetOf(parts, source, row, request)
    yield* requireRelated(source, target)
    return yield* make(parts, {
      row,
      source,
      target,
      input: yield* inputOf(parts, source, request),
      kind: "fork",
      again: new Set(),
      allowIrreversible: request.allowIrreversible ?? false,
      allowUnknownPrice: request.allowUnknownPrice ?? false,
      by: request.by,
      note: request.note,
      modifications: undefined,
      id: request.id
    })
  }
)

const requireStep = Effect.fnUntraced(function*(source: SourceRun, row: RunRow, { modifications, step }: RetryRun) {
  if (step === undefined) {
    if (modifications === undefined) return undefined
    return yield* refuse("invalid", "STEP_MISSING", "modifications need the step they are for")
  }
  const address = locate(source.state, step)
  if (address === undefined) {
    return yield* refuse("not_found", "STEP_NOT_FOUND", `${row.run} has no step ${step}`, {
      hint: `baton runs show ${row.run}`
    })
  }
  if (modifications === undefined) return undefined
  const work = address.index === undefined ? address.node : address.node.each?.body ?? address.node
  const problem = Modifications.problem(work, modifications)
  if (problem !== undefined) return yield* refuse("invalid", "MODIFICATIONS_INVALID", problem)
  return { path: step, json: modifications }
})

export const retry = Effect.fnUntraced(
  function*(parts: Parts, request: RetryRun): Effect.fn.Return<MadeRun, ClientError> {
    const row = yield* rowOf(parts, request.run)
    if (!isFinished(row)) {
      return yield* refuse("conflict", "RUN_NOT_FINISHED", `${row.run} is ${row.status}; a step of it can be retried`, {
        hint: `baton runs retry ${row.run} STEP, or baton runs fork ${row.run}`
      })
    }
    const source = yield* read(parts, row, undefined)
    const modifications = yield* requireStep(source, row, request)
    return yield* make(parts, {
      row,
      source,
      target: yield* targetOf(parts, source, row, {}),
      input: undefined,
      kind: "retry",
      again: new Set(request.step === undefined ? [] : [request.step]),
      allowIrreversible: request.allowIrreversible ?? false,
      allowUnknownPrice: false,
      by: request.by,
      note: request.note,
      modifications,
      id: request.id
    })
  }
)
