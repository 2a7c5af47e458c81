/** Runs made from others, and dead letters, over a store on disk: what is kept, what is refused, and who wins. */
import { Client } from "@baton/contract/Client"
import { OperatorClient } from "@baton/contract/OperatorClient"
import type { RunDocument } from "@baton/contract/RunDocument"
import type { Json } from "@baton/kernel/Value"
import { fromRecord } from "@baton/steps/FunctionHandlers"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import * as Local from "../src/Local.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-fork-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** Fails as long as it is told to. */
const world = { broken: true }
const handlers = Result.getOrThrow(fromRecord({
  large: () => "x".repeat(5000),
  frail: (input: unknown) => {
    if (world.broken) throw new Error("not yet")
    return input as Json
  }
}))

const baton = (data: string) => Local.layer({ data, handlers, adopt: false, outputRoot: join(data, "output") })

const flow = `name: two
nodes:
  big: { function: large }
  frail: { needs: [big], function: frail, input: { bytes: "\${ size(needs.big) }" } }
output: { big: "\${ nodes.big.output }", frail: "\${ nodes.frail.output }" }
`

const start = Effect.fnUntraced(function*(input: Json = {}) {
  const client = yield* Client
  const { id } = yield* client.start({ flow: { text: flow, file: "two.yaml" }, input })
  return yield* ended(id)
})

const ended = Effect.fnUntraced(function*(id: string) {
  const client = yield* Client
  yield* Stream.runDrain(client.events(id, { after: 0, follow: true }))
  return yield* client.show(id)
})

/** The journal as it is written. */
const bytes = (data: string, run: string): string => {
  const database = new DatabaseSync(join(data, "baton.db"), { readOnly: true })
  const rows = database.prepare(
    "SELECT hex(j.bytes) AS bytes FROM journal j JOIN run r ON r.run_no = j.run_no WHERE r.run = ? ORDER BY j.seq"
  ).all(run)
  database.close()
  return JSON.stringify(rows)
}

const statuses = (document: RunDocument): Json =>
  Object.fromEntries(document.steps.map(({ path, status }) => [path, status]))

/** Counts how often it is called; its results may be used again. */
const counted = { calls: 0 }
const versioned = Result.getOrThrow(fromRecord({ count: () => ++counted.calls }, "1"))

const kept = `name: kept
nodes:
  one: { function: count, input: 1, receipt: {} }
  many: { map: "\${ [1, 2] }", each: { function: count, input: "\${ item }", receipt: {} } }
output: { one: "\${ nodes.one.output }", many: "\${ nodes.many.output.items }" }
`

describe("a step that a person asks for again", () => {
  it.live(
    "runs again, whatever result is there already, and leaves a new one for others",
    () =>
      Effect.gen(function*() {
        const data = yield* folder
        const local = Local.layer({ data, handlers: versioned, adopt: false, outputRoot: join(data, "output") })
        yield* Effect.gen(function*() {
          const client = yield* Client
          const operators = yield* OperatorClient
          const begin = Effect.flatMap(
            client.start({ flow: { text: kept, file: "kept.yaml" }, input: {} }),
            ({ id }) => ended(id)
          )
          const again = (run: string, step?: string) =>
            Effect.flatMap(
              operators.retry({ run, ...(step === undefined ? {} : { step }) }),
              ({ document }) => ended(document.id)
            )
          const first = yield* begin
          assert.strictEqual(counted.calls, 3)
          assert.deepStrictEqual((yield* begin).output, first.output)
          assert.strictEqual(counted.calls, 3)
          const one = yield* again(first.id, "one")
          assert.strictEqual(counted.calls, 4)
          assert.deepInclude(one.steps.find(({ path }) => path === "one"), { status: "succeeded" })
          assert.deepInclude(one.steps.find(({ path }) => path === "one")?.receipt, { kind: "miss", why: "asked" })
          // The new result is what serves from now on.
          assert.strictEqual((yield* begin).output !== null, true)
          assert.strictEqual(counted.calls, 4)
          assert.deepInclude((yield* begin).output as object, { one: 4 })
          yield* again(first.id, "many[1]")
          assert.strictEqual(counted.calls, 5)
          yield* again(first.id, "many")
          assert.strictEqual(counted.calls, 7)
        }).pipe(Effect.provide(local))
      }).pipe(Effect.scoped),
    60_000
  )
})

describe("a run made from another one", () => {
  it.live("keeps large outputs of its own when the source is deleted, and leaves the source as it was", () =>
    Effect.gen(function*() {
      const data = yield* folder
      yield* Effect.gen(function*() {
        const client = yield* Client
        const operators = yield* OperatorClient
        world.broken = true
        const source = yield* start()
        assert.strictEqual(source.status, "failed")
        const before = bytes(data, source.id)
        world.broken = false
        const made = yield* operators.retry({ run: source.id, note: "it is mended" })
        assert.deepStrictEqual([made.reused, made.running], [1, ["frail"]])
        yield* ended(made.document.id)
        assert.strictEqual(bytes(data, source.id), before)
        yield* client.remove(source.id)
        const last = yield* client.show(made.document.id)
        assert.deepStrictEqual(statuses(last), { big: "reused", frail: "succeeded" })
        assert.deepStrictEqual(last.output, { big: "x".repeat(5000), frail: { bytes: 5000 } })
        assert.deepStrictEqual(last.lineage, { run: source.id, seq: source.seq, kind: "retry" })
        assert.deepStrictEqual([last.metrics.costUsd, last.steps[0]?.usage], [0, null])
      }).pipe(Effect.provide(baton(data)))
    }))

  it.live("is refused with a stable code, nothing is made, and the source is byte-identical", () =>
    Effect.gen(function*() {
      const data = yield* folder
      yield* Effect.gen(function*() {
        const client = yield* Client
        const operators = yield* OperatorClient
        world.broken = false
        const { id: run } = yield* start()
        const before = bytes(data, run)
        const code = (effect: Effect.Effect<unknown, { readonly code: string }>) =>
          Effect.map(Effect.flip(effect), (error) => error.code)
        const fork = (more: object) => code(operators.fork({ run, ...more }))
        assert.strictEqual(yield* fork({ at: 0 }), "SEQ_NOT_FOUND")
        assert.strictEqual(yield* fork({ at: 1.5 }), "SEQ_NOT_FOUND")
        assert.strictEqual(yield* fork({ at: 99 }), "SEQ_NOT_FOUND")
        assert.strictEqual(yield* fork({ patch: { not: "a list" } }), "PATCH_MALFORMED")
        assert.strictEqual(yield* fork({ patch: [{ op: "remove", path: "/nodes/9" }] }), "PATCH_TARGET")
        assert.strictEqual(yield* fork({ patch: [{ op: "remove", path: "/nodes/0" }] }), "FLOW_INVALID")
        const other = { text: "name: other\nnodes: { z: { value: 1 } }\n", file: "other.yaml" }
        assert.strictEqual(yield* fork({ flow: other }), "FORK_UNRELATED")
        assert.strictEqual(yield* fork({ flow: { text: "name: 1", file: "bad.yaml" } }), "FLOW_INVALID")
        assert.strictEqual(yield* code(operators.fork({ run: "run_nowhere" })), "RUN_NOT_FOUND")
        const retry = (more: object) => code(operators.retry({ run, ...more }))
        assert.strictEqual(yield* retry({}), "NOTHING_TO_RETRY")
        assert.strictEqual(yield* retry({ step: "nowhere" }), "STEP_NOT_FOUND")
        assert.strictEqual(yield* retry({ modifications: {} }), "STEP_MISSING")
        let deep: Json = 1
        for (let level = 0; level < 40; level++) deep = [deep]
        assert.strictEqual(yield* retry({ step: "frail", modifications: { deep } }), "MODIFICATIONS_INVALID")
        assert.strictEqual((yield* client.list({ limit: 10 })).length, 1)
        assert.strictEqual(bytes(data, run), before)
      }).pipe(Effect.provide(baton(data)))
    }))

  it.live("cannot begin where history is no longer there", () =>
    Effect.gen(function*() {
      const data = yield* folder
      world.broken = false
      const run = yield* Effect.provide(Effect.map(start(), ({ id }) => id), baton(data))
      const database = new DatabaseSync(join(data, "baton.db"))
      database.exec("DELETE FROM journal WHERE seq = 1")
      database.close()
      const error = yield* Effect.flip(
        Effect.provide(Effect.flatMap(OperatorClient, (operators) => operators.fork({ run })), baton(data))
      )
      assert.strictEqual(error.code, "HISTORY_PRUNED")
    }))
})

const calls = `name: outer
nodes:
  gate: { value: 1 }
  pay: { needs: [gate], flow: { name: inner, nodes: [{ id: charge, type: function, function: large, effect: irreversible }], edges: [] } }
  last: { needs: [pay], function: frail, input: 1 }
`

describe("a sub-flow that had made an irreversible call", () => {
  it.live("waits for a person before it runs again, and is kept where it need not", () =>
    Effect.gen(function*() {
      const data = yield* folder
      yield* Effect.gen(function*() {
        const client = yield* Client
        const operators = yield* OperatorClient
        world.broken = true
        const { id } = yield* client.start({ flow: { text: calls, file: "outer.yaml" }, input: {} })
        yield* ended(id)
        const kept = yield* operators.retry({ run: id })
        assert.deepStrictEqual([kept.running, kept.guarded], [["last"], []])
        const again = yield* operators.retry({ run: id, step: "gate" })
        assert.deepStrictEqual([again.running, again.guarded], [["gate", "pay", "last"], ["pay"]])
        const allowed = yield* operators.retry({ run: id, step: "gate", allowIrreversible: true })
        assert.deepStrictEqual(allowed.guarded, [])
      }).pipe(Effect.provide(baton(data)))
    }))
})

describe("a dead letter", () => {
  it.live("is reprocessed once, however many ask, and tells who did what", () =>
    Effect.gen(function*() {
      const data = yield* folder
      yield* Effect.gen(function*() {
        const client = yield* Client
        const operators = yield* OperatorClient
        world.broken = true
        const source = yield* start()
        const [letter] = yield* operators.letters({ limit: 10 })
        assert.deepInclude(letter, { run: source.id, path: "frail", attempt: 1, state: "open" })
        world.broken = false
        const wish = { note: "again", by: "ana" }
        const asked = yield* Effect.all(
          Array.from({ length: 5 }, () => Effect.result(operators.reprocess(letter?.id ?? "", wish))),
          { concurrency: "unbounded" }
        )
        const won = asked.filter(Result.isSuccess)
        const lost = asked.flatMap((one) => Result.isFailure(one) ? [one.failure.code] : [])
        assert.deepStrictEqual([won.length, lost], [1, Array.from({ length: 4 }, () => "LETTER_SETTLED")])
        assert.strictEqual((yield* client.list({ limit: 10 })).length, 2)
        const after = yield* operators.letter(letter?.id ?? "")
        const into = won[0]?.success.kind === "run" ? won[0].success.made.document.id : ""
        assert.deepInclude(after, { state: "reprocessed", by: "ana", note: "again", into })
        const late = yield* Effect.flip(operators.discard(after.id))
        assert.include(late.message, `was reprocessed as ${into} by ana`)
        assert.strictEqual((yield* ended(into)).status, "succeeded")
      }).pipe(Effect.provide(baton(data)))
    }))

  it.live("that cannot be reprocessed stays open, and may be discarded", () =>
    Effect.gen(function*() {
      const data = yield* folder
      yield* Effect.gen(function*() {
        const operators = yield* OperatorClient
        world.broken = true
        yield* start()
        const [letter] = yield* operators.letters({ limit: 10 })
        const id = letter?.id ?? ""
        const error = yield* Effect.flip(operators.reprocess(id, { modifications: "x".repeat(300_000) }))
        assert.strictEqual(error.code, "MODIFICATIONS_INVALID")
        assert.strictEqual((yield* operators.letter(id)).state, "open")
        assert.deepInclude(yield* operators.discard(id, "a test", "ana"), { state: "discarded", by: "ana" })
        assert.deepStrictEqual(yield* operators.letters({ state: "open", limit: 10 }), [])
        assert.strictEqual((yield* Effect.flip(operators.letter("dl_999"))).code, "LETTER_NOT_FOUND")
        assert.strictEqual((yield* Effect.flip(operators.letter("'; drop"))).code, "LETTER_NOT_FOUND")
      }).pipe(Effect.provide(baton(data)))
    }))
})
