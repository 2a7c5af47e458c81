/** Saved flows and the runs that runs start, as a program sees them. */
import { Client } from "@baton/contract/Client"
import { FlowsClient } from "@baton/contract/FlowsClient"
import { PatchesClient } from "@baton/contract/PatchesClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Local from "../src/Local.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-subflows-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const baton = (data: string) =>
  Local.layer({ data, handlers: undefined, adopt: false, outputRoot: join(data, "output") })

const alone = <A, E>(test: Effect.Effect<A, E, Client | FlowsClient | PatchesClient>) =>
  Effect.scoped(Effect.flatMap(folder, (data) => Effect.provide(test, baton(data))))

const value = (name: string, version: string, value: string): string =>
  JSON.stringify({ name, version, nodes: { give: { value } }, output: "${ nodes.give.output }" })

/** Calls `flow` and gives its output; an `input` schema is no part of it. */
const caller = (name: string, flow: unknown, more: object = {}): string =>
  JSON.stringify({ name, version: "1.0.0", nodes: { call: { flow } }, output: "${ nodes.call.output }", ...more })

const publish = (text: string) => Effect.flatMap(FlowsClient, (flows) => flows.publish(text, "flow.json"))
const start = (text: string, input = {}) =>
  Effect.flatMap(Client, (client) => client.start({ flow: { text, file: "flow.json" }, input }))
const ended = Effect.fnUntraced(function*(run: string) {
  const client = yield* Client
  yield* Stream.runDrain(client.events(run, { after: 0, follow: true }))
  return yield* client.show(run)
})
const run = (text: string) => Effect.flatMap(start(text), ({ id }) => ended(id))
const problemsOf = (text: string) => Effect.map(Effect.flip(start(text)), (error) => JSON.stringify(error.problems))

describe("published flows", () => {
  it.live("never change: the same bytes again are no change, others under the same version are refused", () =>
    alone(Effect.gen(function*() {
      const flows = yield* FlowsClient
      const first = yield* publish(value("price", "1.0.0", "one"))
      assert.isTrue(first.isNew)
      assert.deepStrictEqual(yield* publish(value("price", "1.0.0", "one")), { ...first, isNew: false })
      const error = yield* Effect.flip(publish(value("price", "1.0.0", "other")))
      assert.deepStrictEqual([error.code, error.reason], ["VERSION_EXISTS", "conflict"])
      yield* publish(value("price", "1.10.0", "ten"))
      yield* publish(value("price", "1.9.0", "nine"))
      assert.strictEqual((yield* flows.find("price")).version, "1.10.0")
      assert.deepStrictEqual((yield* flows.list("price")).map(({ version }) => version), ["1.10.0", "1.9.0", "1.0.0"])
      const missing = yield* Effect.flip(flows.find("prize"))
      assert.deepStrictEqual([missing.code, missing.hint], ["FLOW_MISSING", "did you mean price?"])
      assert.include((yield* Effect.flip(flows.find("price", "7.0.0"))).hint, "1.10.0")
    })))

  it.live("a run stays with the versions it was accepted with, however deep", () =>
    alone(Effect.gen(function*() {
      const client = yield* Client
      yield* publish(value("low", "1.0.0", "old"))
      yield* publish(caller("middle", "low"))
      const gate = { wait: { event: "go" } }
      const held = JSON.stringify({
        name: "held",
        nodes: { gate, call: { needs: ["gate"], flow: "middle" } },
        output: "${ nodes.call.output }"
      })
      const { id } = yield* start(held)
      yield* publish(value("low", "2.0.0", "new"))
      yield* client.send(id, "go", null)
      assert.strictEqual((yield* ended(id)).output, "old")
      assert.strictEqual((yield* run(caller("next", "middle"))).output, "new")
      assert.strictEqual((yield* run(caller("pinned", "low@1.0.0"))).output, "old")
    })))
})

describe("what a flow may call", () => {
  it.live("an unknown flow or version is refused with the nearest name, all of them at once", () =>
    alone(Effect.gen(function*() {
      yield* publish(value("price", "1.0.0", "one"))
      const each = { flow: "price@9.0.0", input: {} }
      const text = JSON.stringify({ name: "two", nodes: { a: { flow: "prise" }, b: { map: [1], each } } })
      const problems = yield* problemsOf(text)
      assert.include(problems, "did you mean price?")
      assert.include(problems, "/nodes/a/flow")
      assert.include(problems, "/nodes/b/each/flow")
    })))

  it.live("a flow that calls itself is refused, directly and through others, with the chain", () =>
    alone(Effect.gen(function*() {
      const direct = yield* Effect.flip(publish(caller("self", "self")))
      assert.strictEqual(direct.code, "FLOW_INVALID")
      yield* publish(caller("a", "b"))
      yield* publish(caller("b", { name: "inside", nodes: { on: { flow: "a" } } }))
      const problems = yield* problemsOf(caller("top", "a"))
      assert.include(problems, "FLOW_CALLS_ITSELF")
      assert.include(problems, "a@1.0.0 → b@1.0.0 → inside (in place) → a@1.0.0")
    })))

  it.live("eight flows may call each other, nine may not", () =>
    alone(Effect.gen(function*() {
      yield* publish(value("d8", "1.0.0", "deep"))
      for (let depth = 7; depth >= 0; depth--) yield* publish(caller(`d${depth}`, `d${depth + 1}`))
      assert.strictEqual((yield* run(caller("fits", "d1"))).output, "deep")
      assert.include(yield* problemsOf(caller("deep", "d0")), "FLOW_TOO_DEEP")
    })))

  it.live("a flow that fits on one way is refused on another that makes it too deep", () =>
    alone(Effect.gen(function*() {
      yield* publish(value("d8", "1.0.0", "deep"))
      for (let depth = 7; depth >= 1; depth--) yield* publish(caller(`d${depth}`, `d${depth + 1}`))
      yield* publish(caller("around", "d1"))
      const nodes = { short: { flow: "d1" }, long: { flow: "around" } }
      assert.include(yield* problemsOf(JSON.stringify({ name: "both", nodes })), "FLOW_TOO_DEEP")
    })))

  it.live("faults of a flow written in place are told with the others", () =>
    alone(Effect.gen(function*() {
      const error = yield* Effect.flip(start(caller("top", { nodes: { a: { value: "${ nodes.b.output }" } } })))
      assert.include(JSON.stringify(error.problems), "UNKNOWN_NODE")
    })))
})

const later = { hold: { wait: { event: "go" } }, call: { needs: ["hold"], value: 1 } }
const callsSub = [
  { op: "replace", path: "/nodes/call/type", value: "flow" },
  { op: "remove", path: "/nodes/call/value" },
  { op: "add", path: "/nodes/call/flow", value: "sub" }
]

describe("a patch that brings in a flow", () => {
  it.live("pins it wherever the patch says it, and the run goes on with that version", () =>
    alone(Effect.gen(function*() {
      const [client, patches] = [yield* Client, yield* PatchesClient]
      yield* publish(value("sub", "1.0.0", "old"))
      for (
        const operations of [
          callsSub,
          [{ op: "replace", path: "/nodes/call", value: { id: "call", type: "flow", flow: "sub" } }]
        ]
      ) {
        const { id } = yield* start(JSON.stringify({ name: "top", nodes: later, output: "${ nodes.call.output }" }))
        yield* patches.propose(id, { operations })
        yield* client.send(id, "go", null)
        assert.deepInclude(yield* ended(id), { status: "succeeded", output: "old" })
      }
    })))

  it.live("is refused, with every problem, when a flow is not there; a value that only looks like one is a value", () =>
    alone(Effect.gen(function*() {
      const patches = yield* PatchesClient
      const { id } = yield* start(JSON.stringify({ name: "top", nodes: later }))
      const unknown = [...callsSub.slice(0, 2), { op: "add", path: "/nodes/call/flow", value: "nowhere" }, {
        op: "add",
        path: "/nodes/-",
        value: { id: "more", needs: ["hold"], flow: "neither" }
      }]
      const refused = yield* Effect.flip(patches.propose(id, { operations: unknown }))
      assert.deepInclude(refused, { code: "PATCH_INVALID", reason: "invalid" })
      assert.deepStrictEqual(
        refused.problems?.map((problem) => (problem as { readonly pointer: string }).pointer),
        ["/2/value/flow", "/3/value/flow"]
      )
      const value = { flow: "only data" }
      yield* patches.propose(id, { operations: [{ op: "replace", path: "/nodes/call/value", value }] })
    })))
})

describe("runs and their children", () => {
  it.live("name each other, and what waits inside is told from outside", () =>
    alone(Effect.gen(function*() {
      const client = yield* Client
      const { id } = yield* start(caller("top", { nodes: { hold: { wait: { event: "go" } } } }))
      const [child] = yield* Effect.repeat(client.list({ limit: 5, parent: id }), {
        until: (found) => found.length > 0
      })
      assert.deepStrictEqual(child?.parent, { run: id, path: "call", attempt: 1, depth: 1 })
      assert.strictEqual((yield* client.show(id)).steps[0]?.childRun, child?.id)
      assert.deepStrictEqual((yield* client.show(child?.id ?? "")).parent, child?.parent)
      const reasons = yield* client.explain(id)
      assert.deepStrictEqual(reasons.map(({ path, reason }) => [path, reason]), [
        ["call", "sub_run"],
        ["call/hold", "external_event"]
      ])
      assert.include(reasons[1]?.door, child?.id ?? "-")
      assert.strictEqual(yield* client.resolve("@last"), id)
      const error = yield* Effect.flip(client.remove(child?.id ?? ""))
      assert.strictEqual(error.code, "RUN_NOT_FINISHED")
      yield* client.cancel(id)
      assert.strictEqual((yield* ended(id)).status, "cancelled")
      yield* client.remove(id)
      assert.deepStrictEqual(yield* client.list({ limit: 5 }), [])
    })))

  it.live("large inputs and outputs go by reference", () =>
    alone(Effect.gen(function*() {
      const inner = { nodes: { give: { value: "${ input.text }" } }, output: "${ nodes.give.output }" }
      const call = { flow: inner, input: { text: "${ input.text }" } }
      const text = JSON.stringify({ name: "large", nodes: { call }, output: "${ size(nodes.call.output) }" })
      const { id } = yield* start(text, { text: "x".repeat(100_000) })
      assert.strictEqual((yield* ended(id)).output, 100_000)
    })))
})

/** A parent in one living process and its child in another: both were left by a process that has ended. */
const apart = <A, E>(
  test: (family: {
    readonly parent: string
    readonly child: string
    readonly inOther: <B, F>(effect: Effect.Effect<B, F, Client>) => Effect.Effect<B, F>
  }) => Effect.Effect<A, E, Client>
) =>
  Effect.scoped(Effect.gen(function*() {
    const data = yield* folder
    const inner = { nodes: { hold: { wait: { event: "go" } } }, output: "${ nodes.hold.output }" }
    const { child, parent } = yield* Effect.gen(function*() {
      const client = yield* Client
      const { id } = yield* start(caller("top", inner))
      const [found] = yield* Effect.repeat(client.list({ limit: 5, parent: id }), { until: (list) => list.length > 0 })
      return { parent: id, child: found?.id ?? "" }
    }).pipe(Effect.provide(baton(data)))
    const other = yield* Layer.build(baton(data).pipe(Layer.fresh))
    const inOther = <B, F>(effect: Effect.Effect<B, F, Client>) => Effect.provide(effect, other)
    yield* inOther(Effect.flatMap(Client, (client) => client.resume(child)))
    yield* Effect.gen(function*() {
      yield* Effect.flatMap(Client, (client) => client.resume(parent))
      return yield* test({ parent, child, inOther })
    }).pipe(Effect.provide(baton(data).pipe(Layer.fresh)))
  }))

describe("a child that lives in another process than its parent", () => {
  it.live(
    "tells its parent there how it has ended",
    () =>
      apart(({ child, inOther, parent }) =>
        Effect.gen(function*() {
          yield* inOther(Effect.flatMap(Client, (client) => client.send(child, "go", 7)))
          assert.deepInclude(yield* ended(parent), { status: "succeeded", output: 7 })
        })
      ),
    20_000
  )

  it.live(
    "is stopped with its parent, which ends when it has",
    () =>
      apart(({ child, inOther, parent }) =>
        Effect.gen(function*() {
          yield* Effect.flatMap(Client, (client) => client.cancel(parent))
          assert.strictEqual((yield* ended(parent)).status, "cancelled")
          assert.strictEqual((yield* inOther(ended(child))).status, "cancelled")
        })
      ),
    20_000
  )

  it.live(
    "stands still while its parent is paused, and goes on with it",
    () =>
      apart(({ child, inOther, parent }) =>
        Effect.gen(function*() {
          const client = yield* Client
          const reasons = inOther(Effect.flatMap(Client, (there) => there.explain(child)))
          const isPaused = Effect.map(reasons, (found) => found.some(({ reason }) => reason === "paused"))
          yield* client.pause(parent)
          yield* Effect.repeat(isPaused, { until: (paused) => paused })
          yield* client.resume(parent)
          yield* Effect.repeat(isPaused, { until: (paused) => !paused })
          yield* inOther(Effect.flatMap(Client, (there) => there.send(child, "go", 8)))
          assert.strictEqual((yield* ended(parent)).output, 8)
        })
      ),
    20_000
  )
})
