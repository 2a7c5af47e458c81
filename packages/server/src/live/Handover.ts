/**
 * An answer that begins like any other and then goes on by itself. Its head passes all middleware and is written as theirs;
 * its body belongs to whoever takes it over. The request is over with the head: nothing of it is kept for as long as the
 * stream lasts, and a peer that goes away is no failure of a request.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { ServerResponse } from "node:http"
import type { Line, Sendable } from "./Line.ts"

/** The body of an answer over HTTP/1. */
class ResponseLine implements Line {
  readonly #response: ServerResponse

  constructor(response: ServerResponse) {
    this.#response = response
  }

  get waiting(): number {
    return this.#response.writableLength
  }

  send(bytes: Sendable, flushed?: () => void): void {
    const response = this.#response
    const { socket } = response
    if (typeof bytes === "string") response.write(bytes, flushed)
    // One buffer for all peers, written as it is; behind what the answer itself still holds, as while another one of the
    // same connection is on its way (pipelining), it has to queue there.
    else if (response.chunkedEncoding && socket !== null && socket.writableLength === response.writableLength) {
      socket.write(bytes.chunk, flushed)
    } else response.write(bytes.whole, flushed)
  }

  end(): void {
    this.#response.end()
  }

  destroy(): void {
    this.#response.destroy()
  }
}

/**
 * Such an answer. `begun` is told when the head is on its way, unless the peer is gone or something else is answered; `gone`
 * is told in any case, at the end.
 */
export const answer = (
  request: HttpServerRequest,
  headers: { readonly [name: string]: string },
  { begun, gone }: { readonly begun: (line: Line) => void; readonly gone: () => void }
): HttpServerResponse.HttpServerResponse => {
  const head = HttpServerResponse.empty({ status: 200, headers })
  const response = NodeHttpServerRequest.toServerResponse(request)
  if (request.method === "HEAD" || !(response instanceof ServerResponse) || response.destroyed) {
    gone()
    return head
  }
  response.on("close", gone)
  const { end } = response
  // The platform ends an answer without a body where it has written the head: there this begins.
  const take: ServerResponse["end"] = (...given: ReadonlyArray<unknown>): ServerResponse => {
    response.end = end
    // Something else is answered in its place: a refusal, with what it says.
    if (response.statusCode !== 200 || given[0] !== undefined) return Reflect.apply(end, response, given)
    // The request is answered: who waits for its peer to go away would keep all that belongs to it.
    for (const listener of response.listeners("close")) {
      if (listener !== gone) response.off("close", listener as () => void)
    }
    begun(new ResponseLine(response))
    return response
  }
  response.end = take
  return head
}
