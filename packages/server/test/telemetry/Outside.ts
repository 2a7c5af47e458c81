/** What runs call on loopback: a scripted model of the OpenAI protocol, and a page; it keeps who asked with what. */
import * as Effect from "effect/Effect"
import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"

export interface Asked {
  readonly path: string
  readonly headers: IncomingMessage["headers"]
  readonly body: string
}

export interface Outside {
  readonly port: number
  readonly asked: ReadonlyArray<Asked>
}

const chunk = (choices: ReadonlyArray<object>, usage?: object): string =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices, usage })}\n\n`

const turn = (message: object): string =>
  [
    chunk([{ index: 0, delta: message, finish_reason: null }]),
    chunk([{ index: 0, delta: {}, finish_reason: "tool_calls" in message ? "tool_calls" : "stop" }]),
    chunk([], { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 }),
    "data: [DONE]\n\n"
  ].join("")

const readPage = (port: number): object => {
  const told = { name: "http_get", arguments: JSON.stringify({ url: `http://127.0.0.1:${port}/tool` }) }
  return {
    role: "assistant",
    content: null,
    tool_calls: [{ index: 0, id: "call_1", type: "function", function: told }]
  }
}

const body = async (request: IncomingMessage): Promise<string> => {
  let text = ""
  for await (const piece of request) text += String(piece)
  return text
}

export const make = Effect.acquireRelease(
  Effect.promise(async () => {
    const asked: Array<Asked> = []
    const server = createServer(async (request, response) => {
      const text = await body(request)
      const path = request.url ?? ""
      asked.push({ path, headers: request.headers, body: text })
      if (!path.includes("completions")) return response.setHeader("content-type", "application/json").end("{\"n\":1}")
      response.setHeader("content-type", "text/event-stream")
      const { port } = server.address() as AddressInfo
      const isFirst = !text.includes("\"tool\"") || !text.includes("call_1")
      response.end(turn(isFirst ? readPage(port) : { role: "assistant", content: "It says 1." }))
    })
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    const outside: Outside = { port: (server.address() as AddressInfo).port, asked }
    return { outside, server }
  }),
  ({ server }) =>
    Effect.promise(async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    })
).pipe(Effect.map(({ outside }) => outside))
