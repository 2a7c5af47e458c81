/** The address of a server is found on its data folder; nobody else who answers there is taken for it. */
import * as Countersign from "@baton/server/gate/Countersign"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { once } from "node:events"
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs"
import { createServer, type RequestListener } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as ServerFile from "../src/ServerFile.ts"
import * as ServerSearch from "../src/ServerSearch.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-search-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Something that answers on a port. */
const answering = (listener: RequestListener): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const server = createServer(listener).listen(0, "0.0.0.0")
      await once(server, "listening")
      return server
    }),
    (server) => Effect.sync(() => void server.close())
  ).pipe(Effect.map((server) => `http://127.0.0.1:${(server.address() as AddressInfo).port}`))

const proving = (secret: Redacted.Redacted): RequestListener => (request, response) => {
  const challenge = String(request.headers[Countersign.challengeHeader])
  response.setHeader(Countersign.codeHeader, Countersign.code(secret, challenge)).end("{}")
}

const left = (data: string): { readonly url: string; readonly pid: number } =>
  JSON.parse(readFileSync(ServerFile.pathOf(data), "utf8"))

describe("a server's address on its data folder", () => {
  it.effect("is found while the server that left it answers, readable for its user only, and gone with it", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const secret = yield* ServerSearch.secret
      const url = yield* answering(proving(secret))
      yield* Effect.scoped(Effect.gen(function*() {
        yield* ServerSearch.leave(data, url, secret)
        assert.strictEqual(yield* ServerSearch.find(data), url)
        assert.strictEqual(statSync(ServerFile.pathOf(data)).mode & 0o777, 0o600)
      }))
      assert.isFalse(existsSync(ServerFile.pathOf(data)))
      assert.isUndefined(yield* ServerSearch.find(data))
    }).pipe(Effect.scoped))

  it.effect("is not believed when a stranger answers there, with success and with the answer to another challenge", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const secret = yield* ServerSearch.secret
      const strangers: ReadonlyArray<RequestListener> = [
        (_, response) => void response.end("{}"),
        proving(yield* ServerSearch.secret),
        (_, response) => void response.setHeader(Countersign.codeHeader, Countersign.code(secret, "another")).end("{}")
      ]
      for (const stranger of strangers) {
        yield* ServerSearch.leave(data, yield* answering(stranger), secret)
        assert.isUndefined(yield* ServerSearch.find(data))
      }
    }).pipe(Effect.scoped))

  it.effect("is not believed when it is no address of this machine: a folder may come from anywhere, and the key goes there", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const secret = yield* ServerSearch.secret
      const url = yield* answering(proving(secret))
      const found = (host: string) =>
        Effect.scoped(Effect.gen(function*() {
          const there = url.replace("127.0.0.1", host)
          yield* ServerSearch.leave(data, there, secret)
          return (yield* ServerSearch.find(data)) === there
        }))
      assert.isTrue(yield* found("localhost"))
      // It answers here too, but no server of this machine calls itself so.
      assert.isFalse(yield* found("127.0.0.2"))
      assert.isFalse(yield* found("127.0.0.1@example.com"))
    }).pipe(Effect.scoped))

  it.effect("of a server that stays is there again when a newer one on the folder has gone", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const secret = yield* ServerSearch.secret
      yield* ServerSearch.leave(data, "http://127.0.0.1:1", secret)
      const none = 2 ** 22 + 1
      const newer = { url: "http://127.0.0.1:2", pid: none, startedAt: "2026-01-01T00:00:00Z", secret: "x" }
      writeFileSync(ServerFile.pathOf(data), JSON.stringify({ ...newer, pid: process.pid }))
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(left(data).url, newer.url)
      writeFileSync(ServerFile.pathOf(data), JSON.stringify(newer))
      yield* TestClock.adjust("6 seconds")
      assert.deepInclude(left(data), { url: "http://127.0.0.1:1", pid: process.pid })
      rmSync(ServerFile.pathOf(data))
      yield* TestClock.adjust("6 seconds")
      assert.strictEqual(left(data).url, "http://127.0.0.1:1")
    }).pipe(Effect.scoped))

  it.effect("that cannot be left keeps no server from serving", () =>
    Effect.gen(function*() {
      const data = join(yield* folder, "missing")
      yield* Effect.scoped(ServerSearch.leave(data, "http://127.0.0.1:1", yield* ServerSearch.secret))
      assert.isUndefined(yield* ServerSearch.find(data))
    }).pipe(Effect.scoped))
})
