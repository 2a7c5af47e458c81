/** What two servers on one way could read differently is refused, and so is what a body may not say. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { gzipSync } from "node:zlib"
import * as GateServer from "./GateServer.ts"

const test = <A, E>(title: string, body: (server: GateServer.GateServer) => Effect.Effect<A, E>) =>
  it.live(title, () => Effect.flatMap(GateServer.make({}), body).pipe(Effect.scoped), 60_000)

const start = `{"flow":{"name":"echo","nodes":{"same":{"value":"\${ input }"}}},"input":1}`
const head = (...lines: ReadonlyArray<string>): string => `${lines.join("\r\n")}\r\n\r\n`
const post = ["POST /api/v1/runs HTTP/1.1", "host: 127.0.0.1", "connection: close", "content-type: application/json"]

interface Heard {
  readonly status: number
  readonly head: string
  // oxlint-disable-next-line typescript/no-explicit-any -- what an answer holds is what the tests assert of it
  readonly json: any
}

const talk = (server: GateServer.GateServer, text: string): Effect.Effect<Heard> =>
  Effect.promise(async () => {
    const heard = (await GateServer.talk(server.port, text)).replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, "")
    const [top = "", ...rest] = heard.split("\r\n\r\n")
    const body = rest.join("\r\n\r\n")
    return {
      status: Number(top.slice(9, 12)),
      head: top.toLowerCase(),
      json: body === "" ? undefined : JSON.parse(body)
    }
  })

const refused = (server: GateServer.GateServer, text: string, status: number, code: string) =>
  Effect.map(talk(server, text), (heard) => {
    assert.deepStrictEqual([heard.status, heard.json?.code], [status, code], text.slice(0, 200))
    assert.include(heard.head, "content-type: application/problem+json")
    return heard
  })

describe("a request that could be read in two ways", () => {
  test("is refused, and its connection is closed", (server) =>
    Effect.gen(function*() {
      const get = "GET /api/v1/runs HTTP/1.1"
      yield* refused(server, head(get, "host: 127.0.0.1", "host: evil"), 400, "REQUEST_MALFORMED")
      yield* refused(server, head(get, "connection: close"), 400, "REQUEST_MALFORMED")
      const coded = `${head(...post, "transfer-encoding: gzip, chunked")}${
        start.length.toString(16)
      }\r\n${start}\r\n0\r\n\r\n`
      yield* refused(server, coded, 400, "REQUEST_MALFORMED")
      const both = head(...post, "content-length: 5", "transfer-encoding: chunked")
      yield* refused(server, `${both}0\r\n\r\nGET /health HTTP/1.1\r\n\r\n`, 400, "REQUEST_MALFORMED")
      yield* refused(server, head(...post, "content-length: 5", "content-length: 6"), 400, "REQUEST_MALFORMED")
    }))

  test("and one that Node would leave without a word, gets a problem", (server) =>
    Effect.gen(function*() {
      const expecting = head(...post, "expect: 200-maybe", `content-length: ${start.length}`) + start
      yield* refused(server, expecting, 417, "EXPECTATION_UNKNOWN")
      yield* refused(server, head("CONNECT evil:443 HTTP/1.1", "host: evil:443"), 405, "METHOD_NOT_ALLOWED")
    }))
})

describe("a body", () => {
  const json = (server: GateServer.GateServer, text: string, ...more: ReadonlyArray<string>) =>
    talk(server, head(...post, ...more, `content-length: ${Buffer.byteLength(text)}`) + text)

  test("with a content encoding is refused with what would have been taken", (server) =>
    Effect.gen(function*() {
      const packed = gzipSync(start)
      const answer = yield* Effect.promise(() =>
        fetch(`${server.url}/api/v1/runs`, {
          method: "POST",
          body: packed,
          headers: { "content-type": "application/json", "content-encoding": "gzip" }
        })
      )
      assert.strictEqual(answer.status, 415)
      assert.strictEqual(answer.headers.get("accept-encoding"), "identity")
      assert.strictEqual((yield* GateServer.json(answer))["code"], "CONTENT_ENCODING_UNSUPPORTED")
      assert.strictEqual((yield* json(server, start, "content-encoding: identity")).status, 201)
    }))

  test("is looked through whatever its request says of an upgrade", (server) =>
    Effect.gen(function*() {
      const nul = start.replace(":1}", `:"\\u0000"}`)
      const heard = yield* json(server, nul, "upgrade: websocket")
      assert.deepStrictEqual([heard.status, heard.json?.code], [400, "JSON_NUL"])
    }))

  test("is never changed silently: no number that a double cannot hold, and no key twice", (server) =>
    Effect.gen(function*() {
      const told = (input: string) => Effect.map(json(server, start.replace(":1}", `:${input}}`)), (one) => one)
      for (
        const input of ["12345678901234567890", "9007199254740993", "1e400", `{"a":1,"a":2}`, `{"a":1,"\\u0061":2}`]
      ) {
        const { json: problem, status } = yield* told(input)
        assert.deepStrictEqual([status, problem.code], [400, "JSON_AMBIGUOUS"], input)
        assert.match(problem.detail, /^line 1, column \d+: /)
      }
      for (const input of ["1.0", "9007199254740991", "0.1", "1e308", `"12345678901234567890"`, `{"a":{"a":1}}`]) {
        assert.strictEqual((yield* told(input)).status, 201, input)
      }
      for (const type of ["Application/JSON", "APPLICATION/JSON; charset=utf-8"]) {
        const answer = yield* Effect.promise(() =>
          fetch(`${server.url}/api/v1/runs`, {
            method: "POST",
            body: start.replace(":1}", `:{"a":1,"a":2}}`),
            headers: { "content-type": type }
          })
        )
        assert.strictEqual((yield* GateServer.json(answer))["code"], "JSON_AMBIGUOUS", type)
      }
    }))

  test("may be left out where all its members may", (server) =>
    Effect.gen(function*() {
      const to = (path: string) => talk(server, head(`POST ${path} HTTP/1.1`, ...post.slice(1), "content-length: 0"))
      const cancelled = yield* to("/api/v1/runs/run_nobody/cancel")
      assert.deepStrictEqual([cancelled.status, cancelled.json.code], [404, "RUN_NOT_FOUND"])
      const started = yield* to("/api/v1/runs")
      assert.deepStrictEqual([started.status, started.json.errors[0].pointer], [400, "/flow"])
    }))
})
