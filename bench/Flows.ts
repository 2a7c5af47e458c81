/** The flows of the workloads. */
import type { Edge, Flow, Node } from "@baton/kernel/Flow"

/** Steps of one chain of W1 and W4. */
export const chainLength = 5

/** An output of about 200 bytes. */
export const payload = "x".repeat(200)

/** Nodes that may be worked on at once where a workload is about width. */
export const parallel = 100

const chain = (name: string, node: (id: string) => Node): Flow => {
  const ids = Array.from({ length: chainLength }, (_, index) => `s${index}`)
  const edges: ReadonlyArray<Edge> = ids.slice(1).map((to, index) => ({ from: `s${index}`, to }))
  return { name, nodes: ids.map(node), edges, output: null }
}

/** W1: steps that do nothing and say about 200 bytes. */
export const idleChain = chain("bench-chain", (id) => ({ id, type: "transform", value: "${ input.payload }" }))

/** W2: one map over the input's items, and a step that waits for all of them. */
export const fanOut = (items: number): Flow => ({
  name: "bench-fan-out",
  limits: { steps: items + 10, parallel },
  nodes: [
    { id: "each", type: "map", over: "${ input.items }", parallel, each: { type: "transform", value: payload } },
    { id: "join", type: "transform", value: "${ nodes.each.output.succeeded }" }
  ],
  edges: [{ from: "each", to: "join" }],
  output: null
})

/** W3: one step. */
export const single: Flow = {
  name: "bench-single",
  nodes: [{ id: "only", type: "transform", value: "${ input.payload }" }],
  edges: [],
  output: null
}

/** W4: steps of 50 ms that leave a line in a log when they begin and when they end. */
export const slowChain = chain("bench-slow", (id) => ({
  id,
  type: "function",
  function: "linger",
  input: { run: "${ input.run }", step: id }
}))
