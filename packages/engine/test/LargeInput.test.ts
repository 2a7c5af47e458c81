/** A value that is too large for the journal, and that a decision needs before the record which stores it is written. */
import * as Compile from "@baton/kernel/Compile"
import type { Flow } from "@baton/kernel/Flow"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { Coordinator } from "../src/Coordinator.ts"
import * as Engine from "../src/Engine.ts"
import { EventFeed } from "../src/EventFeed.ts"
import * as MemoryStore from "../src/MemoryStore.ts"
import { Secrets, SecretsError } from "../src/Secrets.ts"
import { StepTypes } from "../src/StepType.ts"
import * as StoredValue from "../src/StoredValue.ts"

const flow: Flow = {
  name: "large-input",
  nodes: [
    { id: "each", type: "map", over: "${ input.items }", each: { type: "transform", value: "${ item }" } },
    { id: "count", type: "transform", value: "${ nodes.each.output.succeeded }" }
  ],
  edges: [{ from: "each", to: "count", when: "nodes.each.output.items[399] == 399" }],
  output: "${ nodes.count.output }"
}

const noSecret = Effect.fail(new SecretsError({ reason: "missing", message: "none" }))
const world = Layer.mergeAll(
  Layer.succeed(
    StepTypes,
    new Map([["transform", {
      type: "transform",
      execute: (context) => Effect.map(context.field("value"), (output) => ({ output }))
    }]])
  ),
  Layer.succeed(Secrets, {
    reveal: () => noSecret,
    has: () => Effect.succeed(false),
    set: () => noSecret,
    list: () => Effect.succeed([]),
    remove: () => noSecret
  })
)
const layer = Engine.layer({ adopt: false }).pipe(Layer.provide(world), Layer.provideMerge(MemoryStore.layer))

describe("a large input", () => {
  it.live("is read by the first decision of the run that brings it", () =>
    Effect.gen(function*() {
      const coordinator = yield* Coordinator
      const moved = yield* Effect.flatMap(EventFeed, (feed) => feed.subscribe("t", "run_1"))
      const blobs: Array<StoredValue.NewBlob> = []
      const input = StoredValue.store({ items: Array.from({ length: 400 }, (_, index) => index) }, blobs)
      assert.strictEqual(blobs.length, 1)
      const plan = Result.getOrThrow(Compile.compile(flow))
      const settled = yield* coordinator.submit({
        tenant: "t",
        run: "run_1",
        plan,
        blobs,
        command: {
          type: "CreateRun",
          at: 1,
          run: "run_1",
          flow: { name: plan.name, version: plan.version, hash: "sha256:0" },
          input
        }
      })
      assert.strictEqual(settled.kind, "accepted")
      const end = yield* Stream.runHead(Stream.filter(moved, (wakeup) => wakeup.kind === "moved" && wakeup.ended))
      assert.isTrue(end._tag === "Some")
    }).pipe(Effect.scoped, Effect.provide(layer)))
})
