/** A server stops in order: readiness first, then streams, then requests; nobody is left hanging. */
import { Client } from "@baton/contract/Client"
import * as Remote from "@baton/contract/remote/RemotePorts"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { once } from "node:events"
import { connect } from "node:net"
import * as GateServer from "./GateServer.ts"

const waiting = `name: waiting
nodes:
  pause: { wait: { event: go } }
`

const started = (server: GateServer.GateServer) =>
  Effect.flatMap(Client, (client) => client.start({ flow: { text: waiting, file: "waiting.yaml" }, input: null })).pipe(
    Effect.provide(Remote.layer({ url: server.url, key: undefined }))
  )

/** A reader of events that has read the first of them. */
const follow = (server: GateServer.GateServer, run: string) =>
  Effect.promise(async () => {
    const response = await fetch(`${server.url}/api/v1/runs/${run}/events`, {
      headers: { accept: "text/event-stream" }
    })
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    const first = await reader.read()
    const rest = async () => {
      let text = first.value ?? ""
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return text
        text += value
      }
    }
    return { rest }
  })

describe("a server that stops", () => {
  it.live(
    "says at /ready that it stops while it still answers, and has streams end with a time to return",
    () =>
      Effect.gen(function*() {
        const server = yield* GateServer.make({ env: { BATON_STOP_NOTICE: "300ms", BATON_STOP_GRACE: "30s" } })
        const { id } = yield* started(server)
        const stream = yield* follow(server, id)
        const stopped = yield* Effect.forkChild(server.stop, { startImmediately: true })
        const ready = yield* GateServer.ask(server, "/ready")
        assert.strictEqual(ready.status, 503)
        assert.strictEqual((yield* GateServer.json(ready))["code"], "STOPPING")
        const served = yield* GateServer.ask(server, `/api/v1/runs/${id}`)
        assert.strictEqual(served.status, 200)
        assert.strictEqual(served.headers.get("connection"), "close")
        assert.match(yield* Effect.promise(stream.rest), /retry: \d{3,4}\n/)
        yield* Fiber.join(stopped)
        const gone = yield* Effect.promise(() => fetch(`${server.url}/ready`).then(() => false, () => true))
        assert.isTrue(gone)
      }).pipe(Effect.scoped),
    60_000
  )

  it.live(
    "lets a request in flight end within the grace, and closes connections that are idle",
    () =>
      Effect.gen(function*() {
        const server = yield* GateServer.make({ env: { BATON_STOP_GRACE: "30s" } })
        const idle = yield* Effect.promise(() => GateServer.open(server.port))
        const body = `{"flow":"nothing"}`
        const socket = connect(server.port, "127.0.0.1").setEncoding("utf8")
        const head =
          "POST /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nExpect: 100-continue\r\n"
        socket.write(`${head}Content-Length: ${body.length}\r\n\r\n`)
        yield* Effect.promise(() => once(socket, "data"))
        const stopped = yield* Effect.forkChild(server.stop, { startImmediately: true })
        yield* Effect.promise(() => once(idle, "close"))
        socket.write(body)
        const [answer] = yield* Effect.promise(() => once(socket, "data"))
        assert.match(String(answer), /^HTTP\/1\.1 404 [^]*FLOW_MISSING/)
        yield* Fiber.join(stopped)
      }).pipe(Effect.scoped),
    60_000
  )

  it.live("cuts what does not end within the grace", () =>
    Effect.gen(function*() {
      const server = yield* GateServer.make({ env: { BATON_STOP_GRACE: "100ms" } })
      const socket = yield* Effect.promise(() => GateServer.open(server.port))
      socket.write("POST /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n")
      yield* Effect.promise(() => once(socket, "data"))
      const cut = Effect.promise(() => once(socket.resume(), "close"))
      yield* Effect.all([server.stop, cut], { concurrency: "unbounded" })
    }).pipe(Effect.scoped), 60_000)
})
