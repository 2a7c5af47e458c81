/** K13, roughly: what a step costs in a long run against a short one. Real figures are the business of the bench. */
import type { Flow } from "@baton/kernel/Flow"
import { assert, describe, it } from "vitest"
import { RunDriver } from "./RunDriver.ts"

const chain = (length: number): Flow => ({
  name: "chain",
  nodes: Array.from({ length }, (_, index) => ({ id: `n${index}`, type: "transform", value: null })),
  edges: Array.from({ length: length - 1 }, (_, index) => ({ from: `n${index}`, to: `n${index + 1}` }))
})

const mapped = (length: number): Flow => ({
  name: "mapped",
  limits: { steps: length + 1, parallel: 50 },
  nodes: [{ id: "m", type: "map", over: "${ input }", parallel: 50, each: { type: "transform", value: null } }],
  edges: []
})

/** Microseconds per step, the best of a few tries; compiling does not count. */
const cost = (flow: Flow, length: number, paths: (index: number) => string): number => {
  let best = Infinity
  for (let turn = 0; turn < 3; turn++) {
    const run = new RunDriver(flow, Array.from({ length }, (_, index) => index))
    const began = performance.now()
    for (let index = 0; index < length; index++) {
      run.ask({
        type: "CompleteStep",
        at: ++run.at,
        path: paths(index),
        attempt: 1,
        outcome: { ok: true, output: { v: index } }
      })
    }
    best = Math.min(best, (performance.now() - began) * 1000 / length)
  }
  return best
}

describe("K13: the cost of a step is flat", () => {
  for (
    const [name, flow, path] of [
      ["nodes of a chain", chain, (index: number) => `n${index}`],
      ["items of a map", mapped, (index: number) => `m[${index}]`]
    ] as const
  ) {
    it(name, () => {
      // What is compiled once and warmed up is not counted against the short run.
      cost(flow(500), 500, path)
      const short = cost(flow(100), 100, path)
      const long = cost(flow(10_000), 10_000, path)
      // Linear growth would be a factor of 100.
      assert.isBelow(long / short, 8, `${short} µs a step, then ${long}`)
    }, 60_000)
  }
})
