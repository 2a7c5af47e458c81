import { HttpDialer } from "@baton/engine/HttpDialer"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as http from "node:http"
import * as UndiciDialer from "../src/UndiciDialer.ts"
import * as Loopback from "./Loopback.ts"

const bodyOf = async (request: http.IncomingMessage) => Buffer.concat(await request.toArray()).toString()

interface Seen {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** A server that redirects `/STATUS?to=URL` and remembers what it was asked. */
const redirector = (seen: Array<Seen>) =>
  Loopback.serve(async (request, response) => {
    const { headers, method, url } = request
    seen.push({ method, url, headers, body: await bodyOf(request) })
    const { pathname, searchParams } = new URL(url ?? "/", "http://loopback.invalid")
    const to = searchParams.get("to")
    if (to === null) response.end(pathname)
    else response.writeHead(Number(pathname.slice(1)), { location: to }).end("moved")
  })

const to = (status: number, location: string) => `/${status}?to=${encodeURIComponent(location)}`

describe("redirects", () => {
  it.layer(UndiciDialer.layer)((it) => {
    it.effect("refuses a redirect to a private address and says that a request was sent", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const seen: Array<Seen> = []
        const server = yield* redirector(seen)
        for (
          const location of [
            "http://10.0.0.1/",
            "http://[::1]/",
            "http://localhost/",
            `http://127.0.0.2:${server.port}/`
          ]
        ) {
          const error = yield* Effect.flip(dialer.request(server.call(to(302, location))))
          assert.include(["ADDRESS_PRIVATE", "PORT_REFUSED"], error.code, location)
          assert.strictEqual(error.reason, "refused")
          assert.isTrue(error.sent)
        }
        assert.strictEqual(seen.length, 4)
      }))

    it.effect("follows redirects up to the limit, and hands them back when told to follow none", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const server = yield* redirector([])
        const twice = to(302, to(307, "/end"))
        const answer = yield* dialer.request(server.call(twice, { redirectsMax: 2 }))
        assert.strictEqual(answer.url, `${server.origin}/end`)
        assert.strictEqual(Buffer.from(answer.bytes).toString(), "/end")
        const error = yield* Effect.flip(dialer.request(server.call(twice, { redirectsMax: 1 })))
        assert.deepInclude(error, { reason: "limit", code: "REDIRECTS_MAX", sent: true })
        const handed = yield* dialer.request(server.call(twice, { redirectsMax: 0 }))
        assert.strictEqual(handed.status, 302)
        assert.strictEqual(Buffer.from(handed.bytes).toString(), "moved")
      }))

    it.effect("follows at most five redirects unless told otherwise", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        let asked = 0
        const server = yield* Loopback.serve((_, response) =>
          response.writeHead(302, { location: `/${++asked}` }).end()
        )
        const error = yield* Effect.flip(dialer.request(server.call("/")))
        assert.strictEqual(error.code, "REDIRECTS_MAX")
        assert.strictEqual(asked, 6)
      }))

    it.effect("rewrites the method as the Fetch standard says", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const seen: Array<Seen> = []
        const server = yield* redirector(seen)
        const cases = [
          [301, "POST", "GET"],
          [302, "POST", "GET"],
          [303, "POST", "GET"],
          [303, "PUT", "GET"],
          [303, "HEAD", "HEAD"],
          [301, "PUT", "PUT"],
          [307, "POST", "POST"],
          [308, "DELETE", "DELETE"]
        ] as const
        for (const [status, method, next] of cases) {
          seen.length = 0
          const body = method === "HEAD" ? {} : { body: "text", headers: { "content-type": "text/plain" } }
          yield* dialer.request(server.call(to(status, "/end"), { method, ...body }))
          const [, hop] = seen
          const keeps = method === next && method !== "HEAD"
          assert.strictEqual(hop?.method, next, `${status} ${method}`)
          assert.strictEqual(hop?.body, keeps ? "text" : "", `${status} ${method}`)
          assert.strictEqual(hop?.headers["content-type"], keeps ? "text/plain" : undefined)
        }
      }))

    it.effect("drops credentials and every redacted header when the origin changes, and keeps them when not", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const away: Array<Seen> = []
        const home: Array<Seen> = []
        const other = yield* redirector(away)
        const server = yield* redirector(home)
        const allow = [`127.0.0.1:${server.port}`, `127.0.0.1:${other.port}`]
        const headers = {
          authorization: "Bearer plain",
          cookie: "a=b",
          "x-api-key": "plain",
          "x-own": Redacted.make("hidden"),
          "x-plain": "kept"
        }
        const back = to(302, `${server.origin}/end`)
        yield* dialer.request(server.call(to(302, to(302, `${other.origin}${back}`)), { allow, headers }))
        const names = Object.keys(headers)
        assert.containsAllKeys(home[1]?.headers, names)
        for (const hop of [away[0], home[2]]) {
          assert.deepStrictEqual(names.filter((name) => hop?.headers[name] !== undefined), ["x-plain"])
        }
        assert.strictEqual(home[1]?.headers["x-own"], "hidden")
      }))

    it.effect("refuses credentials and foreign schemes in a Location", () =>
      Effect.gen(function*() {
        const dialer = yield* HttpDialer
        const server = yield* redirector([])
        const codes = yield* Effect.forEach(
          [`http://user:pw@127.0.0.1:${server.port}/`, "ftp://127.0.0.1/", "http://2130706433/", "http://a b/"],
          (location) => Effect.map(Effect.flip(dialer.request(server.call(to(302, location)))), ({ code }) => code)
        )
        assert.deepStrictEqual(codes, ["URL_CREDENTIALS", "URL_SCHEME", "URL_SPELLING", "URL_INVALID"])
      }))
  })
})
