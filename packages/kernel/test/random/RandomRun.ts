/** A random world driven to its end in a random order, with whatever noise a real machine makes around it. */
import type { Command } from "@baton/kernel/Command"
import type { Decision } from "@baton/kernel/Decide"
import { decide } from "@baton/kernel/Decide"
import type { Event } from "@baton/kernel/Event"
import type { Reuse } from "@baton/kernel/EventReuse"
import { evolve } from "@baton/kernel/Evolve"
import * as Outstanding from "@baton/kernel/Outstanding"
import type { Plan, PlanNode } from "@baton/kernel/Plan"
import * as RunState from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import { inline, resolve } from "@baton/kernel/Value"
import { compile, epoch } from "../RunDriver.ts"
import { Chance } from "./Chance.ts"
import type { World } from "./FlowWorld.ts"
import type { MixedWorld } from "./MixedWorld.ts"
import { habits } from "./MixedWorld.ts"
import * as Outcomes from "./Outcomes.ts"
import * as Patches from "./Patches.ts"
import * as People from "./People.ts"
import { Spending } from "./Spending.ts"

export interface Noise {
  /** Repeated, stale and early commands, pauses, orderly adoptions, notes: what must not change how a run ends. */
  readonly harmless: number
  /** Losses, adoptions from the dead, announced calls, deadlines, cancels: what may. */
  readonly harmful: number
}

export interface Decided {
  readonly before: RunState.RunState
  readonly command: Command
  readonly decision: Decision
}

/** Most commands of one run; one that takes more is taken for endless. */
const commandsMax = 5_000

const noBlobs = new Map()

/** What a gather answers, built from the items' outputs as `Gather` builds it. */
export const gathered = (state: RunState.RunState, index: number): Json => {
  const table = state.maps.get(index)
  if (table === undefined) return null
  const items: Array<Json> = []
  const results: Array<Json> = []
  const failures: Array<Json> = []
  for (let item = 0; item < table.count; item++) {
    const output = table.status(item) === "succeeded" ? table.output(item) : undefined
    const json = output === undefined ? undefined : resolve(output, noBlobs) ?? null
    if (json !== undefined) results.push(json)
    else failures.push({ index: item, code: table.note(item)?.error?.code ?? "CANCELLED" })
    items.push(json ?? null)
  }
  return { items, results, failures, succeeded: table.succeeded, failed: table.count - table.succeeded }
}

/** What people and other runs answer first and last; asked again, it must count once. */
type Said = Extract<Command, { type: "DecideApproval" | "EndChild" }>

export class RandomRun {
  readonly world: World | MixedWorld
  readonly plan: Plan
  readonly chance: Chance
  readonly noise: Noise
  readonly events: Array<Event> = []
  readonly answered: Array<Extract<Command, { type: "CompleteStep" }>> = []
  readonly said: Array<Said> = []
  readonly watch: (decided: Decided) => void
  readonly spending: Spending | undefined
  state: RunState.RunState
  at = epoch
  #epoch = 1
  #sent = 0
  #patches = 0

  constructor(
    world: World | MixedWorld,
    seed: number,
    noise: Noise,
    watch: (decided: Decided) => void = () => undefined,
    spending?: Spending
  ) {
    const own = "mix" in world && world.mix.budget ? new Spending(seed, habits) : undefined
    this.spending = spending ?? own
    this.world = world
    this.plan = compile(world.flow)
    this.chance = new Chance(seed)
    this.noise = noise
    this.watch = watch
    this.state = RunState.empty(this.plan)
  }

  /** Drives the run to its end; throws when it cannot go on. `reuse`: what it keeps of the run it is made from. */
  run(reuse?: Reuse): this {
    const { name, version } = this.plan
    const { input } = this.world
    const ledger = this.spending === undefined ? {} : { ledger: this.spending.terms }
    const flow = { name, version, hash: "" }
    const by = "mix" in this.world ? { by: "ann" } : {}
    this.ask({
      type: "CreateRun",
      at: this.at,
      run: "run_1",
      flow,
      input: inline(input),
      ...by,
      ...ledger,
      ...(reuse === undefined ? {} : { reuse })
    })
    for (let count = 0; this.state.finished === undefined; count++) {
      if (count > commandsMax) throw new Error("the run takes no end")
      if ("mix" in this.world && this.chance.is(0.15)) this.#meddle(this.world)
      else if (this.chance.is(this.noise.harmless)) this.#harmless()
      else if (this.chance.is(this.noise.harmful)) this.#harmful()
      else if (this.chance.is(this.spending?.noise ?? 0)) this.spending?.act(this)
      else if (!this.#act()) throw new Error(`the run is stuck: ${JSON.stringify(this.statuses())}`)
    }
    return this
  }

  ask(command: Command): Decision {
    const decision = decide(this.state, command)
    this.watch({ before: this.state, command, decision })
    if (decision.kind !== "events") return decision
    for (const event of decision.events) {
      evolve(this.state, event)
      this.events.push(event)
    }
    return decision
  }

  statuses(): { readonly [id: string]: string } {
    return Object.fromEntries(this.state.plan.nodes.map((node) => [node.id, this.state.nodes.get(node.index).status]))
  }

  /** One thing that brings the run on; false when there is none. */
  #act(): boolean {
    if (this.state.paused && this.chance.is(0.3)) return this.#done({ type: "ResumeRun", at: this.at })
    const actions = [() => this.#complete(), () => this.#complete(), () => this.#ring(), () => this.#open()]
    const first = this.chance.int(0, actions.length - 1)
    for (let turn = 0; turn < actions.length; turn++) if (actions[(first + turn) % actions.length]?.()) return true
    if (this.state.paused) return this.#done({ type: "ResumeRun", at: this.at })
    return this.spending?.raise(this) ?? false
  }

  #done(command: Command): true {
    this.ask(command)
    return true
  }

  #completion(path: string, attempt: number): Extract<Command, { type: "CompleteStep" }> {
    const node = this.state.plan.byId.get(path)
    const outcome = node?.map === undefined
      ? Outcomes.attemptOutcome(this.world.outcomes, path, attempt)
      : { ok: true as const, output: gathered(this.state, node.index) }
    return {
      type: "CompleteStep",
      at: this.at,
      path,
      attempt,
      startedAt: this.at - 1,
      ...this.#usage(path, attempt),
      outcome: outcome.ok ? { ok: true, output: inline(outcome.output) } : outcome
    }
  }

  #usage(path: string, attempt: number): ReturnType<Spending["usage"]> {
    return Outstanding.offerType(this.plan.byId, path) === "agent" ? this.spending?.usage(path, attempt) ?? {} : {}
  }

  #complete(): boolean {
    const offers = Outstanding.offered(this.state)
    if (offers.length === 0) return false
    if (this.#sendInTime(1_000)) return true
    const { attempt, path } = this.chance.pick(offers)
    this.at += this.chance.int(0, 400)
    const stopped = this.state.closing !== undefined && this.chance.is(0.5)
    const command = this.#completion(path, attempt)
    this.answered.push(command)
    return this.#done(stopped ? { ...command, outcome: { ok: "interrupted" } } : command)
  }

  #ring(): boolean {
    const timers = Outstanding.timers(this.state).filter((timer) => timer.kind !== "deadline" || this.noise.harmful > 0)
    if (timers.length === 0) return false
    if (this.#sendInTime(Infinity)) return true
    const { due, kind, n, path } = this.chance.pick(timers)
    this.at = Math.max(this.at, due)
    return this.#done({ type: "FireTimer", at: this.at, kind, path, n })
  }

  /** Sends an event that a wait is for, or answers for people, operators and children. */
  #open(): boolean {
    for (const found of People.waiting(this.state)) if (this.#answer(found)) return true
    for (const node of this.state.plan.nodes) if (this.#send(node)) return true
    const command = People.review(this.world.outcomes.seed, this.at, this.state)
    return command !== undefined && this.#done(command)
  }

  #answer(found: People.Waiting): boolean {
    const { attempt, path, wait } = found
    if (wait.kind === "operator") return this.#resolve(path, attempt)
    if (wait.kind === "approval") {
      if (wait.dueAt !== undefined && wait.dueAt <= this.at) return false
      const command = People.decision(this.world.outcomes.seed, this.at, found, wait)
      this.said.push(command)
      return this.#done(command)
    }
    if (wait.kind !== "child") return false
    const status = wait.stopping === undefined && this.state.closing === undefined
      ? Outcomes.childStatus(this.world.outcomes, path, attempt)
      : "cancelled"
    const output = status === "succeeded" || status === "warned" ? { output: inline({ n: attempt }) } : {}
    const command = {
      type: "EndChild" as const,
      at: this.at,
      path,
      attempt,
      run: wait.run,
      status,
      code: status.toUpperCase(),
      message: "it ended so",
      ...output
    }
    this.said.push(command)
    return this.#done(command)
  }

  /** What people do to a run beside what it waits for. */
  #meddle({ mix, outcomes }: MixedWorld): void {
    const { at, chance } = this
    const old = this.said.length === 0 ? undefined : chance.pick(this.said)
    const asked = People.waiting(this.state).find(({ wait }) => wait.kind === "approval")
    const way = chance.int(0, 3)
    if (way === 0 && old !== undefined) this.ask({ ...old, at })
    else if (way === 1 && asked?.wait.kind === "approval") {
      this.ask(People.wrongDecision(chance, outcomes.seed, at, asked, asked.wait))
    } else if (mix.patches) {
      const taken = way === 2 && chance.is(0.3)
        ? Patches.reversal(this.state, chance, at, this.#patches++)
        : Patches.proposal(this.state, chance, at, this.#patches++)
      if (taken !== undefined) this.ask(taken)
    }
  }

  /** Sends the event of a wait, once, if it is to come: before the wait or while it is under way. */
  #send(node: PlanNode): boolean {
    const name = node.wait?.event
    if (name === undefined || this.state.received.has(name)) return false
    if (this.state.closing !== undefined && this.state.nodes.get(node.index).status !== "waiting") return false
    const data = Outcomes.eventFor(this.world.outcomes, name, node.timeoutMs === undefined)
    return data !== undefined && this.#done({ type: "SendEvent", at: this.at, id: name, name, data: inline(data) })
  }

  /** An event that is to come comes before its wait is over. */
  #sendInTime(leftMs: number): boolean {
    return this.state.plan.nodes.some((node) => {
      const { wait } = this.state.nodes.get(node.index)
      return wait?.kind === "event" && (wait.dueAt ?? 0) - this.at < leftMs && this.#send(node)
    })
  }

  #resolve(path: string, attempt: number): boolean {
    const action = Outcomes.resolution(this.world.outcomes, path, attempt)
    return this.#done({ type: "ResolveStep", at: this.at, path, action })
  }

  #harmless(): void {
    const { at, chance } = this
    const nodes = this.state.plan.nodes
    // An answer to an attempt before the one that is offered now is the most likely to be mistaken.
    const offered = new Set(Outstanding.offered(this.state).map((offer) => offer.path))
    const stale = this.answered.filter(({ path }) => offered.has(path))
    const old = this.answered.length === 0 ? undefined : chance.pick(stale.length > 0 ? stale : this.answered)
    // Repeated answers are half of it.
    const way = chance.is(0.5) ? 0 : chance.int(1, 7)
    if (way === 0 && old !== undefined) this.ask({ ...old, at })
    else if (way === 1 && old !== undefined) this.ask({ ...old, at, attempt: old.attempt + chance.int(-1, 3) + 7 })
    else if (way === 2) this.ask({ type: chance.pick(["PauseRun", "ResumeRun"] as const), at })
    else if (way === 3) {
      this.ask({ type: "AdoptRun", at, session: "s", epoch: this.#epoch++ + chance.int(0, 1), orderly: true })
    } else if (way === 4) this.ask({ type: "AddNote", at, text: "a note" })
    else if (way === 5) {
      const kind = chance.pick(["retry", "wait", "timeout", "grace", "rate"] as const)
      const timer = Outstanding.timers(this.state).find((timer) => timer.due > at)
      const early = { path: timer?.path ?? chance.pick(nodes).id, n: timer?.n ?? chance.int(0, 3) }
      this.ask({ type: "FireTimer", at, kind: timer?.kind ?? kind, ...early })
    } else if (way === 6) {
      this.ask({ type: "SendEvent", at, id: `other-${this.#sent++ % 20}`, name: "nobody", data: inline(1) })
    } else this.ask({ type: "ResolveStep", at, path: "nowhere", action: "retry" })
  }

  #harmful(): void {
    const { at, chance } = this
    const offers = Outstanding.offered(this.state)
    const offer = offers.length === 0 ? undefined : chance.pick(offers)
    const way = chance.int(0, 9)
    if (way <= 2 && offer !== undefined) {
      this.ask({ type: "LoseDelivery", at, path: offer.path, attempt: offer.attempt })
    } else if (way <= 4 && offer !== undefined) {
      this.ask({ type: "StartCall", at, path: offer.path, attempt: offer.attempt, key: "k" })
    } else if (way === 5) this.ask({ type: "AdoptRun", at, session: "s", epoch: this.#epoch++ })
    else if (way === 6 && offer !== undefined) {
      this.ask({ ...this.#completion(offer.path, offer.attempt), outcome: { ok: "interrupted" } })
    } else if (way === 7 && chance.is(0.2)) this.ask({ type: "CancelRun", at })
    else if (way === 8 && chance.is(0.2) && this.state.deadlineAt !== undefined) {
      this.at = Math.max(at, this.state.deadlineAt)
      this.ask({ type: "FireTimer", at: this.at, kind: "deadline", path: "", n: 0 })
    }
  }
}
