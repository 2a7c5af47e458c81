/** Random flows of approvals, checkpoints and questions, with several people, clocks and owners at work at once. */
import type { Command } from "@baton/kernel/Command"
import type { Decision } from "@baton/kernel/Decide"
import { decide } from "@baton/kernel/Decide"
import type { Door } from "@baton/kernel/Doors"
import * as Doors from "@baton/kernel/Doors"
import type { Event } from "@baton/kernel/Event"
import { evolve } from "@baton/kernel/Evolve"
import type * as Flow from "@baton/kernel/Flow"
import * as Outstanding from "@baton/kernel/Outstanding"
import type { Plan } from "@baton/kernel/Plan"
import * as RunState from "@baton/kernel/RunState"
import { inline } from "@baton/kernel/Value"
import type { ApprovalWait } from "@baton/kernel/Wait"
import { compile, epoch } from "../RunDriver.ts"
import { Chance } from "./Chance.ts"

const people = ["ana", "ben", "cy", "dot"]
const words = ["approve", "reject", "continue", "retry", "abort", "answer", "later", "never", "nonsense"]
const edges = ["success", "approved", "rejected", "always"]

const asked = (chance: Chance) => ({
  quorum: chance.int(1, 3),
  ...(chance.is(0.4) ? { timeout: chance.pick(["1s", "1m"]), onTimeout: chance.pick(["approve", "reject"]) } : {}),
  ...(chance.is(0.4) ? { approvers: ["ana", "ben", "group:board"] } : {}),
  ...(chance.is(0.2) ? { options: ["later", { id: "never", decision: "reject" }] } : {}),
  ...(chance.is(0.2) ? { form: { type: "object", required: ["n"] } } : {})
})

export const flowOf = (chance: Chance): Flow.Flow => {
  const nodes: Array<object> = []
  const links: Array<object> = []
  const count = chance.int(1, 6)
  for (let index = 0; index < count; index++) {
    const id = `n${index}`
    const way = chance.next()
    nodes.push(
      way < 0.5
        ? { id, type: "approval", question: "Go?", input: { n: index }, ...asked(chance) }
        : way < 0.75
        ? { id, type: "function", function: "f", checkpointAfter: chance.is(0.5) ? true : asked(chance) }
        : { id, type: "function", function: "f", retry: { attempts: 2, initial: "1s" } }
    )
    for (let from = 0; from < index; from++) {
      if (!chance.is(0.4)) continue
      const isApproval = (nodes[from] as { readonly type: string }).type === "approval"
      const on = chance.pick(isApproval ? edges : ["success", "always"])
      links.push({ from: `n${from}`, to: id, ...(on === "success" ? {} : { on }) })
    }
  }
  return { name: "asked", nodes, edges: links, limits: { parallel: 2, agents: 9 } } as unknown as Flow.Flow
}

/** Everything a decision may look at, as one text. */
export const fingerprint = (state: RunState.RunState): string =>
  JSON.stringify([
    state.seq,
    state.plan.nodes.map((node) => state.nodes.get(node.index)),
    [...state.decisions],
    [...state.answers],
    [state.offered, state.unsettled, state.closing, state.finished, state.paused, state.warnings]
  ])

export class ApprovalRun {
  readonly chance: Chance
  readonly plan: Plan
  readonly events: Array<Event> = []
  readonly state: RunState.RunState
  /** Doors by path, kept up as the store's are. */
  readonly held = new Map<string, ReadonlyArray<Door>>()
  at = epoch
  #epoch = 1

  constructor(seed: number) {
    this.chance = new Chance(seed)
    this.plan = compile(flowOf(this.chance))
    this.state = RunState.empty(this.plan)
    const flow = { name: "asked", version: "1", hash: "" }
    this.ask({ type: "CreateRun", at: this.at, run: "run_1", by: "ana", flow, input: inline({}) })
  }

  ask(command: Command): Decision {
    const decision = decide(this.state, command)
    if (decision.kind !== "events") return decision
    const open = this.held.size > 0 || decision.events.some(Doors.mayOpen)
    const paths = new Set<string>()
    for (const event of decision.events) {
      evolve(this.state, event)
      this.events.push(event)
      const touched = Doors.touched(event)
      for (const path of touched === "all" ? this.held.keys() : touched) paths.add(path)
    }
    for (const path of open ? paths : []) {
      const doors = Doors.doorsAt(this.state, path)
      if (doors.length === 0) this.held.delete(path)
      else this.held.set(path, doors)
    }
    return decision
  }

  get waits(): ReadonlyArray<{ readonly path: string; readonly wait: ApprovalWait }> {
    return this.plan.nodes.flatMap(({ id, index }) => {
      const { status, wait } = this.state.nodes.get(index)
      return status === "waiting" && wait?.kind === "approval" ? [{ path: id, wait }] : []
    })
  }

  /** A decision of somebody about something, possible or not. */
  decision(): Command {
    const { chance } = this
    const past = [...this.state.decisions.keys()]
    const open = this.waits
    const target = open.length > 0 && chance.is(0.85) ? chance.pick(open) : undefined
    const id = chance.is(0.5) ? target?.wait.id : past.length > 0 && chance.is(0.3) ? chance.pick(past) : undefined
    return {
      type: "DecideApproval",
      at: this.at,
      by: chance.pick(people),
      path: target?.path ?? chance.pick(this.plan.nodes).id,
      decision: chance.pick(words),
      ...(chance.is(0.3) ? { groups: ["board"] } : {}),
      ...(id === undefined ? {} : { id }),
      ...(chance.is(0.2) ? { hash: chance.is(0.7) ? target?.wait.hash ?? "" : "other" } : {}),
      ...(chance.is(0.6) ? { data: inline({ n: 1 }) } : {}),
      ...(chance.is(0.1) ? { modifications: inline({ m: 1 }) } : {})
    }
  }

  #completion(): Command | undefined {
    const { chance } = this
    const offers = Outstanding.offered(this.state)
    if (offers.length === 0) return undefined
    const { attempt, path } = chance.pick(offers)
    const way = chance.next()
    const error = {
      code: "BROKE",
      kind: "internal" as const,
      message: "it broke",
      retryable: chance.is(0.5),
      sent: false
    }
    return {
      type: "CompleteStep",
      at: this.at,
      path,
      attempt,
      outcome: way < 0.6
        ? { ok: true, output: inline({ n: attempt }) }
        : way < 0.8
        ? { ok: "asks", question: { question: "Which?", ...(chance.is(0.5) ? { timeoutMs: 5_000 } : {}) } }
        : way < 0.9
        ? { ok: false, error }
        : { ok: "interrupted" }
    }
  }

  /** One thing that may happen next. */
  step(): Command {
    const { chance } = this
    this.at += chance.int(0, 300)
    const way = chance.next()
    if (way < 0.3) return this.#completion() ?? this.decision()
    if (way < 0.75) return this.decision()
    if (way < 0.85) {
      const timers = Outstanding.timers(this.state)
      const timer = timers.length === 0 ? undefined : chance.pick(timers)
      if (timer !== undefined && chance.is(0.6)) this.at = Math.max(this.at, timer.due)
      return {
        type: "FireTimer",
        at: this.at,
        kind: timer?.kind ?? "timeout",
        path: timer?.path ?? chance.pick(this.plan.nodes).id,
        n: timer?.n ?? chance.int(0, 3)
      }
    }
    if (way < 0.93) return { type: chance.pick(["PauseRun", "ResumeRun", "ResumeRun"] as const), at: this.at }
    if (way < 0.98) {
      return { type: "AdoptRun", at: this.at, session: "s", epoch: this.#epoch++, orderly: chance.is(0.5) }
    }
    return { type: "CancelRun", at: this.at }
  }

  /** Lets people who may decide end all that waits, and workers all that runs; false when the run does not end. */
  finish(): boolean {
    for (let turn = 0; turn < 500 && this.state.finished === undefined; turn++) {
      this.ask({ type: "ResumeRun", at: ++this.at })
      for (const { path, wait } of this.waits) {
        for (const by of people) {
          const decision = wait.ask === "question" ? "answer" : wait.ask === "checkpoint" ? "continue" : "approve"
          this.ask({
            type: "DecideApproval",
            at: this.at,
            by,
            groups: ["board"],
            path,
            decision,
            data: inline({ n: 1 })
          })
        }
      }
      for (const { attempt, path } of Outstanding.offered(this.state)) {
        this.ask({ type: "CompleteStep", at: this.at, path, attempt, outcome: { ok: true, output: inline(1) } })
      }
      for (const { due, kind, n, path } of Outstanding.timers(this.state)) {
        if (kind === "retry" || due <= this.at) {
          this.at = Math.max(this.at, due)
          this.ask({ type: "FireTimer", at: this.at, kind, path, n })
        }
      }
    }
    return this.state.finished !== undefined
  }
}
