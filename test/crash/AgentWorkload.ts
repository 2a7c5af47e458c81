/** An agent that looks something up, charges for it, and answers: three turns, two calls, one of them for good. */
import type { Flow } from "@baton/kernel/Flow"

export const tenant = "default"
export const run = "run_agent"

export const flow: Flow = {
  name: "agent-crash",
  nodes: [{
    id: "clerk",
    type: "agent",
    agent: { instructions: "Look the price up, charge it, say so.", tools: ["lookup", "charge"] },
    input: "${ input }",
    retry: { attempts: 3, initial: "5ms" }
  }],
  edges: [],
  output: "${ nodes.clerk.output.text }"
}

/** What the model says in its n-th turn. */
export const turns: ReadonlyArray<object> = [
  calls("lookup", { what: "price" }),
  calls("charge", { amount: 7 }),
  { role: "assistant", content: "Charged 7." }
]

function calls(name: string, input: object): object {
  const call = { id: `call_${name}`, type: "function", function: { name, arguments: JSON.stringify(input) } }
  return { role: "assistant", content: null, tool_calls: [call] }
}
