/**
 * A model that answers from a script, as a server that speaks the OpenAI chat protocol: so that the example needs no key and
 * says the same every time. `node model.ts 4100` serves it at http://127.0.0.1:4100/v1.
 */
import { createServer, type Server } from "node:http"

interface Message {
  readonly role: string
  readonly content?: unknown
}

const patch = (operations: ReadonlyArray<object>, reason: string): object => {
  const name = "patch_plan"
  const call = { index: 0, id: `call_${operations.length}`, type: "function" }
  const told = { name, arguments: JSON.stringify({ operations, reason }) }
  return { role: "assistant", content: null, tool_calls: [{ ...call, function: told }] }
}

const check = { id: "check", agent: "scout", needs: ["plan"], input: { claim: "The moon alone makes tides." } }

/** The planner first reaches for what the flow does not let it, and is told what is wrong. */
const planner: ReadonlyArray<object> = [
  patch([{ op: "add", path: "/nodes/-", value: { ...check, agent: "root" } }], "a claim is open"),
  patch([
    { op: "add", path: "/nodes/-", value: check },
    { op: "add", path: "/edges/-", value: { from: "check", to: "write" } }
  ], "one claim is open: a scout should check it"),
  { role: "assistant", content: "Tides follow moon and sun." }
]
const scout: ReadonlyArray<object> = [{ role: "assistant", content: "Not so: the sun has a share of 46 percent." }]

const chunks = (message: object): ReadonlyArray<string> => {
  const chunk = (choices: ReadonlyArray<object>, usage?: object): string =>
    `data: ${
      JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "script", choices, usage })
    }\n\n`
  return [
    chunk([{ index: 0, delta: message, finish_reason: null }]),
    chunk([{ index: 0, delta: {}, finish_reason: "tool_calls" in message ? "tool_calls" : "stop" }]),
    chunk([], { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 }),
    "data: [DONE]\n\n"
  ]
}

export const serve = (port: number): Server =>
  createServer((request, response) => {
    const pieces: Array<Buffer> = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.on("end", () => {
      const body: { messages?: ReadonlyArray<Message> } = JSON.parse(Buffer.concat(pieces).toString() || "{}")
      const { messages = [] } = body
      const script = JSON.stringify(messages).includes("Check one claim") ? scout : planner
      const turn = messages.filter(({ role }) => role === "assistant").length
      response.setHeader("content-type", "text/event-stream")
      for (const chunk of chunks(script[turn] ?? script.at(-1) ?? {})) response.write(chunk)
      response.end()
    })
  }).listen(port, "127.0.0.1")

if (import.meta.main) serve(Number(process.argv[2] ?? 4100))
