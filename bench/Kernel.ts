/** W0: the kernel alone. Every decision is folded, nothing is stored, work takes no time. */
import type { Command } from "@baton/kernel/Command"
import * as Compile from "@baton/kernel/Compile"
import { decide } from "@baton/kernel/Decide"
import { evolve } from "@baton/kernel/Evolve"
import type { Flow } from "@baton/kernel/Flow"
import type { Plan } from "@baton/kernel/Plan"
import * as RunState from "@baton/kernel/RunState"
import * as Result from "effect/Result"
import { payload } from "./Flows.ts"
import * as Meter from "./Meter.ts"
import * as Report from "./Report.ts"

/** Nodes side by side in one layer of the graph; each needs one of the layer before. */
const layerWidth = 10

const layered = (nodes: number): Flow => ({
  name: "bench-layers",
  nodes: Array.from({ length: nodes }, (_, index) => ({ id: `n${index}`, type: "transform", value: null })),
  edges: Array.from(
    { length: Math.max(0, nodes - layerWidth) },
    (_, index) => ({ from: `n${index}`, to: `n${index + layerWidth}` })
  ),
  output: null
})

const mapped = (items: number): Flow => ({
  name: "bench-items",
  limits: { steps: items + 10, parallel: 100 },
  nodes: [
    { id: "each", type: "map", over: "${ input.items }", parallel: 100, each: { type: "transform", value: null } },
    { id: "join", type: "transform", value: null }
  ],
  edges: [{ from: "each", to: "join" }],
  output: null
})

const compile = (flow: Flow): Plan =>
  Result.getOrThrowWith(Compile.compile(flow), (problems) => new Error(JSON.stringify(problems)))

/** Runs a plan to its end; returns the milliseconds of each decision with its folding. */
const drive = (plan: Plan, items: number): ReadonlyArray<number> => {
  const state = RunState.empty(plan)
  const taken: Array<number> = []
  const offered: Array<readonly [path: string, attempt: number]> = []
  let at = 1_700_000_000_000
  const apply = (command: Command) => {
    const began = performance.now()
    const decision = decide(state, command)
    if (decision.kind !== "events") throw new Error(JSON.stringify(decision))
    for (const event of decision.events) {
      evolve(state, event)
      if (event.type === "StepsDispatched") offered.push(...event.steps)
    }
    taken.push(performance.now() - began)
  }
  const output = { v: { text: payload } }
  const input = { v: { items: Array.from({ length: items }, (_, index) => index) } }
  apply({ type: "CreateRun", at, run: "run_bench", flow: { name: plan.name, version: plan.version, hash: "" }, input })
  for (let next = 0; next < offered.length; next++) {
    const [path, attempt] = offered[next] ?? ["", 0]
    at += 1
    apply({ type: "CompleteStep", at, path, attempt, startedAt: at - 1, outcome: { ok: true, output } })
  }
  if (state.finished?.status !== "succeeded") throw new Error(`the run ended as ${JSON.stringify(state.finished)}`)
  return taken
}

/** `variant` is `nodes 1000` or `items 1000`. */
export const measure = (variant: string): Report.Figures => {
  const [shape, text = "0"] = variant.split(" ")
  const size = Number(text)
  const plan = compile(shape === "nodes" ? layered(size) : mapped(size))
  const once = () => drive(plan, size)
  // Enough turns to warm up and to measure more than a moment, whatever the size.
  const turns = Math.max(1, Math.ceil(20_000 / size))
  for (let turn = 0; turn < turns; turn++) once()
  const read = Meter.start()
  const runs = Array.from({ length: turns }, once)
  const { cpuMicros } = read()
  const decisions = runs.flat()
  const total = decisions.reduce((sum, millis) => sum + millis, 0)
  const tenth = Math.ceil(size / 10)
  const micros = (part: (run: ReadonlyArray<number>) => ReadonlyArray<number>) =>
    Report.median(runs.map((run) => part(run).reduce((sum, millis) => sum + millis, 0) / tenth * 1000))
  return {
    "decisions/s": decisions.length / total * 1000,
    "CPU µs/step": cpuMicros / turns / size,
    "first tenth µs/step": micros((run) => run.slice(1, tenth + 1)),
    "last tenth µs/step": micros((run) => run.slice(-tenth - 1, -1)),
    "peak MiB": Meter.peakMemoryMiB()
  }
}
