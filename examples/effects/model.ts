/**
 * A model that answers from a script, as a server that speaks the OpenAI chat protocol: so that the example needs no key and
 * says the same every time. `node model.ts 4100` serves it at http://127.0.0.1:4100/v1.
 */
import { createServer, type Server } from "node:http"

const call = (name: string, input: object): object => ({
  role: "assistant",
  content: null,
  tool_calls: [{ index: 0, id: `call_${name}`, type: "function", function: { name, arguments: JSON.stringify(input) } }]
})

/** What the model says in its n-th turn. */
const script: ReadonlyArray<object> = [
  call("price", {}),
  call("charge", { customer: "Ada", amount: 7 }),
  { role: "assistant", content: "Ada has paid 7." }
]

const chunks = (message: object): ReadonlyArray<string> => {
  const chunk = (choices: ReadonlyArray<object>, usage?: object): string =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices, usage })}\n\n`
  return [
    chunk([{ index: 0, delta: message, finish_reason: null }]),
    chunk([{ index: 0, delta: {}, finish_reason: "tool_calls" in message ? "tool_calls" : "stop" }]),
    chunk([], { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 }),
    "data: [DONE]\n\n"
  ]
}

/** `asked` is told the number of each turn that is paid for. */
export const serve = (port: number, asked: (turn: number) => void = () => undefined): Server =>
  createServer((request, response) => {
    const pieces: Array<Buffer> = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.on("end", () => {
      const body: { messages: ReadonlyArray<{ readonly role: string }> } = JSON.parse(Buffer.concat(pieces).toString())
      const turn = body.messages.filter(({ role }) => role === "assistant").length
      asked(turn + 1)
      response.setHeader("content-type", "text/event-stream")
      for (const chunk of chunks(script[turn] ?? script.at(-1) ?? {})) response.write(chunk)
      response.end()
    })
  }).listen(port, "127.0.0.1")

if (import.meta.main) serve(Number(process.argv[2] ?? 4100))
