/**
 * `http_get`: reads a page or a document of the web for an agent, through the dialer and its rules.
 *
 * It takes no headers and sends no secret: what an agent may reach with credentials is a node of the flow.
 */
import { type AgentTool, ToolError } from "@baton/engine/AgentTool"
import type { DialAnswer, DialError } from "@baton/engine/HttpDialer"
import type { HttpDialer } from "@baton/engine/HttpDialer"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

/** Bytes of an answer after decompression. */
export const answerBytesMax = 1024 * 1024
/** From the start to the last byte of the answer. */
export const timeout = Duration.seconds(30)

export const make = (dialer: HttpDialer["Service"]): AgentTool => ({
  name: "http_get",
  description: "Reads a public web address with GET. Answers status, content type and body (JSON or text).",
  inputSchema: {
    type: "object",
    properties: { url: { type: "string", description: "An absolute http or https URL" } },
    required: ["url"],
    additionalProperties: false
  },
  effect: "idempotent",
  version: "1",
  execute: (input) =>
    dialer.request({
      method: "GET",
      url: String(input["url"]),
      timeout,
      bytesMax: answerBytesMax,
      headers: { accept: "application/json, text/*;q=0.9, */*;q=0.1" }
    }).pipe(Effect.map((answer) => ({ output: outputOf(answer) })), Effect.mapError(toolError))
})

/** What our own policy refuses did not happen; anything else on the way may have. */
const toolError = ({ code, message, reason, sent }: DialError): ToolError =>
  new ToolError({ outcome: reason === "refused" || reason === "limit" || !sent ? "failed" : "unknown", code, message })

const outputOf = ({ bytes, headers, status, url }: DialAnswer): JsonObject => {
  const contentType = headers["content-type"] ?? "application/octet-stream"
  return { status, url, contentType, body: bodyOf(bytes, contentType) }
}

const bodyOf = (bytes: Uint8Array, contentType: string): Json => {
  const text = Result.try(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes))
  if (Result.isFailure(text)) return { bytes: bytes.byteLength, note: "this is no text" }
  const plain = text.success.replaceAll("\0", "")
  if (!/\bjson\b/.test(contentType)) return plain
  const json = Result.try((): Json => JSON.parse(plain))
  return Result.isSuccess(json) ? json.success : plain
}
