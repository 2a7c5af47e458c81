/** The listening socket of a server: its limits on time, size and number, and words for those who break them. */
import { HeadersTooLarge, TooSlow, Unexpected } from "@baton/contract/http/EarlyProblems"
import { Invalid, MethodNotAllowed } from "@baton/contract/http/Problems"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import * as http from "node:http"
import type { Socket } from "node:net"
import type { Duplex } from "node:stream"
import { Drain } from "./Drain.ts"
import type { ServerLimits } from "./ServerLimits.ts"

type Early = HeadersTooLarge | TooSlow | Invalid | MethodNotAllowed | Unexpected

const early = (code: string | undefined, limits: ServerLimits): Early => {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return new HeadersTooLarge({
        code: "HEADERS_TOO_LARGE",
        detail: `The request line and headers have ${limits.headerBytes} bytes at most.`
      })
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return new TooSlow({
        code: "REQUEST_TOO_SLOW",
        detail: `Headers must arrive within ${Duration.format(limits.headersTimeout)}, all of it within ${
          Duration.format(limits.requestTimeout)
        }.`
      })
    default:
      return new Invalid({ code: "REQUEST_MALFORMED", detail: "This is not HTTP as a server may read it." })
  }
}

const written = ({ code, detail, message, status, title, type }: Early) => {
  const body = JSON.stringify({ type, status, title, detail: detail ?? message, code })
  const head = { "content-type": "application/problem+json", "content-length": String(Buffer.byteLength(body)) }
  return { head, body }
}

/** A whole answer as text: there is no request that a response could belong to. */
const answer = (problem: Early): string => {
  const { body, head } = written(problem)
  return [
    `HTTP/1.1 ${problem.status} ${http.STATUS_CODES[problem.status] ?? "Error"}`,
    ...Object.entries(head).map(([name, value]) => `${name}: ${value}`),
    ...(problem.status === 405 ? ["allow: "] : []),
    "connection: close",
    "",
    body
  ].join("\r\n")
}

const countPerAddress = (server: http.Server, max: number): void => {
  const open = new Map<string, number>()
  server.on("connection", (socket: Socket) => {
    const address = socket.remoteAddress
    if (address === undefined) return
    const now = (open.get(address) ?? 0) + 1
    if (now > max) {
      socket.destroy()
      return
    }
    open.set(address, now)
    socket.once("close", () => {
      const left = (open.get(address) ?? 1) - 1
      if (left === 0) open.delete(address)
      else open.set(address, left)
    })
  })
}

/** Answers what cannot become a request, unless an answer is already on its way on that connection. */
const answerBroken = (server: http.Server, limits: ServerLimits): void => {
  const current = new WeakMap<Duplex, http.ServerResponse>()
  // Slow connections end by the hundred: what they are told is made once.
  const codes = ["HPE_HEADER_OVERFLOW", "ERR_HTTP_REQUEST_TIMEOUT"]
  const answers = new Map(codes.map((code) => [code, answer(early(code, limits))]))
  const otherwise = answer(early(undefined, limits))
  server.prependListener("request", (request: http.IncomingMessage, response: http.ServerResponse) => {
    current.set(request.socket, response)
  })
  server.on("clientError", (error: NodeJS.ErrnoException, socket: Duplex) => {
    const response = current.get(socket)
    const isAnswering = response !== undefined && response.headersSent && !response.writableFinished
    if (!socket.writable || isAnswering || error.code === "ECONNRESET") socket.destroy()
    else socket.end(answers.get(error.code ?? "") ?? otherwise, () => socket.destroy())
  })
}

/** What only Node itself knows about: an expectation that is not `100-continue`, and a tunnel. */
const answerUnmeant = (server: http.Server): void => {
  const expectation = new Unexpected({ code: "EXPECTATION_UNKNOWN", detail: "The only expectation is 100-continue." })
  const { body, head } = written(expectation)
  server.on("checkExpectation", (_request: http.IncomingMessage, response: http.ServerResponse) => {
    response.writeHead(expectation.status, { ...head, connection: "close" })
    response.end(body)
  })
  const tunnel = answer(new MethodNotAllowed({ code: "METHOD_NOT_ALLOWED", detail: "This server is no proxy." }))
  server.on("connect", (_request: http.IncomingMessage, socket: Duplex) => {
    socket.on("error", () => socket.destroy())
    socket.end(tunnel, () => socket.destroy())
  })
}

/** Until the routes are there, a request is told to come again. */
const answerEarly = (server: http.Server): void => {
  const own = server.listenerCount("request") + 1
  const body = JSON.stringify({
    type: "/problems/unavailable",
    status: 503,
    title: "This cannot be served now.",
    detail: "The server starts.",
    code: "STARTING"
  })
  server.prependListener("request", (_request: http.IncomingMessage, response: http.ServerResponse) => {
    if (server.listenerCount("request") > own) return
    response.writeHead(503, { "content-type": "application/problem+json", "retry-after": "1", connection: "close" })
    response.end(body)
  })
}

/** Between two looks at connections that have become idle while the server stops. */
const idleEvery = "50 millis"

/** While the server stops, connections end as they become idle; what is left when this layer ends is cut. */
export const closing = (server: http.Server): Layer.Layer<never, never, Drain> =>
  Layer.effectDiscard(Effect.gen(function*() {
    const drain = yield* Drain
    const closeIdle = Effect.sync(() => server.closeIdleConnections())
    yield* Effect.forkScoped(
      Effect.andThen(drain.closing, Effect.repeat(closeIdle, Schedule.spaced(idleEvery)))
    )
    yield* Effect.addFinalizer(() => Effect.sync(() => server.closeAllConnections()))
  }))

export const make = (limits: ServerLimits): http.Server => {
  const requestTimeout = Duration.toMillis(limits.requestTimeout)
  const headersTimeout = Duration.toMillis(limits.headersTimeout)
  const server = http.createServer({
    maxHeaderSize: limits.headerBytes,
    requestTimeout,
    headersTimeout: requestTimeout === 0 ? headersTimeout : Math.min(headersTimeout, requestTimeout),
    connectionsCheckingInterval: Duration.toMillis(limits.checkEvery),
    keepAliveTimeout: Duration.toMillis(limits.keepAlive),
    // A request without a host is refused by the routes' own guard, with a problem.
    requireHostHeader: false
  })
  // All that fit into the bytes are kept, so that too many are seen and refused, not left out.
  server.maxHeadersCount = 0
  server.maxConnections = limits.connections
  if (limits.connectionsPerAddress > 0) countPerAddress(server, limits.connectionsPerAddress)
  answerBroken(server, limits)
  answerUnmeant(server)
  answerEarly(server)
  return server
}
