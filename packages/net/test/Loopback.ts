/** Real servers on loopback, closed with the scope, and the requests that reach them through the allow-list. */
import type { DialRequest } from "@baton/engine/HttpDialer"
import * as Effect from "effect/Effect"
import * as http from "node:http"
import * as net from "node:net"

export interface Loopback {
  readonly port: number
  readonly origin: string
  /** Sockets that were ever opened to the server. */
  readonly sockets: () => number
  /** A call to the server that the operator allows. */
  readonly call: (path: string, options?: Partial<DialRequest>) => DialRequest
}

const listen = (server: net.Server, destroy: () => void) =>
  Effect.gen(function*() {
    let sockets = 0
    server.on("connection", () => sockets++)
    yield* Effect.acquireRelease(
      Effect.promise(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))),
      () =>
        Effect.promise(() => {
          destroy()
          return new Promise((resolve) => server.close(resolve))
        })
    )
    const { port } = server.address() as net.AddressInfo
    const origin = `http://127.0.0.1:${port}`
    const loopback: Loopback = {
      port,
      origin,
      sockets: () => sockets,
      call: (path, options) => ({ method: "GET", url: origin + path, allow: [`127.0.0.1:${port}`], ...options })
    }
    return loopback
  })

export const serve = (answer: http.RequestListener) =>
  Effect.suspend(() => {
    const server = http.createServer({ keepAliveTimeout: 60_000 }, answer)
    return listen(server, () => server.closeAllConnections())
  })

/** A server below HTTP: it gets the socket when the request's headers are in. */
export const serveRaw = (answer: (socket: net.Socket, request: string) => void) =>
  Effect.suspend(() => {
    const open = new Set<net.Socket>()
    const server = net.createServer((socket) => {
      open.add(socket)
      let request = ""
      socket.on("error", () => {}).on("close", () => open.delete(socket)).setEncoding("latin1").on("data", (text) => {
        request += text
        if (!request.includes("\r\n\r\n")) return
        const whole = request
        request = ""
        answer(socket, whole)
      })
    })
    return listen(server, () => open.forEach((socket) => socket.destroy()))
  })

/** A promise that a server's event keeps. */
export const signal = <A = void>() => {
  const { promise, resolve } = Promise.withResolvers<A>()
  return { fire: resolve, wait: Effect.promise(() => promise) }
}
