/** What is said to a run whose process is gone, or does not answer. */
import { Client } from "@baton/contract/Client"
import { PatchesClient } from "@baton/contract/PatchesClient"
import type { RunDocument } from "@baton/contract/RunDocument"
import { MachineLimits } from "@baton/engine/MachineLimits"
import * as Limits from "@baton/engine/MachineLimits"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Local from "../src/Local.ts"

const waits = `name: waits
nodes:
  news: { wait: { event: news } }
output: "\${ nodes.news.output }"
`

const asks = `name: asks
nodes:
  broken: { value: "\${ input.nothing }", onFailure: ask }
output: "\${ nodes.broken.output }"
`

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-orphans-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const baton = (data: string) =>
  Local.layer({ data, handlers: undefined, adopt: false, outputRoot: join(data, "output") })

/** Starts a run that comes to rest, and leaves it behind as a process does that ends. */
const left = (data: string, flow: string) =>
  Effect.gen(function*() {
    const client = yield* Client
    const { id } = yield* client.start({ flow: { text: flow, file: "flow.yaml" }, input: {} })
    let document: RunDocument = yield* client.show(id)
    while (document.status !== "waiting") {
      yield* Effect.yieldNow
      document = yield* client.show(id)
    }
    return id
  }).pipe(Effect.provide(baton(data)))

describe("a run that nobody owns", () => {
  it.live("is cancelled by a command that then says so", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const run = yield* left(data, waits)
      yield* Effect.gen(function*() {
        const client = yield* Client
        yield* client.cancel(run, undefined)
        assert.strictEqual((yield* client.show(run)).status, "cancelled")
        const again = yield* Effect.flip(client.cancel(run, undefined))
        assert.strictEqual(again.code, "RUN_FINISHED")
      }).pipe(Effect.provide(baton(data)))
    }).pipe(Effect.scoped))

  it.live("takes an event that ends it, and the sender is told that it did", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const run = yield* left(data, waits)
      yield* Effect.gen(function*() {
        const client = yield* Client
        yield* client.send(run, "news", 7)
        assert.deepInclude(yield* client.show(run), { status: "succeeded", output: 7 })
      }).pipe(Effect.provide(baton(data)))
    }).pipe(Effect.scoped))

  it.live("takes an operator's decision once, and answers it as taken", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const run = yield* left(data, asks)
      yield* Effect.gen(function*() {
        const client = yield* Client
        yield* client.resolveStep(run, "broken", "skip", { output: "by hand" })
        assert.deepInclude(yield* client.show(run), { output: "by hand" })
      }).pipe(Effect.provide(baton(data)))
    }).pipe(Effect.scoped))

  it.live("is as it was, to the last event, after any request that is refused", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const run = yield* left(data, waits)
      yield* Effect.gen(function*() {
        const [client, patches] = [yield* Client, yield* PatchesClient]
        const before = yield* client.show(run)
        const refused = yield* Effect.forEach([
          patches.propose(run, { operations: [{ op: "remove", path: "/nodes/news" }] }),
          patches.propose(run, { operations: [], base: 7 }),
          patches.revert({ run, patch: "1" }, undefined),
          client.resolveStep(run, "news", "retry", {}),
          client.resolveStep(run, "none", "skip", {})
        ], (request) => Effect.flip(Effect.asVoid(request)))
        assert.deepStrictEqual(refused.map(({ code }) => code), [
          "PATCH_INVALID",
          "PATCH_STALE",
          "PATCH_NOT_FOUND",
          "STEP_NOT_WAITING",
          "STEP_NOT_FOUND"
        ])
        assert.strictEqual((yield* client.show(run)).seq, before.seq)
      }).pipe(Effect.provide(baton(data)))
    }).pipe(Effect.scoped))
})

describe("a run whose process is suspended", () => {
  it.effect("answers within ten seconds that its owner is silent", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const suspended = Layer.succeed(MachineLimits, { ...Limits.defaults, commandsEvery: Duration.hours(1) })
      yield* Effect.gen(function*() {
        const { id } = yield* (yield* Client).start({ flow: { text: waits, file: "flow.yaml" }, input: {} })
        yield* Effect.gen(function*() {
          const asked = yield* Effect.forkChild(Effect.flip((yield* Client).cancel(id, undefined)))
          while (asked.pollUnsafe() === undefined) {
            yield* TestClock.adjust("100 millis")
            yield* Effect.yieldNow
          }
          assert.strictEqual((yield* Fiber.join(asked)).code, "OWNER_SILENT")
        }).pipe(Effect.provide(baton(data), { local: true }))
      }).pipe(Effect.provide(baton(data).pipe(Layer.provide(suspended))))
    }).pipe(Effect.scoped))
})
