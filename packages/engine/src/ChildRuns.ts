/**
 * Runs that runs have started: begins them, tells them to stop, pause and go on, and tells their parents how they ended.
 *
 * Promise. What a child must do is derived from its parent's durable state (`Outstanding.children`), never remembered: a
 * crash between any two writes is repaired by deriving it again, when the parent is adopted and at every sweep. Ids are
 * derived too, and messages may come twice, so a child is created once and its end counts once. The session that owns a
 * parent creates and adopts its children, so that both live in one process (SEMANTICS 8.7e, 8.14); a child that another
 * living session owns is steered by handed-in commands.
 */
import type { Amounts } from "@baton/kernel/Amounts"
import type { ParentLink } from "@baton/kernel/Child"
import type { Command } from "@baton/kernel/Command"
import type { Event } from "@baton/kernel/Event"
import type { Child } from "@baton/kernel/Outstanding"
import * as Outstanding from "@baton/kernel/Outstanding"
import type { RunState } from "@baton/kernel/RunState"
import * as Trace from "@baton/kernel/Trace"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import type { BlobStoreError } from "./BlobStore.ts"
import * as ChildFunds from "./ChildFunds.ts"
import * as ChildInput from "./ChildInput.ts"
import { Coordinator } from "./Coordinator.ts"
import type { Failpoint } from "./Failpoint.ts"
import { Failpoints } from "./Failpoint.ts"
import type { FlowStoreError } from "./FlowStore.ts"
import { Plans } from "./Plans.ts"
import type { Probe } from "./Probe.ts"
import { Probes } from "./Probe.ts"
import * as RunLoader from "./RunLoader.ts"
import type { RunSlot } from "./RunSlot.ts"
import type { RunStoreError } from "./RunStore.ts"
import { isFinished, RunStore } from "./RunStore.ts"
import { Sessions } from "./Sessions.ts"

type EndChild = Extract<Command, { type: "EndChild" }>

/** What may fail for now; the next sweep tries again. */
type Trouble = RunStoreError | FlowStoreError | BlobStoreError

interface Parts {
  readonly coordinator: Coordinator["Service"]
  readonly plans: Plans["Service"]
  readonly store: RunStore["Service"]
  readonly sessions: Sessions["Service"]
  readonly clock: Clock.Clock
  readonly reach: (point: Failpoint) => Effect.Effect<void>
  readonly probe: Probe | undefined
  readonly scope: Scope.Scope
  readonly context: Context.Context<never>
  /** Children that are being looked after; `again`: something has happened meanwhile. */
  readonly busy: Map<string, { again: boolean }>
  under: number
}

interface Parent {
  readonly tenant: string
  readonly run: string
}

const keyOf = (parent: Parent, path: string): string => `${parent.tenant} ${parent.run} ${path}`

/** Done beside everything else, and counted; what fails now is tried again by the sweep. */
const aside = (parts: Parts, run: string, effect: Effect.Effect<void, Trouble>): void => {
  parts.under++
  const safe = effect.pipe(
    Effect.catch((error) =>
      Effect.logWarning("A run that another one started must wait", { run, reason: error.message })
    ),
    Effect.catchDefect((defect) =>
      Effect.logError("Looking after a child run broke", { run, reason: defect instanceof Error ? defect.message : "" })
    ),
    Effect.ensuring(Effect.sync(() => parts.under--))
  )
  Effect.runForkWith(parts.context)(Effect.forkIn(safe, parts.scope))
}

/** Looks after the child of one step, one at a time. */
const attend = (parts: Parts, parent: Parent, path: string): void => {
  const key = keyOf(parent, path)
  const known = parts.busy.get(key)
  if (known !== undefined) {
    known.again = true
    return
  }
  const busy = { again: true }
  parts.busy.set(key, busy)
  const rounds: Effect.Effect<void, Trouble> = Effect.suspend(() => {
    if (!busy.again) return Effect.void
    busy.again = false
    return Effect.andThen(look(parts, parent, path), rounds)
  })
  aside(parts, parent.run, Effect.ensuring(rounds, Effect.sync(() => parts.busy.delete(key))))
}

/** As the parent's durable state wants it now. */
const look = Effect.fnUntraced(function*(parts: Parts, parent: Parent, path: string): Effect.fn.Return<void, Trouble> {
  const seen = yield* parts.coordinator.peek(parent.tenant, parent.run)
  const child = seen === undefined ? undefined : Outstanding.childAt(seen.state, path)
  if (seen === undefined || child === undefined) return
  const here = parts.coordinator.slot(parent.tenant, child.wait.run) !== undefined
  if (here || (yield* bring(parts, parent, seen.state, child))) {
    const now = yield* parts.coordinator.peek(parent.tenant, parent.run)
    const wanted = now === undefined ? undefined : Outstanding.childAt(now.state, path)
    if (now !== undefined && wanted?.wait.run === child.wait.run) steer(parts, parent, now.state, wanted)
  }
})

const commands = (parts: Parts, state: RunState, child: Child): Command => {
  const at = parts.clock.currentTimeMillisUnsafe()
  if (child.want === "stop") {
    const reason = child.wait.stopping?.message ??
      `the run that started it ends: ${state.closing?.message ?? "it is over"}`
    return { type: "CancelRun", at, by: "parent", reason }
  }
  return { type: state.paused ? "PauseRun" : "ResumeRun", at, by: "parent", parent: true }
}

/** Tells a child that lives here what it is to do; what it does already changes nothing. */
const steer = (parts: Parts, { tenant }: Parent, state: RunState, child: Child): void =>
  parts.coordinator.post(tenant, child.wait.run, commands(parts, state, child), [])

/** Makes the child live here; false when it has ended, or lives in another process. */
const bring = Effect.fnUntraced(function*(
  parts: Parts,
  parent: Parent,
  state: RunState,
  child: Child
): Effect.fn.Return<boolean, Trouble> {
  const { tenant } = parent
  const { run } = child.wait
  const row = yield* parts.store.find(tenant, run)
  if (row === undefined) return yield* create(parts, parent, state, child)
  if (isFinished(row)) {
    const plan = yield* parts.plans.get(tenant, row.flowHash)
    const loaded = yield* RunLoader.load(parts.store, plan, tenant, run)
    if (loaded !== undefined) tell(parts, tenant, loaded.state)
    return false
  }
  const isElsewhere = row.owner !== undefined && row.owner !== parts.sessions.id &&
    (yield* parts.sessions.isAlive(row.owner))
  if (isElsewhere) {
    yield* parts.sessions.give(tenant, run, JSON.stringify(commands(parts, state, child)))
    return false
  }
  const owned = yield* parts.sessions.adopt(1, { tenant, run })
  yield* Effect.forEach(owned, (one) => parts.coordinator.adopt(one), { discard: true })
  return owned.length > 0
})

const end = (parts: Parts, parent: Parent, child: Child, told: Pick<EndChild, "status" | "code" | "message">): void =>
  parts.coordinator.post(parent.tenant, parent.run, {
    type: "EndChild",
    at: parts.clock.currentTimeMillisUnsafe(),
    path: child.path,
    attempt: child.attempt,
    run: child.wait.run,
    ...told
  }, [])

/** Creates the child; true when it lives here now. */
const create = Effect.fnUntraced(function*(
  parts: Parts,
  parent: Parent,
  state: RunState,
  child: Child
): Effect.fn.Return<boolean, Trouble> {
  const { attempt, path, wait } = child
  if (child.want === "stop") {
    end(parts, parent, child, { status: "cancelled", code: "CANCELLED", message: "it was stopped before it began" })
    return false
  }
  const plan = yield* ChildInput.planOf(parts, parent.tenant, wait.flow)
  if (typeof plan === "string") {
    end(parts, parent, child, { status: "refused", code: "FLOW_MISSING", message: plan })
    return false
  }
  const problem = yield* ChildInput.misfit(parts, parent.tenant, plan, wait.input)
  if (problem !== undefined) {
    end(parts, parent, child, { status: "refused", code: "INPUT_INVALID", message: problem })
    return false
  }
  const ledger = ChildFunds.termsOf(state, path, plan)
  const link: ParentLink = { run: parent.run, path, attempt, depth: (state.parent?.depth ?? 0) + 1 }
  const trace = parts.probe?.childTrace(state, path, attempt) ??
    (state.trace === undefined ? undefined : Trace.childLink(state, path, attempt, Trace.isSampled(state, false)))
  yield* parts.reach("child.before-create")
  const settled = yield* parts.coordinator.submit({
    tenant: parent.tenant,
    run: wait.run,
    plan,
    blobs: [],
    command: {
      type: "CreateRun",
      at: parts.clock.currentTimeMillisUnsafe(),
      run: wait.run,
      flow: wait.flow,
      input: wait.input,
      parent: link,
      ...(state.by === undefined ? {} : { by: state.by }),
      ...(Object.keys(state.tags).length === 0 ? {} : { tags: state.tags }),
      ...(ledger === undefined ? {} : { ledger }),
      ...(trace === undefined ? {} : { trace })
    }
  })
  yield* parts.reach("child.after-create")
  if (settled.kind === "refused" && settled.code.startsWith("CONCURRENCY_")) {
    end(parts, parent, child, { status: "refused", code: settled.code, message: settled.message })
  }
  return settled.kind === "accepted"
})

const ended = (parts: Parts, state: RunState, parent: ParentLink): EndChild | undefined => {
  const { finished } = state
  if (finished === undefined) return undefined
  return {
    type: "EndChild",
    at: parts.clock.currentTimeMillisUnsafe(),
    path: parent.path,
    attempt: parent.attempt,
    run: state.run,
    status: finished.status,
    code: finished.code,
    message: finished.message,
    ...(finished.output === undefined ? {} : { output: finished.output }),
    ...ChildFunds.spentOf(state)
  }
}

/**
 * A child that has used up its allotment asks its parent, which lives here too, and hands on what it is granted. The parent
 * asks its own when it has nothing free; the sweep asks again.
 */
const askParent: (
  parts: Parts,
  tenant: string,
  run: string,
  lack?: Amounts
) => Effect.Effect<void, Trouble> = Effect.fnUntraced(
  function*(parts: Parts, tenant: string, run: string, lack?: Amounts): Effect.fn.Return<void, Trouble> {
    const child = yield* parts.coordinator.peek(tenant, run)
    const request = child === undefined ? undefined : ChildFunds.requestOf(child.state, lack)
    const link = child?.state.parent
    if (request === undefined || link === undefined || parts.coordinator.slot(tenant, link.run) === undefined) return
    const { attempt, path } = link
    const at = parts.clock.currentTimeMillisUnsafe()
    const asked = { type: "AskAllotment", at, path, attempt, ...request } as const
    const settled = yield* parts.coordinator.command(tenant, link.run, asked)
    if (settled.kind === "refused" && settled.code === "BUDGET_SHORT") {
      return yield* askParent(parts, tenant, link.run, request.need)
    }
    const parent = yield* parts.coordinator.peek(tenant, link.run)
    const add = parent === undefined ? undefined : ChildFunds.grantOf(parent.state, path, request.n)
    if (settled.kind !== "accepted" || add === undefined) return
    yield* parts.coordinator.command(tenant, run, {
      type: "RaiseBudget",
      at: parts.clock.currentTimeMillisUnsafe(),
      by: "parent",
      add,
      grant: request.n
    })
  }
)

const ask = (parts: Parts, tenant: string, run: string): void => {
  const key = `${tenant} ${run} budget`
  if (parts.busy.has(key)) return
  parts.busy.set(key, { again: false })
  aside(parts, run, Effect.ensuring(askParent(parts, tenant, run), Effect.sync(() => parts.busy.delete(key))))
}

/** Tells the parent how its child ended. Without a living owner nobody is told: who adopts the parent looks for itself. */
const tell = (parts: Parts, tenant: string, state: RunState): void => {
  const { parent } = state
  const command = parent === undefined ? undefined : ended(parts, state, parent)
  if (parent === undefined || command === undefined) return
  if (parts.coordinator.slot(tenant, parent.run) !== undefined) {
    return parts.coordinator.post(tenant, parent.run, command, [])
  }
  const handOver = Effect.gen(function*() {
    const row = yield* parts.store.find(tenant, parent.run)
    if (row === undefined || isFinished(row) || row.owner === undefined) return
    if (yield* parts.sessions.isAlive(row.owner)) {
      yield* parts.sessions.give(tenant, parent.run, JSON.stringify(command))
    }
  })
  aside(parts, state.run, handOver)
}

/** Events after which every child of the run is looked after. */
const sweeping: ReadonlySet<Event["type"]> = new Set(["RunClosing", "RunPaused", "RunResumed", "RunAdopted"])

const attendAll = (parts: Parts, slot: RunSlot, state: RunState): void => {
  for (const { path } of Outstanding.children(state)) attend(parts, slot, path)
}

/** More is free: children that wait for it ask again. */
const askForAll = (parts: Parts, { tenant }: RunSlot, state: RunState): void => {
  for (const { wait } of Outstanding.children(state)) {
    const child = parts.coordinator.slot(tenant, wait.run)?.state
    if (child !== undefined && ChildFunds.requestOf(child) !== undefined) ask(parts, tenant, wait.run)
  }
}

/** A record of a run that calls flows, or was called, is durable. */
const moved = (parts: Parts, slot: RunSlot, state: RunState, events: ReadonlyArray<Event>): void => {
  if (state.finished !== undefined && state.parent !== undefined) {
    const { tenant } = slot
    aside(
      parts,
      slot.run,
      Effect.andThen(parts.reach("child.before-end"), Effect.sync(() => tell(parts, tenant, state)))
    )
  }
  if (events.some(({ type }) => type === "StepsUnfunded")) ask(parts, slot.tenant, slot.run)
  if (state.plan.callers.length === 0) return
  if (events.some(({ type }) => type === "BudgetRaised")) askForAll(parts, slot, state)
  if (events.some((event) => sweeping.has(event.type))) return attendAll(parts, slot, state)
  for (const event of events) {
    if (event.type === "ChildStopping" || (event.type === "StepWaiting" && event.wait.kind === "child")) {
      attend(parts, slot, event.path)
    }
  }
}

/** Whether the child, as far as it is known here, is not as its parent wants it. */
const isAstray = (parts: Parts, tenant: string, state: RunState, child: Child): boolean => {
  const slot = parts.coordinator.slot(tenant, child.wait.run)
  if (slot === undefined) return true
  if (slot.state === undefined) return false
  return child.want === "stop" ? slot.state.closing === undefined : slot.state.pausedAbove !== state.paused
}

const sweep = (parts: Parts): void => {
  for (const slot of parts.coordinator.slots()) {
    const { state } = slot
    if (state === undefined || state.plan.callers.length === 0 || state.seq !== slot.head) continue
    for (const child of Outstanding.children(state)) {
      if (isAstray(parts, slot.tenant, state, child)) attend(parts, slot, child.path)
    }
    askForAll(parts, slot, state)
  }
}

/** How often an end of the work is looked for, in milliseconds. */
const idleEveryMs = 1

export class ChildRuns extends Context.Service<ChildRuns, {
  /** Looks after the children of all runs owned here that are not as they should be. */
  readonly sweep: Effect.Effect<void>
  /** Nothing is under way between parents and children, and everything that was posted is written. */
  readonly settled: Effect.Effect<void>
}>()("baton/engine/ChildRuns") {
  static readonly layer: Layer.Layer<ChildRuns, never, Coordinator | Plans | RunStore | Sessions> = Layer.effect(
    ChildRuns,
    Effect.gen(function*() {
      const failpoint = yield* Failpoints
      const parts: Parts = {
        coordinator: yield* Coordinator,
        plans: yield* Plans,
        store: yield* RunStore,
        sessions: yield* Sessions,
        clock: yield* Clock.Clock,
        reach: failpoint ?? (() => Effect.void),
        probe: yield* Probes,
        scope: yield* Effect.scope,
        context: yield* Effect.context<never>(),
        busy: new Map(),
        under: 0
      }
      parts.coordinator.whenMoved((slot, state, events) => moved(parts, slot, state, events))
      const settled: Effect.Effect<void> = Effect.andThen(
        parts.coordinator.settled,
        Effect.suspend(() => parts.under === 0 ? Effect.void : Effect.andThen(Effect.sleep(idleEveryMs), settled))
      )
      return { sweep: Effect.sync(() => sweep(parts)), settled }
    })
  )
}
