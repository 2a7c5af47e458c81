/** The patches client over the machine in this process: any process may ask; the run's owner decides. */
import { ClientError } from "@baton/contract/Client"
import type { PatchDocument, PatchesClient, PatchRef, PatchView, ProposedPatch } from "@baton/contract/PatchesClient"
import * as PatchProjection from "@baton/contract/PatchProjection"
import { decide } from "@baton/kernel/Decide"
import { evolve } from "@baton/kernel/Evolve"
import type * as Flow from "@baton/kernel/Flow"
import * as PatchedPlan from "@baton/kernel/PatchedPlan"
import type { PatchRecord } from "@baton/kernel/PatchRecord"
import type { Plan } from "@baton/kernel/Plan"
import * as RunState from "@baton/kernel/RunState"
import { publicStatus } from "@baton/kernel/Scope"
import type { BlobRef, Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Answers from "./Answers.ts"
import * as FlowPinning from "./FlowPinning.ts"
import type { Parts } from "./Parts.ts"
import * as RunControl from "./RunControl.ts"
import * as RunId from "./RunId.ts"
import * as RunReading from "./RunReading.ts"

/** Patches in review that are listed over all runs. */
const listMax = 1_000

const notFound = (patch: string, run?: string): ClientError =>
  new ClientError({
    reason: "not_found",
    code: "PATCH_NOT_FOUND",
    message: run === undefined ? `no patch ${patch} waits for a review` : `${run} has no patch ${patch}`,
    hint: run === undefined ? "baton patches list   (or name the run with --run)" : `baton patches list --run ${run}`
  })

interface Found {
  readonly run: string
  readonly state: RunState.RunState
  readonly record: PatchRecord
}

const inState = (state: RunState.RunState, patch: string): PatchRecord | undefined => {
  const all = state.patches ?? []
  const exact = all.find(({ id, n }) => id === patch || String(n) === patch)
  if (exact !== undefined) return exact
  const begins = all.filter(({ id }) => patch.length > 4 && id.startsWith(patch))
  return begins.length === 1 ? begins[0] : undefined
}

/** The run is named, or found by the door of the patch, or the newest one. */
const runOf = Effect.fnUntraced(
  function*(parts: Parts, { patch, run }: PatchRef): Effect.fn.Return<string, ClientError> {
    if (run !== undefined) return yield* RunReading.find(parts, run)
    const doors = yield* Effect.mapError(
      parts.store.doors({ tenant: parts.tenant, kinds: ["patch"], closed: true, limit: listMax }),
      Answers.fromStore
    )
    const open = doors.filter((door) => door.id === patch || (patch.length > 4 && door.id.startsWith(patch)))
    const [first] = open
    if (first !== undefined) return first.run
    return yield* RunReading.find(parts, "@last")
  }
)

const find = Effect.fnUntraced(function*(parts: Parts, ref: PatchRef): Effect.fn.Return<Found, ClientError> {
  const run = yield* runOf(parts, ref)
  const state = yield* RunReading.stateOf(parts, run)
  const record = inState(state, ref.patch)
  return record === undefined ? yield* Effect.fail(notFound(ref.patch, ref.run)) : { run, state, record }
})

const json = (flow: Flow.Flow): Json => flow as unknown as Json

/** The plan at a revision: the frozen document and every patch up to there. */
const planAt = Effect.fnUntraced(function*(
  parts: Parts,
  state: RunState.RunState,
  revision: number
): Effect.fn.Return<Plan, ClientError> {
  if (revision === state.plan.revision) return state.plan
  let plan = yield* Effect.mapError(parts.plans.get(parts.tenant, state.flowHash), Answers.fromFlows)
  const applied = (state.patches ?? []).filter((patch) => patch.revision !== undefined && patch.revision <= revision)
  for (const { operations } of applied.toSorted((one, other) => (one.revision ?? 0) - (other.revision ?? 0))) {
    const next = PatchedPlan.next(plan, operations)
    if (Result.isSuccess(next)) plan = next.success.plan
  }
  return plan
})

const view = Effect.fnUntraced(
  function*(parts: Parts, { record, state }: Found): Effect.fn.Return<PatchView, ClientError> {
    const before = yield* planAt(parts, state, record.revision === undefined ? record.base : record.revision - 1)
    const next = PatchedPlan.next(before, record.operations)
    const after = Result.isSuccess(next) ? next.success.plan : before
    const patch = PatchProjection.document(state.run, record, before, after)
    return { patch, before: json(before.document), after: json(after.document) }
  }
)

/** What would follow from a patch, decided on the state as it is; blobs that conditions read are fetched. */
const rehearse = Effect.fnUntraced(function*(
  parts: Parts,
  run: string,
  given: ProposedPatch
): Effect.fn.Return<PatchView, ClientError> {
  const blobs = new Map<BlobRef, Json>()
  const operations = yield* FlowPinning.pinOperations(parts, yield* RunReading.stateOf(parts, run), given.operations)
  for (;;) {
    const state = yield* RunReading.stateOf(parts, run)
    const at = parts.clock.currentTimeMillisUnsafe()
    const id = RunId.make("pat", at)
    const base = given.base ?? state.plan.revision
    const { reason } = given
    const about = { id, base, operations, by: parts.by, ...(reason === undefined ? {} : { reason }) }
    const decision = decide(state, { type: "ProposePatch", at, ...about }, blobs)
    if (decision.kind === "refused") {
      return yield* Effect.fail(Answers.fromRefusal(run, decision.refusal))
    }
    if (decision.kind === "events") {
      const before = state.plan
      const after = RunState.fork(state)
      for (const event of decision.events) evolve(after, event)
      const record = inState(after, id)
      return record === undefined
        ? yield* Effect.fail(notFound(id, run))
        : {
          patch: PatchProjection.document(run, record, before, after.plan),
          before: json(before.document),
          after: json(after.plan.document)
        }
    }
    for (const ref of decision.needs.refs) {
      blobs.set(ref, yield* Effect.mapError(parts.coordinator.json(parts.tenant, ref), Answers.fromBlobs))
    }
  }
})

const propose = Effect.fnUntraced(function*(
  parts: Parts,
  run: string,
  given: ProposedPatch
): Effect.fn.Return<PatchView, ClientError> {
  const { reason } = given
  const state = yield* RunReading.stateOf(parts, run)
  const base = given.base ?? state.plan.revision
  const operations = yield* FlowPinning.pinOperations(parts, state, given.operations)
  const id = given.id ?? RunId.make("pat", parts.clock.currentTimeMillisUnsafe())
  yield* RunControl.ask(parts, run, (at) => ({
    type: "ProposePatch",
    at,
    by: parts.by,
    id,
    base,
    operations,
    ...(reason === undefined ? {} : { reason })
  }))
  return yield* Effect.flatMap(find(parts, { run, patch: id }), (found) => view(parts, found))
})

const inReview = Effect.fnUntraced(
  function*(parts: Parts): Effect.fn.Return<ReadonlyArray<PatchDocument>, ClientError> {
    const doors = yield* Effect.mapError(
      parts.store.doors({ tenant: parts.tenant, kinds: ["patch"], limit: listMax }),
      Answers.fromStore
    )
    const found: Array<PatchDocument> = []
    for (const door of doors) {
      const state = yield* RunReading.stateOf(parts, door.run)
      if (state.review !== undefined) {
        found.push((yield* view(parts, { run: door.run, state, record: state.review })).patch)
      }
    }
    return found
  }
)

const listOf = Effect.fnUntraced(function*(
  parts: Parts,
  run: string
): Effect.fn.Return<ReadonlyArray<PatchDocument>, ClientError> {
  const state = yield* RunReading.stateOf(parts, run)
  const views = yield* Effect.forEach(state.patches ?? [], (record) => view(parts, { run, state, record }))
  return views.map(({ patch }) => patch)
})

const revert = Effect.fnUntraced(function*(
  parts: Parts,
  ref: PatchRef,
  reason: string | undefined
): Effect.fn.Return<PatchView, ClientError> {
  const { record, run } = yield* find(parts, ref)
  const id = RunId.make("pat", parts.clock.currentTimeMillisUnsafe())
  yield* RunControl.ask(parts, run, (at) => ({
    type: "RevertPatch",
    at,
    by: parts.by,
    id,
    patch: record.id,
    ...(reason === undefined ? {} : { reason })
  }))
  return yield* Effect.flatMap(find(parts, { run, patch: id }), (found) => view(parts, found))
})

export const make = (parts: Parts): PatchesClient["Service"] => ({
  plan: (run) =>
    Effect.map(RunReading.stateOf(parts, run), (state) => ({
      run,
      revision: state.plan.revision,
      hash: PatchProjection.planHash(state.plan),
      flow: json(state.plan.document),
      nodes: Object.fromEntries(state.plan.nodes.map((node) => [
        node.id,
        publicStatus(state.nodes.get(node.index).status)
      ]))
    })),
  propose: (run, patch) => propose(parts, run, patch),
  rehearse: (run, patch) => rehearse(parts, run, patch),
  list: (run) => run === undefined ? inReview(parts) : listOf(parts, run),
  show: (ref) => Effect.flatMap(find(parts, ref), (found) => view(parts, found)),
  decide: (ref, action, { by, comment, groups }) =>
    Effect.gen(function*() {
      const { record, run } = yield* find(parts, ref)
      const within = groups ?? parts.groups
      yield* RunControl.ask(parts, run, (at) => ({
        type: "DecidePatch",
        at,
        by: by ?? parts.by,
        patch: record.id,
        action,
        ...(within === undefined ? {} : { groups: within }),
        ...(comment === undefined ? {} : { comment })
      }))
      return yield* Effect.flatMap(find(parts, { run, patch: record.id }), (found) => view(parts, found))
    }),
  revert: (ref, reason) => revert(parts, ref, reason)
})
