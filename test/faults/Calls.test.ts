/** What the other side of a call may do: break off, dawdle, flood, ask for patience. A step ends by rule, and others go on. */
import * as MemoryState from "@baton/engine/MemoryState"
import type { Node } from "@baton/kernel/Flow"
import { retryAfterMsMax } from "@baton/kernel/Retry"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { gzipSync } from "node:zlib"
import { flow } from "../../packages/kernel/test/RunDriver.ts"
import type { Loopback } from "../../packages/net/test/Loopback.ts"
import * as Loopbacks from "../../packages/net/test/Loopback.ts"
import * as Machine from "./Machine.ts"

/** One call, which may fail, and a step that waits for nothing but the slot. */
const called = (server: Loopback, path: string, fields: Partial<Node> = {}) =>
  flow(
    [
      { id: "call", type: "http", url: `${server.origin}${path}`, onFailure: "continue", ...fields } as Node,
      { id: "other", type: "transform", value: 1 }
    ],
    [],
    { limits: { parallel: 1 }, output: "${ nodes.other.output }" }
  )

const onLoopback = (server: Loopback) => Machine.layer({ allow: [`127.0.0.1:${server.port}`] })

const asked = (server: Loopback, path: string, fields?: Partial<Node>) =>
  Effect.gen(function*() {
    const events = yield* Machine.play("run", called(server, path, fields))
    assert.deepStrictEqual(Machine.end(events)?.output, { v: 1 })
    const [failed] = Machine.all(events, "StepFailed")
    const { blobs } = yield* MemoryState.MemoryState
    return { events, error: failed?.error, stored: blobs.size }
  }).pipe(Effect.provide(onLoopback(server)))

describe("the other side of a call", () => {
  it.live("fault 36: a connection that is open at one end only is given up at the step's timeout", () =>
    Effect.gen(function*() {
      const server = yield* Loopbacks.serveRaw((socket) => socket.pause())
      const { error } = yield* asked(server, "/", { timeout: "200ms" })
      assert.deepInclude(error, { code: "HTTP_TIMEOUT", kind: "timeout" })
    }))

  for (
    const [what, head, then] of [
      ["a reset in the middle of a body", "content-length: 1000\r\n\r\n{\"half", "reset"],
      ["a body shorter than it says", "content-length: 1000\r\n\r\n{\"half", "end"],
      ["chunks without an end", "transfer-encoding: chunked\r\n\r\n6\r\n{\"half\r\n", "end"]
    ] as const
  ) {
    it.live(`fault 37: ${what} is an error that may be retried; no part of it is kept`, () =>
      Effect.gen(function*() {
        const server = yield* Loopbacks.serveRaw((socket) =>
          socket.write(`HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n${head}`, () => {
            if (then === "reset") socket.resetAndDestroy()
            else socket.end()
          })
        )
        const { error, events, stored } = yield* asked(server, "/", { retry: { attempts: 2, initial: "1ms" } })
        assert.deepInclude(error, { kind: "network", retryable: true })
        assert.strictEqual(Machine.all(events, "StepRetryScheduled").length, 1)
        assert.strictEqual(stored, 0)
        assert.notInclude(JSON.stringify(events), "half")
      }))
  }

  it.live("fault 37: what comes after the body's stated length is no part of it, and of no later answer", () =>
    Effect.gen(function*() {
      const server = yield* Loopbacks.serveRaw((socket) =>
        socket.write(
          "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 4\r\n\r\ngoodHTTP/1.1 200 OK\r\n" +
            "content-length: 3\r\n\r\nbad"
        )
      )
      const url = `${server.origin}/`
      const nodes: ReadonlyArray<Node> = [{ id: "a", type: "http", url }, { id: "b", type: "http", url }]
      const events = yield* Machine.play(
        "run",
        flow(nodes, ["a>b"], { output: ["${ nodes.a.output.body }", "${ nodes.b.output.body }"] })
      ).pipe(Effect.provide(onLoopback(server)))
      assert.notInclude(JSON.stringify(Machine.end(events)?.output), "bad")
      const [first] = Machine.all(events, "StepSucceeded")
      assert.include(JSON.stringify(first?.output), "good")
    }))

  it.live("fault 38: an answer that comes byte by byte is cut at the step's timeout, and its slot is free", () =>
    Effect.gen(function*() {
      const server = yield* Loopbacks.serve((_, response) => {
        const drip = setInterval(() => response.write("x"), 20)
        response.on("close", () => clearInterval(drip))
      })
      const { error, events } = yield* asked(server, "/", { timeout: "250ms" })
      assert.deepInclude(error, { code: "HTTP_TIMEOUT", kind: "timeout" })
      // The run may do one thing at a time: the other step has had the slot.
      const order = Machine.all(events, "StepsDispatched").flatMap(({ steps }) => steps.map(([path]) => path))
      assert.deepStrictEqual(order, ["call", "other"])
    }))

  const mega = 1024 * 1024
  const megabyte = new Uint8Array(mega)
  const bomb = gzipSync(new Uint8Array(100 * mega))
  for (const [path, what] of [["/flood", "100 MB that stream"], ["/bomb", "a bomb of 100 MB"]] as const) {
    it.live(`fault 39: ${what} are cut at the limit, and memory stays as it was`, () =>
      Effect.gen(function*() {
        let left = 100
        const server = yield* Loopbacks.serve((request, response) => {
          if (request.url === "/bomb") response.setHeader("content-encoding", "gzip").end(bomb)
          else {
            const more = (): void => {
              for (; left > 0 && response.write(megabyte); left--);
            }
            response.on("drain", more)
            more()
          }
        })
        const before = process.memoryUsage()
        const { error, stored } = yield* asked(server, path)
        const after = process.memoryUsage()
        assert.deepInclude(error, { code: "BODY_TOO_LARGE" })
        assert.strictEqual(stored, 0)
        assert.isBelow((after.arrayBuffers - before.arrayBuffers) / mega, 64)
        assert.isTrue(path === "/bomb" || left > 50, `${100 - left} MB were sent`)
      }))
  }

  it.live("fault 41: Retry-After is honoured as seconds or a date, within a cap, and ignored when it is junk", () =>
    Effect.gen(function*() {
      const soon = new Date(Date.now() + 5_000).toUTCString()
      const wishes: { readonly [path: string]: readonly [header: string, least: number, most: number] } = {
        "/one": ["1", 900, 1_100],
        "/date": [soon, 3_000, 5_100],
        "/eternity": ["1000000000", retryAfterMsMax - 100, retryAfterMsMax + 100],
        "/junk": ["soon, perhaps", 0, 100],
        "/past": ["Mon, 01 Jan 2001 00:00:00 GMT", 0, 100],
        "/negative": ["-5", 0, 100]
      }
      const server = yield* Loopbacks.serve((request, response) => {
        response.statusCode = request.url === "/one" ? 429 : 503
        response.setHeader("retry-after", wishes[request.url ?? ""]?.[0] ?? "").end()
      })
      const seen = Object.keys(wishes).map((path) =>
        Effect.gen(function*() {
          const run = `run${path.slice(1)}`
          yield* Machine.start(run, called(server, path, { retry: { attempts: 2, initial: "1ms", jitter: false } }))
          const events = yield* Machine.until(
            run,
            (events) => events.some((event) => event.type === "StepRetryScheduled")
          )
          const [retry] = Machine.all(events, "StepRetryScheduled")
          return [path, (retry?.dueAt ?? 0) - (retry?.at ?? 0)] as const
        })
      )
      const found = yield* Effect.all(seen, { concurrency: "unbounded" }).pipe(Effect.provide(onLoopback(server)))
      for (const [path, delay] of found) {
        const [header, least, most] = wishes[path] ?? ["", 0, 0]
        assert.isTrue(delay >= least && delay <= most, `${header}: ${delay} ms`)
      }
    }))
})
