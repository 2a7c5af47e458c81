/** What the runs of the crash tests do: values inline and as blobs, a map with its gather, a back-off, a wait. */
import type { Flow } from "@baton/kernel/Flow"
import type { Json } from "@baton/kernel/Value"

export const tenant = "default"

export const flow: Flow = {
  name: "crash",
  limits: { parallel: 3 },
  nodes: [
    { id: "first", type: "function", function: "work", input: "${ input.items }" },
    {
      id: "each",
      type: "map",
      over: "${ input.items }",
      each: { type: "function", function: "work", input: "${ item }" }
    },
    { id: "pause", type: "wait", for: "15ms" },
    {
      id: "flaky",
      type: "function",
      function: "flaky",
      retry: { attempts: 2, initial: "5ms", jitter: false }
    },
    { id: "last", type: "function", function: "work", input: "${ nodes.each.output.succeeded }" }
  ],
  edges: [
    { from: "first", to: "each", when: "size(nodes.first.output.value) == 5" },
    { from: "first", to: "pause" },
    { from: "pause", to: "flaky" },
    { from: "each", to: "last" },
    { from: "flaky", to: "last" }
  ],
  output: "${ nodes.last.output.value }"
}

export const input: Json = { items: [1, 2, 3, 4, 5], pad: "x".repeat(2_000) }

/** What every run gives in the end. */
export const output: Json = 5
