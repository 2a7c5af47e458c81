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

const repeated = (length: number): Flow => ({
  name: "repeated",
  limits: { steps: length + 1 },
  nodes: [{ id: "r", type: "repeat", until: "last < 0", max: length, each: { type: "transform", value: null } }],
  edges: []
})

/** Steps timed together: the quickest such stretch tells what a step costs when nobody else uses the machine. */
const stretch = 50

/** Microseconds per step at the beginning and at the end of one long run. */
const costs = (flow: Flow, length: number, path: (index: number) => string): readonly [first: number, last: number] => {
  const run = new RunDriver(flow, Array.from({ length }, (_, index) => index))
  const taken: Array<number> = []
  for (let index = 0; index < length; index += stretch) {
    const began = performance.now()
    for (let step = index; step < index + stretch; step++) {
      const outcome = { ok: true as const, output: { v: step } }
      run.ask({ type: "CompleteStep", at: ++run.at, path: path(step), attempt: 1, outcome })
    }
    taken.push((performance.now() - began) * 1000 / stretch)
  }
  const part = Math.floor(taken.length / 4)
  // The very last steps are cheaper: nothing is left to be offered.
  return [Math.min(...taken.slice(0, part)), Math.min(...taken.slice(-part - 2, -2))]
}

describe("K13: the cost of a step is flat", () => {
  for (
    const [name, flow, path] of [
      ["nodes of a chain", chain, (index: number) => `n${index}`],
      ["items of a map", mapped, (index: number) => `m[${index}]`],
      ["turns of a repeat", repeated, (index: number) => `r[${index}]`]
    ] as const
  ) {
    it(name, () => {
      costs(flow(1_000), 1_000, path)
      // A short run is over so soon that others may have used the machine all the while.
      const short = Math.min(...Array.from({ length: 6 }, () => costs(flow(1_000), 1_000, path)[0]))
      const [first, last] = costs(flow(10_000), 10_000, path)
      // Linear growth would be a factor of 7 between the middles of the first and the last quarter.
      assert.isBelow(last / first, 4, `${first} µs a step, then ${last}`)
      // What grows with the size of the plan would be a factor of 10.
      assert.isBelow(first / short, 4, `${short} µs a step of 1,000, ${first} of 10,000`)
    }, 60_000)
  }
})
