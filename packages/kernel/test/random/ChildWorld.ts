/** Random flows in which nearly everything calls flows, and the children that answer: by themselves, as maps and in turns. */
import type { Command } from "@baton/kernel/Command"
import { decide } from "@baton/kernel/Decide"
import type { Event } from "@baton/kernel/Event"
import { evolve } from "@baton/kernel/Evolve"
import type * as Flow from "@baton/kernel/Flow"
import * as Outstanding from "@baton/kernel/Outstanding"
import * as RunState from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import { inline } from "@baton/kernel/Value"
import { compile, epoch } from "../RunDriver.ts"
import type { Chance } from "./Chance.ts"

type Fields = { [key: string]: Json }
type EndChild = Extract<Command, { type: "EndChild" }>

const called: Fields = { name: "inner", version: "1.0.0", hash: `sha256:${"0".repeat(64)}` }

const call = (chance: Chance, inputs: ReadonlyArray<string>, isBody: boolean): Fields => ({
  type: "flow",
  flow: called,
  input: chance.pick(inputs),
  ...(chance.is(0.4) ? { timeout: "20s" } : {}),
  ...(chance.is(0.5) ? { retry: { attempts: chance.int(2, 3), initial: "1s" } } : {}),
  ...(chance.is(0.2)
    ? { onFailure: chance.pick<Json>(isBody ? [{ fallback: 1 }] : [{ fallback: 1 }, "continue", "ask"]) }
    : {})
})

const node = (chance: Chance, id: string): Fields => {
  const way = chance.next()
  if (way < 0.15) return { id, type: "transform", value: 1 }
  if (way < 0.5) return { id, ...call(chance, ["${ input }", "${ input.missing.deeper }", "text", "text"], false) }
  if (way < 0.8) {
    return {
      id,
      type: "map",
      over: Array.from({ length: chance.int(0, 5) }, (_, index) => index),
      each: call(chance, ["${ item }", "${ index }", "${ item.missing }"], true),
      ...(chance.is(0.7) ? { parallel: chance.int(1, 3) } : {}),
      ...(chance.is(0.3) ? { rate: "1/s" } : {}),
      ...(chance.is(0.6) ? { tolerate: { failures: chance.pick<Json>([1, "50%", "100%"]) } } : {})
    }
  }
  const until = chance.pick(["last == 1", "index > 1", "false", "last.missing.deeper"])
  return { id, type: "repeat", each: call(chance, ["${ last }", "${ index }"], true), until, max: chance.int(1, 4) }
}

export const make = (chance: Chance): Flow.Flow => {
  const nodes = Array.from({ length: chance.int(1, 6) }, (_, index) => node(chance, `n${index}`))
  const edges: Array<Fields> = []
  for (const [index, { id }] of nodes.entries()) {
    for (const source of nodes.slice(0, index)) {
      if (!chance.is(0.3)) continue
      const failing = source["onFailure"] === undefined
      const on = failing && chance.is(0.2) ? "failure" : chance.is(0.2) ? "always" : undefined
      edges.push({ from: source["id"] ?? "", to: id ?? "", ...(on === undefined ? {} : { on }) })
    }
  }
  const flow = { name: "calling", nodes, edges, limits: { parallel: chance.int(1, 2), steps: 40 } }
  return flow as unknown as Flow.Flow
}

/** Commands of one run; one that takes more is taken for endless. */
const commandsMax = 1_000

/** Drives a run to its end in a random order, children ending as they like; `look` sees the state after every record. */
export const drive = (chance: Chance, look: (state: RunState.RunState) => void): ReadonlyArray<Event> => {
  const plan = compile(make(chance))
  const state = RunState.empty(plan)
  const events: Array<Event> = []
  const ends: Array<EndChild> = []
  let at = epoch
  const ask = (command: Command): void => {
    const decision = decide(state, command)
    for (const event of decision.kind === "events" ? decision.events : []) {
      evolve(state, event)
      events.push(event)
    }
    look(state)
  }
  const end = (child: Outstanding.Child): EndChild => {
    const ended = ["succeeded", "warned", "failed", "failed", "cancelled", "refused"] as const
    const status = child.want === "stop" && chance.is(0.8) ? "cancelled" : chance.pick(ended)
    const { attempt, path, wait: { run } } = child
    const output = status === "succeeded" || status === "warned" ? { output: inline(chance.int(0, 2)) } : {}
    return { type: "EndChild", at, path, attempt, run, status, code: status.toUpperCase(), message: "so", ...output }
  }
  const act = (): boolean => {
    const children = Outstanding.children(state)
    const offers = Outstanding.offered(state)
    const timers = Outstanding.timers(state)
    const asking = plan.nodes.filter(({ index }) => state.nodes.get(index).wait?.kind === "operator")
    const { paused } = state
    const way = chance.int(0, 3)
    if (way <= 1 && children.length > 0) {
      const told = end(chance.pick(children))
      ends.push(told)
      ask(told)
    } else if (way <= 2 && offers.length > 0) {
      const { attempt, path } = chance.pick(offers)
      ask({ type: "CompleteStep", at, path, attempt, outcome: { ok: true, output: inline({}) } })
    } else if (timers.length > 0) {
      const { due, kind, n, path } = chance.pick(timers)
      at = Math.max(at, due)
      ask({ type: "FireTimer", at, kind, path, n })
    } else if (asking.length > 0) {
      const action = chance.pick(["retry", "skip", "abort"] as const)
      ask({ type: "ResolveStep", at, path: asking[0]?.id ?? "", action })
    } else if (paused) ask({ type: "ResumeRun", at })
    return children.length + offers.length + timers.length + asking.length > 0 || paused
  }
  ask({
    type: "CreateRun",
    at,
    run: "run_1",
    flow: { name: plan.name, version: plan.version, hash: "" },
    input: inline({ n: 1 })
  })
  for (let count = 0; state.finished === undefined; count++) {
    if (count > commandsMax) throw new Error("the run takes no end")
    if (chance.is(0.1) && ends.length > 0) ask({ ...chance.pick(ends), at })
    else if (chance.is(0.06)) ask({ type: chance.pick(["PauseRun", "ResumeRun"] as const), at })
    else if (chance.is(0.01)) ask({ type: "CancelRun", at })
    else if (chance.is(0.02)) ask({ type: "AdoptRun", at, session: "s", epoch: count + 2 })
    else if (!act()) throw new Error("the run is stuck")
  }
  return events
}
