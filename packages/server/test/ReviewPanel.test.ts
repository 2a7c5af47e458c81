/** The example flow in which people decide, from its file to its end, with scripted stand-ins for what is outside. */
import { Coordinator } from "@baton/engine/Coordinator"
import * as Engine from "@baton/engine/Engine"
import * as MemorySecrets from "@baton/engine/MemorySecrets"
import * as MemoryStore from "@baton/engine/MemoryStore"
import { Plans } from "@baton/engine/Plans"
import { RunStore } from "@baton/engine/RunStore"
import type { StepContext, StepType } from "@baton/engine/StepType"
import { StepTypes } from "@baton/engine/StepType"
import type { Command } from "@baton/kernel/Command"
import type { Json } from "@baton/kernel/Value"
import { inline } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { readFileSync } from "node:fs"
import * as FlowSource from "../src/FlowSource.ts"

const [tenant, run] = ["default", "run_panel"]
const file = "../../../examples/flows/pr-review-panel.yaml"
const text = readFileSync(new URL(file, import.meta.url), "utf8")

type Answer = (context: StepContext) => Effect.Effect<Json, never>

const standIn = (type: string, answer: Answer): readonly [string, StepType] => [
  type,
  { type, execute: (context) => Effect.map(answer(context), (output) => ({ output })) }
]

const agents: { readonly [name: string]: Json } = {
  reviewer: { findings: [{ line: 1 }] },
  chair: { verdict: "comment", markdown: "Two findings." }
}

const scene = (seen: Array<readonly [path: string, body: Json]>) => {
  const field = (context: StepContext, name: string) => Effect.orDie(context.field(name))
  const steps = Layer.succeed(
    StepTypes,
    new Map([
      standIn("http", (context) =>
        context.path === "diff"
          ? Effect.succeed({ status: 200, headers: {}, body: "- a\n+ b" })
          : Effect.map(field(context, "body"), (body) => {
            seen.push([context.path, body])
            return { status: 200, headers: {}, body: {} }
          })),
      standIn("agent", (context) => {
        const { definition } = context.work
        return Effect.succeed(agents["agent" in definition ? String(definition.agent) : ""] ?? null)
      }),
      standIn("file", (context) =>
        Effect.map(field(context, "content"), (content) => {
          seen.push([context.path, content])
          return { path: "x", bytes: 1, sha256: "" }
        }))
    ])
  )
  return Engine.layer({ adopt: false }).pipe(
    Layer.provide(steps),
    Layer.provideMerge(Layer.mergeAll(MemoryStore.layer, MemorySecrets.layer))
  )
}

const start = Effect.gen(function*() {
  const checked = FlowSource.check(text, "pr-review-panel.yaml", new Set())
  assert.isDefined(checked.plan)
  const { hash, plan } = yield* Effect.flatMap(
    Plans,
    (plans) => plans.freeze(tenant, checked.flow ?? assert.fail("faulty"))
  )
  yield* (yield* Coordinator).submit({
    tenant,
    run,
    plan,
    blobs: [],
    command: {
      type: "CreateRun",
      at: 1_700_000_000_000,
      run,
      by: "ana",
      flow: { name: plan.name, version: plan.version, hash },
      input: inline({ repo: "acme/site", number: 7 })
    }
  })
})

const reached = (...statuses: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    const store = yield* RunStore
    for (;;) {
      const row = yield* store.find(tenant, run)
      if (row !== undefined && statuses.includes(row.status)) return row.status
      yield* Effect.sleep(1)
    }
  })

const decide = (decision: string, by: string, data?: Json) =>
  Effect.flatMap(Coordinator, (coordinator) => {
    const command: Command = {
      type: "DecideApproval",
      at: 1_700_000_000_001,
      by,
      groups: ["maintainers"],
      path: "gate",
      decision,
      ...(data === undefined ? {} : { data: inline(data) })
    }
    return coordinator.command(tenant, run, command)
  })

describe("the review panel", () => {
  it.live("posts the review as a maintainer has edited it, and not as the one who started it likes", () => {
    const seen: Array<readonly [string, Json]> = []
    return Effect.gen(function*() {
      yield* start
      yield* reached("waiting")
      const [door] = yield* Effect.flatMap(RunStore, (store) => store.doors({ tenant, limit: 9 }))
      assert.deepInclude(door, { kind: "approval", path: "gate", title: "Post this review to acme/site#7?" })
      assert.deepInclude(yield* decide("approve", "ana"), { kind: "refused", code: "REQUESTER_MAY_NOT_APPROVE" })
      assert.deepInclude(yield* decide("approve", "ben", { markdown: 7 }), { kind: "refused", code: "FORM_INVALID" })
      yield* decide("approve", "ben", { markdown: "One finding." })
      assert.strictEqual(yield* reached("succeeded", "warned", "failed"), "succeeded")
      assert.deepStrictEqual(seen, [["post", { event: "COMMENT", body: "One finding." }]])
    }).pipe(Effect.provide(scene(seen)))
  })

  it.live("shelves it when a maintainer rejects it, and posts nothing", () => {
    const seen: Array<readonly [string, Json]> = []
    return Effect.gen(function*() {
      yield* start
      yield* reached("waiting")
      yield* decide("reject", "ben")
      assert.strictEqual(yield* reached("succeeded", "warned", "failed"), "succeeded")
      assert.deepStrictEqual(seen, [["shelve", "Two findings."]])
    }).pipe(Effect.provide(scene(seen)))
  })
})
