import { HttpDialer } from "@baton/engine/HttpDialer"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import { pipeline, Readable } from "node:stream"
import * as zlib from "node:zlib"
import * as UndiciDialer from "../src/UndiciDialer.ts"
import * as Loopback from "./Loopback.ts"

const encoders = {
  gzip: () => zlib.createGzip(),
  "x-gzip": () => zlib.createGzip(),
  deflate: () => zlib.createDeflate(),
  br: () => zlib.createBrotliCompress({ params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 4 } }),
  zstd: () => zlib.createZstdCompress()
}
const MIB = 1024 * 1024
const zeros = (bytes: number) =>
  Readable.from((function*() {
    const block = Buffer.alloc(MIB)
    for (let given = 0; given < bytes; given += MIB) yield block
  })())

describe("answers", () => {
  it.layer(UndiciDialer.layer)((it) => {
    it.effect("decodes each coding it accepts, with and without the zlib wrapper", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const text = "häuser ".repeat(20_000)
        const server = yield* Loopback.serve((request, response) => {
          const coding = (request.url ?? "").slice(1)
          if (coding === "raw") {
            return void response.writeHead(200, { "content-encoding": "deflate" }).end(zlib.deflateRawSync(text))
          }
          if (coding === "two") {
            return void response.writeHead(200, { "content-encoding": "gzip, br" })
              .end(zlib.brotliCompressSync(zlib.gzipSync(text)))
          }
          response.writeHead(200, { "content-encoding": coding })
          const encoder = Object.entries(encoders).find(([name]) => name === coding)?.[1]
          pipeline(Readable.from([Buffer.from(text)]), encoder?.() ?? zlib.createGzip(), response, () => {})
        })
        for (const coding of [...Object.keys(encoders), "raw", "two"]) {
          const answer = yield* dialer.request(server.call(`/${coding}`))
          assert.strictEqual(Buffer.from(answer.bytes).toString(), text, coding)
          assert.isUndefined(answer.headers["content-encoding"])
        }
      }))

    it.effect(
      "cuts an answer that unpacks into more than the limit, whatever the coding",
      () =>
        Effect.gen(function*() {
          const dialer = yield* HttpDialer
          const server = yield* Loopback.serve((request, response) => {
            const coding = (request.url ?? "").slice(1)
            const encoder = Object.entries(encoders).find(([name]) => name === coding)?.[1]
            response.writeHead(200, encoder === undefined ? {} : { "content-encoding": coding })
            if (encoder === undefined) pipeline(zeros(512 * MIB), response, () => {})
            else pipeline(zeros(512 * MIB), encoder(), response, () => {})
          })
          for (const coding of [...Object.keys(encoders), "plain"]) {
            let most = 0
            const error = yield* Effect.scoped(
              Effect.flatMap(
                dialer.dial(server.call(`/${coding}`, { bytesMax: 2 * MIB })),
                ({ body }) => Stream.runForEach(body, (chunk) => Effect.sync(() => (most += chunk.length)))
              )
            ).pipe(Effect.flip)
            assert.deepInclude(error, { reason: "limit", code: "BODY_TOO_LARGE", sent: true }, coding)
            assert.isAtMost(most, 2 * MIB, coding)
          }
        }),
      60_000
    )

    it.effect("refuses an answer that announces more than the limit before reading it", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const server = yield* Loopback.serve((_, response) =>
          response.writeHead(200, { "content-length": 1e12 }).flushHeaders()
        )
        const error = yield* Effect.flip(dialer.request(server.call("/")))
        assert.strictEqual(error.code, "BODY_TOO_LARGE")
      }))

    it.effect("calls a coding it does not read, and bytes that do not decode, an error of the protocol", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const server = yield* Loopback.serve((request, response) => {
          const half = zlib.gzipSync("text".repeat(1000)).subarray(0, 20)
          if (request.url === "/half") return void response.writeHead(200, { "content-encoding": "gzip" }).end(half)
          response.writeHead(200, { "content-encoding": (request.url ?? "").slice(1) }).end("not compressed")
        })
        for (const coding of ["gzip", "br", "zstd", "deflate", "half"]) {
          const error = yield* Effect.flip(dialer.request(server.call(`/${coding}`)))
          assert.deepInclude(error, { reason: "protocol", code: "ENCODING_INVALID" }, coding)
        }
        for (const coding of ["compress", "toString", "gzip,gzip,gzip"]) {
          const error = yield* Effect.flip(dialer.request(server.call(`/${coding}`)))
          assert.deepInclude(error, { reason: "protocol", code: "ENCODING_UNKNOWN" }, coding)
        }
      }))

    it.effect("calls a body that ends early truncated, and never hands it out as whole", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const heads = {
          "/length": "content-length: 100\r\n",
          "/length-close": "connection: close\r\ncontent-length: 100\r\n",
          "/chunked": "transfer-encoding: chunked\r\n"
        }
        const server = yield* Loopback.serveRaw((socket, request) => {
          const head = Object.entries(heads).find(([path]) => request.startsWith(`GET ${path} `))?.[1] ?? ""
          socket.end(`HTTP/1.1 200 OK\r\n${head}\r\n5\r\nhello\r\n`)
        })
        for (const path of Object.keys(heads)) {
          const error = yield* Effect.flip(dialer.request(server.call(path)))
          assert.deepInclude(error, { reason: "protocol", code: "RESPONSE_TRUNCATED", sent: true }, path)
        }
      }))

    it.effect("calls an answer that is not HTTP invalid, and one that never comes lost", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const server = yield* Loopback.serveRaw((socket, request) => {
          if (request.startsWith("GET /junk ")) socket.end("SSH-2.0-OpenSSH_9.2\r\n")
          else if (request.startsWith("GET /two ")) {
            socket.end("HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab")
          } else socket.destroy()
        })
        const junk = yield* Effect.flip(dialer.request(server.call("/junk")))
        assert.deepInclude(junk, { reason: "protocol", code: "RESPONSE_INVALID", sent: true })
        const two = yield* Effect.flip(dialer.request(server.call("/two")))
        assert.deepInclude(two, { reason: "protocol", sent: true })
        const lost = yield* Effect.flip(dialer.request(server.call("/")))
        assert.deepInclude(lost, { reason: "connect", code: "CONNECTION_LOST", sent: true })
      }))

    it.effect("cuts headers that do not end", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const server = yield* Loopback.serveRaw((socket) => {
          socket.write("HTTP/1.1 200 OK\r\n")
          const more = () => void (socket.writable && socket.write(`x-more: ${"a".repeat(1000)}\r\n`, more))
          more()
        })
        const error = yield* Effect.flip(dialer.request(server.call("/")))
        assert.deepInclude(error, { reason: "limit", code: "HEADERS_TOO_LARGE", sent: true })
      }))

    it.effect("gives up on headers and bodies that take longer than the whole call may", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const asked = Loopback.signal()
        const begun = Loopback.signal()
        const server = yield* Loopback.serve((request, response) => {
          if (request.url === "/silent") return asked.fire()
          response.write("first")
          begun.fire()
        })
        const silent = yield* Effect.forkChild(Effect.flip(dialer.request(server.call("/silent"))))
        yield* asked.wait
        yield* TestClock.adjust(Duration.seconds(30))
        assert.deepInclude(yield* Fiber.join(silent), { reason: "timeout", code: "TIMEOUT_TOTAL", sent: true })
        const slow = yield* Effect.forkChild(
          Effect.flip(dialer.request(server.call("/slow", { timeout: Duration.seconds(5) })))
        )
        yield* begun.wait
        yield* TestClock.adjust(Duration.seconds(5))
        assert.deepInclude(yield* Fiber.join(slow), { reason: "timeout", code: "TIMEOUT_TOTAL", sent: true })
      }))

    it.effect("gives up on a streamed body at the same moment", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const left = Loopback.signal()
        const server = yield* Loopback.serve((_, response) => {
          response.on("close", () => left.fire()).write("first")
        })
        const { body } = yield* dialer.dial(server.call("/", { timeout: Duration.seconds(5) }))
        const first = Loopback.signal()
        const reading = yield* Effect.forkChild(
          Effect.flip(Stream.runForEach(body, () => Effect.sync(() => first.fire())))
        )
        yield* first.wait
        yield* TestClock.adjust(Duration.seconds(5))
        assert.deepInclude(yield* Fiber.join(reading), { reason: "timeout", code: "TIMEOUT_TOTAL", sent: true })
        yield* left.wait
      }))

    it.effect("breaks off a request whose headers do not come, though its scope stays open", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const asked = Loopback.signal()
        const left = Loopback.signal()
        const server = yield* Loopback.serve((_, response) => {
          response.on("close", () => left.fire())
          asked.fire()
        })
        const opening = yield* Effect.forkChild(Effect.flip(dialer.dial(server.call("/"))))
        yield* asked.wait
        yield* TestClock.adjust(Duration.seconds(30))
        assert.deepInclude(yield* Fiber.join(opening), { code: "TIMEOUT_TOTAL", sent: true })
        yield* left.wait
      }))

    it.effect("breaks off the request at the server when the scope closes or the fiber is interrupted", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        let asked = Loopback.signal()
        let left = Loopback.signal()
        const server = yield* Loopback.serve((request, response) => {
          response.on("close", () => left.fire())
          if (request.url === "/body") response.write("first")
          asked.fire()
        })
        yield* Effect.scoped(dialer.dial(server.call("/body")))
        yield* left.wait
        for (const path of ["/body", "/silent"]) {
          asked = Loopback.signal()
          left = Loopback.signal()
          const fiber = yield* Effect.forkChild(dialer.request(server.call(path)))
          yield* asked.wait
          yield* Fiber.interrupt(fiber)
          yield* left.wait
        }
      }))

    it.effect("joins repeated headers, and reads no body after HEAD or 204", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const server = yield* Loopback.serve((request, response) => {
          const headers = { "X-Two": ["a", "b"], "content-encoding": "gzip" }
          if (request.url === "/204") response.writeHead(204, headers).end()
          else response.writeHead(200, { ...headers, "content-length": 5e9 }).end()
        })
        const head = yield* dialer.request(server.call("/", { method: "HEAD" }))
        assert.strictEqual(head.headers["x-two"], "a, b")
        assert.strictEqual(head.headers["content-length"], "5000000000")
        const empty = yield* dialer.request(server.call("/204"))
        assert.strictEqual(empty.bytes.length + head.bytes.length, 0)
      }))
  })
})
