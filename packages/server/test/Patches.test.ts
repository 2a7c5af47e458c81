/** Patches over the whole machine: proposed by handlers and people, durable before they are answered. */
import { Client } from "@baton/contract/Client"
import { PatchesClient } from "@baton/contract/PatchesClient"
import type { RunDocument } from "@baton/contract/RunDocument"
import type { Json } from "@baton/kernel/Value"
import type { FunctionHandler } from "@baton/steps/FunctionHandlers"
import * as FunctionHandlers from "@baton/steps/FunctionHandlers"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Local from "../src/Local.ts"

const flow = (review: string): string =>
  `name: live
policy:
  patches:
    by: [plan]
    add: { types: [function], functions: [check] }
    into: [write]
    review: ${review}
nodes:
  plan: { function: plan, retry: { attempts: 3, initial: 1ms } }
  hold: { needs: [plan], wait: { event: go } }
  write: { needs: [plan, hold], value: "\${ needs }" }
output: "\${ nodes.write.output }"
`

const adds = (id: string): Json => [
  { op: "add", path: "/nodes/-", value: { id, function: "check", needs: ["plan"] } },
  { op: "add", path: "/edges/-", value: { from: id, to: "write" } }
]

const answers: Array<unknown> = []
let failures = 0

const handlers: { readonly [name: string]: FunctionHandler } = {
  plan: async (_, { patch }) => {
    answers.push(await patch([{ op: "remove", path: "/nodes/hold" }]))
    answers.push(await patch(adds("x"), { reason: "a claim is open" }))
    if (failures-- > 0) throw new Error("after the patch")
    return "planned"
  },
  check: () => "checked"
}

const baton = Local.layer({
  data: ":memory:",
  handlers: Result.getOrThrow(FunctionHandlers.fromRecord(handlers)),
  adopt: false,
  outputRoot: "output"
})

const started = Effect.fnUntraced(function*(review: string) {
  answers.length = 0
  const client = yield* Client
  const { id } = yield* client.start({ flow: { text: flow(review), file: "flow.yaml" }, input: {} })
  let document: RunDocument = yield* client.show(id)
  while (document.steps.find(({ path }) => path === "hold")?.status !== "waiting") {
    yield* Effect.yieldNow
    document = yield* client.show(id)
  }
  return { client, run: id }
})

const finished = Effect.fnUntraced(function*(client: Client["Service"], run: string) {
  yield* client.send(run, "go", {})
  yield* Stream.runDrain(client.events(run, { after: 0, follow: true }))
  return yield* client.show(run)
})

describe("patches of a run", () => {
  it.live("a handler's patch is durable before its attempt ends, stays when that fails, and counts once", () =>
    Effect.gen(function*() {
      failures = 2
      const { client, run } = yield* started("off")
      const patches = yield* PatchesClient
      const [applied, ...others] = yield* patches.list(run)
      assert.deepStrictEqual([applied?.status, applied?.step, others], ["applied", "plan", []])
      const [refused, first, , second, , third] = answers as ReadonlyArray<
        { readonly status: string; readonly code?: string; readonly revision: number }
      >
      assert.deepInclude(refused, { status: "refused", code: "PATCH_INVALID", revision: 0 })
      assert.deepStrictEqual([first?.status, second, third], ["applied", first, first], "the same answer each time")
      const document = yield* finished(client, run)
      assert.deepStrictEqual(document.output, { plan: "planned", hold: {}, x: "checked" })
      assert.strictEqual(document.revision, 1)
    }).pipe(Effect.provide(baton)))

  it.live("a reviewed patch changes nothing until it is approved; a refusal leaves the journal as it was", () =>
    Effect.gen(function*() {
      failures = 0
      const { client, run } = yield* started("required")
      const patches = yield* PatchesClient
      const before = yield* patches.plan(run)
      const { seq } = yield* client.show(run)
      for (
        const [operations, code] of [
          [[{ op: "add", path: "/__proto__/admin", value: true }], "PATCH_PATH"],
          [adds("y"), "PATCH_PENDING"],
          [{ op: "add" }, "PATCH_PENDING"]
        ] as ReadonlyArray<readonly [Json, string]>
      ) {
        const error = yield* Effect.flip(patches.propose(run, { operations }))
        assert.include([code, "PATCH_PENDING"], error.code)
      }
      assert.deepStrictEqual(yield* patches.plan(run), before)
      assert.strictEqual((yield* client.show(run)).seq, seq)
      const [waiting] = yield* patches.list(undefined)
      assert.deepStrictEqual([waiting?.status, waiting?.reason], ["review", "a claim is open"])
      const view = yield* patches.show({ patch: waiting!.id })
      assert.deepStrictEqual(view.patch.summary.added, ["x"])
      assert.deepStrictEqual(
        (yield* patches.decide({ patch: waiting!.id }, "approve", { by: "ana" })).patch.status,
        "applied"
      )
      const late = yield* Effect.flip(patches.decide({ patch: waiting!.id }, "reject", { by: "ben" }))
      assert.strictEqual(late.code, "PATCH_DECIDED")
      const rehearsed = yield* patches.rehearse(run, { operations: adds("z") })
      assert.deepStrictEqual(rehearsed.patch.summary.added, ["z"])
      assert.strictEqual((yield* patches.plan(run)).revision, 1, "a rehearsal changes nothing")
      const stale = yield* Effect.flip(patches.propose(run, { operations: adds("z"), base: 0 }))
      assert.strictEqual(stale.code, "PATCH_STALE")
      const applied = yield* patches.propose(run, {
        operations: [{ op: "add", path: "/nodes/write/description", value: "the end" }]
      })
      yield* patches.revert({ run, patch: applied.patch.id }, undefined)
      assert.strictEqual((yield* patches.plan(run)).revision, 3)
      assert.strictEqual((yield* finished(client, run)).status, "succeeded")
      assert.strictEqual((yield* Effect.flip(patches.propose(run, { operations: adds("z") }))).code, "RUN_FINISHED")
    }).pipe(Effect.provide(baton)))
})
