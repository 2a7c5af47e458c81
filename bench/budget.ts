/**
 * What a budget costs per step: runs of a map of 10,000 items decided and folded as their owner does it, without a ledger, with
 * what each item used, and within a budget that every item reserves from; no store. Target: a run without a budget is not
 * slower, and one with a budget costs a few microseconds more per step. Run by hand: `node bench/budget.ts [items] [rounds]`.
 */
import * as Compile from "@baton/kernel/Compile"
import { decide } from "@baton/kernel/Decide"
import { evolve } from "@baton/kernel/Evolve"
import type { Terms } from "@baton/kernel/Ledger"
import type { Plan } from "@baton/kernel/Plan"
import * as RunState from "@baton/kernel/RunState"
import type { Usage } from "@baton/kernel/Usage"
import { inline } from "@baton/kernel/Value"
import * as Result from "effect/Result"
import { performance } from "node:perf_hooks"

const [items = 10_000, rounds = 7] = process.argv.slice(2).map(Number)

const plan: Plan = Result.getOrThrow(Compile.compile({
  name: "bench-budget",
  limits: { steps: 1_000_000 },
  nodes: [{
    id: "m",
    type: "map",
    over: Array.from({ length: items }, (_, index) => index),
    each: { type: "agent", agent: { instructions: "Look." } },
    parallel: 8
  }],
  edges: []
}))

const usage: Usage = { calls: 1, inputTokens: 900, outputTokens: 100, costUsd: 0.0012, model: "m" }
const terms: Terms = {
  budget: { nanoUsd: 1_000_000_000_000, tokens: 1_000_000_000 },
  rates: { asOf: "2026-01-01", models: { m: { input: 1_000, output: 3_000 } }, agents: {}, defaultModel: "m" }
}

/** Microseconds per item, commands and folds together. */
const drive = (ledger: Terms | undefined, used: Usage | undefined): number => {
  const state = RunState.empty(plan)
  const open: Array<readonly [string, number]> = []
  const ask = (command: Parameters<typeof decide>[1]): void => {
    const decision = decide(state, command)
    if (decision.kind !== "events") throw new Error(JSON.stringify(decision))
    for (const event of decision.events) {
      evolve(state, event)
      if (event.type === "StepsDispatched") open.push(...event.steps)
    }
  }
  const flow = { name: "bench-budget", version: "0.0.0", hash: "" }
  const from = performance.now()
  ask({
    type: "CreateRun",
    at: 1,
    run: "run_1",
    flow,
    input: inline({}),
    ...(ledger === undefined ? {} : { ledger })
  })
  for (let at = 0; at < open.length && at < items; at++) {
    const [path, attempt] = open[at] ?? ["", 0]
    const told = used === undefined ? {} : { usage: used }
    ask({
      type: "CompleteStep",
      at: at + 2,
      path,
      attempt,
      startedAt: at,
      ...told,
      outcome: { ok: true, output: inline(1) }
    })
  }
  return (performance.now() - from) * 1_000 / items
}

const cells = [
  ["no budget, no usage", undefined, undefined],
  ["no budget, usage told", undefined, usage],
  ["within a budget", terms, usage]
] as const

for (const [, ledger, used] of cells) drive(ledger, used)
const times = cells.map((): Array<number> => [])
for (let round = 0; round < rounds; round++) {
  for (const [index, [, ledger, used]] of cells.entries()) times[index]?.push(drive(ledger, used))
}
for (const [index, [name]] of cells.entries()) {
  const sorted = (times[index] ?? []).toSorted((a, b) => a - b)
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0
  process.stdout.write(
    `${name.padEnd(24)} ${middle.toFixed(2)} µs per step in the middle, ${(sorted[0] ?? 0).toFixed(2)} at best\n`
  )
}
