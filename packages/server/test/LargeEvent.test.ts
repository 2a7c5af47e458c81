/** What is sent to a run may be larger than what a journal record holds. */
import { Client } from "@baton/contract/Client"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Local from "../src/Local.ts"

const flow = `name: large-event
nodes:
  news: { wait: { event: news } }
  size: { needs: [news], value: "\${ size(needs.news.text) }" }
output: "\${ nodes.size.output }"
`

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-server-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

describe("an event that is larger than a record may hold", () => {
  it.live("reaches the step that waits for it", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const layer = Local.layer({ data, handlers: undefined, adopt: false, outputRoot: join(data, "output") })
      yield* Effect.gen(function*() {
        const client = yield* Client
        const { id } = yield* client.start({ flow: { text: flow, file: "flow.yaml" }, input: null })
        yield* client.send(id, "news", { text: "x".repeat(5000) })
        yield* Stream.runDrain(client.events(id, { after: 0, follow: true }))
        const { output, status } = yield* client.show(id)
        assert.deepStrictEqual({ status, output }, { status: "succeeded", output: 5000 })
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.scoped))
})
