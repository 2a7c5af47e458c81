/** What a program sees of a run through a server whose connections do not hold. */
import { Client } from "@baton/contract/Client"
import type { EventEnvelope } from "@baton/contract/EventEnvelope"
import * as RemotePorts from "@baton/contract/remote/RemotePorts"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { once } from "node:events"
import { connect, createServer, type Socket } from "node:net"
import { folder, serve } from "./Served.ts"

/** Passes bytes on, and cuts each connection that follows something after so many of them. */
const cutting = (target: string, bytes: () => number) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const { hostname, port } = new URL(target)
      const open = new Set<Socket>()
      let cuts = 0
      const server = createServer((client) => {
        const upstream = connect(Number(port), hostname)
        let left = Number.POSITIVE_INFINITY
        for (const socket of [client, upstream]) {
          open.add(socket)
          socket.on("error", () => undefined).on("close", () => {
            open.delete(socket)
            client.destroy()
            upstream.destroy()
          })
        }
        client.on("data", (data) => {
          left = data.includes("text/event-stream") ? bytes() : Number.POSITIVE_INFINITY
          upstream.write(data)
        })
        upstream.on("data", (data: Buffer) => {
          client.write(data.subarray(0, left))
          left -= data.length
          if (left > 0) return
          cuts++
          client.destroySoon()
        })
      })
      await once(server.listen(0, "127.0.0.1"), "listening")
      const address = server.address()
      const url = `http://127.0.0.1:${typeof address === "object" && address !== null ? address.port : 0}`
      return { url, cuts: () => cuts, server, open }
    }),
    ({ open, server }) =>
      Effect.promise(async () => {
        for (const socket of open) socket.destroy()
        server.close()
        await once(server, "close")
      })
  )

const portsOf = (url: string) =>
  Effect.map(Layer.build(RemotePorts.layer({ url, key: undefined })), (ports) => Context.get(ports, Client))

const wide = {
  name: "wide",
  nodes: { all: { map: "${ input }", each: { value: "${ item }" } }, end: { wait: { event: "go" }, needs: ["all"] } }
}

const seqs = (envelopes: ReadonlyArray<EventEnvelope>) =>
  envelopes.map(({ seq }) => seq).filter((seq) => seq !== undefined)

describe("a run that is followed through connections that are cut", () => {
  it.live("is seen whole, every event once and in order", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* serve(yield* folder)
      let size = 900
      const proxy = yield* cutting(server.url, () => size = 900 + (size * 7 + 131) % 4_000)
      const client = yield* portsOf(proxy.url)
      const run = yield* client.start({
        flow: { text: JSON.stringify(wide), file: "wide.json" },
        input: Array.from({ length: 120 }, (_, index) => index)
      })
      const all = yield* client.events(run.id, { after: 0, follow: true }).pipe(
        Stream.tap(({ data }) =>
          JSON.stringify(data).includes("\"external_event\"") || JSON.stringify(data).includes("\"kind\":\"event\"")
            ? Effect.ignore(client.send(run.id, "go", null, "evt_1"))
            : Effect.void
        ),
        Stream.runCollect
      )
      const { seq, status } = yield* client.show(run.id)
      assert.strictEqual(status, "succeeded")
      assert.deepStrictEqual(seqs(all), Array.from({ length: seq }, (_, index) => index + 1))
      assert.isAbove(proxy.cuts(), 20)
      const late = yield* Stream.runCollect(client.events(run.id, { after: seq - 3, follow: true }))
      assert.deepStrictEqual(seqs(late), [seq - 2, seq - 1, seq])
      assert.deepStrictEqual(yield* Stream.runCollect(client.events(run.id, { after: seq, follow: true })), [])
      const paged = yield* Stream.runCollect(client.events(run.id, { after: 0, follow: false }))
      assert.deepStrictEqual(paged, all.filter((envelope) => envelope.seq !== undefined))
    })), 120_000)

  it.live(
    "is given up with the server's address when nobody answers any more, and refused where it is not there",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const server = yield* serve(yield* folder)
        const client = yield* portsOf(server.url)
        const missing = yield* Effect.flip(Stream.runDrain(client.events("run_nobody", { after: 0, follow: true })))
        assert.deepInclude(missing, { reason: "not_found", code: "RUN_NOT_FOUND" })
        const gone = yield* Effect.scoped(Effect.map(cutting(server.url, () => 1), ({ url }) => url))
        const nobody = yield* portsOf(gone)
        const error = yield* Effect.flip(nobody.show("run_1"))
        assert.deepInclude(error, { reason: "unreachable", code: "SERVER_UNREACHABLE" })
        assert.include(error.message, gone)
      })),
    60_000
  )
})
