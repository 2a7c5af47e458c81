/** Where commands go because of what lies in a folder. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { find } from "../src/ServerSearch.ts"

const answering = Effect.acquireRelease(
  Effect.promise(async () => {
    const server = createServer((_, response) => void response.end("{}"))
    server.listen(0, "0.0.0.0")
    await once(server, "listening")
    return server
  }),
  (server) => Effect.sync(() => server.close())
)

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-search-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

describe("A folder", () => {
  it.live("names a server of this machine, never another one: a folder may come from anywhere, and the key goes there", () =>
    Effect.gen(function*() {
      const { port } = (yield* answering).address() as AddressInfo
      const data = yield* folder
      const found = (host: string) => {
        const left = { url: `http://${host}:${port}`, pid: process.pid, startedAt: "2026-01-01T00:00:00Z" }
        writeFileSync(join(data, "server.json"), JSON.stringify(left))
        return find(data)
      }
      assert.strictEqual(yield* found("127.0.0.1"), `http://127.0.0.1:${port}`)
      assert.strictEqual(yield* found("localhost"), `http://localhost:${port}`)
      // It answers here too, but no server of this machine calls itself so.
      assert.isUndefined(yield* found("127.0.0.2"))
      assert.isUndefined(yield* found("127.0.0.1@example.com"))
    }).pipe(Effect.scoped))
})
