/**
 * A model that always writes the same note, as a server that speaks the OpenAI chat protocol: so that the example needs no
 * key. `node model.ts 4100` serves it at http://127.0.0.1:4100/v1.
 */
import { createServer, type Server } from "node:http"

const chunk = (choices: ReadonlyArray<object>, usage?: object): string =>
  `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices, usage })}\n\n`

/** `asked` is told the cap on output tokens that each call carries. */
export const serve = (port: number, asked: (cap: number) => void = () => undefined): Server =>
  createServer((request, response) => {
    const pieces: Array<Buffer> = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.on("end", () => {
      const body: { readonly max_tokens?: number; readonly max_completion_tokens?: number } = JSON.parse(
        Buffer.concat(pieces).toString() || "{}"
      )
      asked(body.max_tokens ?? body.max_completion_tokens ?? 0)
      response.setHeader("content-type", "text/event-stream")
      response.write(chunk([{ index: 0, delta: { role: "assistant", content: "A short note." }, finish_reason: null }]))
      response.write(chunk([{ index: 0, delta: {}, finish_reason: "stop" }]))
      response.write(chunk([], { prompt_tokens: 400, completion_tokens: 200, total_tokens: 600 }))
      response.end("data: [DONE]\n\n")
    })
  }).listen(port, "127.0.0.1")

if (import.meta.main) serve(Number(process.argv[2] ?? 4100))
