/** What sessions promise. `process` is built once for every process of a test, all over one `store`. */
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { RunStore } from "../RunStore.ts"
import { Sessions } from "../Sessions.ts"
import { accepted, creation, fate, following, summary, tenant } from "./Journals.ts"

export interface Stores<S, E> {
  /** A store that nobody has opened yet; a new one for each test. */
  readonly store: Layer.Layer<S, E>
  /** One process that uses it. */
  readonly process: Layer.Layer<RunStore | Sessions, E, S>
}

/** Starts a process; `end` ends it in order. */
const start = Effect.fnUntraced(function*<E, S>(process: Layer.Layer<RunStore | Sessions, E, S>) {
  const scope = yield* Scope.fork(yield* Effect.scope, "sequential")
  const context = yield* Layer.buildWithScope(Layer.fresh(process), scope)
  const inside = <A, E2>(effect: Effect.Effect<A, E2, RunStore | Sessions>): Effect.Effect<A, E2> =>
    Effect.provideContext(effect, context)
  return {
    ...Context.get(context, Sessions),
    store: Context.get(context, RunStore),
    inside,
    end: Scope.close(scope, Exit.void)
  }
})

type Process = Effect.Success<ReturnType<typeof start<never, never>>>

export const suite = <S, E>(name: string, { process, store }: Stores<S, E>): void => {
  const test: Test = (title, body) =>
    it.live(
      title,
      () =>
        Effect.gen(function*() {
          return yield* body(yield* start(process), yield* start(process))
        }).pipe(Effect.scoped, Effect.provide(store)),
      30_000
    )
  describe(`Sessions (${name})`, () => {
    describe("life", () => life(test))
    describe("adoption", () => adoption(test))
    describe("commands", () => commands(test))
  })
}

type Test = <E>(title: string, body: (a: Process, b: Process) => Effect.Effect<unknown, E, Scope.Scope>) => void

const life = (test: Test) => {
  test(
    "sees living sessions as alive, its own too, and ended and unknown ones as dead",
    (a, b) =>
      Effect.gen(function*() {
        assert.notStrictEqual(a.id, b.id)
        assert.isTrue(yield* a.isAlive(a.id))
        assert.isTrue(yield* a.isAlive(b.id))
        assert.isFalse(yield* a.isAlive("nobody"))
        yield* b.end
        assert.isFalse(yield* a.isAlive(b.id))
        assert.isTrue(yield* a.isAlive(a.id))
      })
  )
}

const adoption = (test: Test) => {
  test("adopts nothing from a living session", (a, b) =>
    Effect.gen(function*() {
      yield* a.inside(accepted(creation("mine", a.id)))
      assert.deepStrictEqual(yield* b.adopt(10), [])
      assert.deepStrictEqual(yield* b.adopt(10, { tenant, run: "mine" }), [])
    }))

  test(
    "adopts the unfinished runs of a dead session under a higher epoch; the dead one's commits fail from then on",
    (a, b) =>
      Effect.gen(function*() {
        const made = yield* a.inside(accepted(creation("left", a.id)))
        yield* a.inside(accepted(creation("ended", a.id, { summary: summary({ status: "failed", endedAt: 2 }) })))
        const before = yield* b.store.find(tenant, "left")
        yield* a.end
        const adopted = yield* b.adopt(10)
        assert.deepStrictEqual(adopted.map(({ orderly, run }) => ({ orderly, run })), [{ orderly: false, run: "left" }])
        assert.isAbove(adopted[0]?.epoch ?? 0, before?.epoch ?? 0)
        assert.strictEqual((yield* b.store.find(tenant, "left"))?.epoch, adopted[0]?.epoch)
        assert.strictEqual(yield* b.inside(fate(following("left", a.id, made))), "not_owner")
        assert.strictEqual(yield* b.inside(fate(following("left", b.id, made))), "ok")
        assert.deepStrictEqual(yield* b.adopt(10), [])
      })
  )

  test("adopts runs that nobody owns, and released ones at once", (a, b) =>
    Effect.gen(function*() {
      yield* a.inside(accepted(creation("submitted", undefined)))
      const made = yield* a.inside(accepted(creation("let-go", a.id)))
      yield* a.release([{ tenant, run: "let-go" }])
      const adopted = yield* b.adopt(10)
      assert.deepStrictEqual(adopted.map(({ run }) => run).sort(), ["let-go", "submitted"])
      assert.isTrue(adopted.every(({ orderly }) => orderly))
      assert.strictEqual(yield* a.inside(fate(following("let-go", a.id, made))), "not_owner")
    }))

  test("counts unfinished runs that no living session owns", (a, b) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* a.unowned, 0)
      yield* a.inside(accepted(creation("submitted", undefined)))
      yield* a.inside(accepted(creation("mine", a.id)))
      yield* b.inside(accepted(creation("other", b.id)))
      yield* b.inside(accepted(creation("ended", b.id, { summary: summary({ status: "failed", endedAt: 2 }) })))
      assert.strictEqual(yield* a.unowned, 1)
      yield* b.end
      assert.strictEqual(yield* a.unowned, 2)
    }))

  test("releases only its own runs", (a, b) =>
    Effect.gen(function*() {
      yield* a.inside(accepted(creation("held", a.id)))
      yield* b.release([{ tenant, run: "held" }])
      assert.strictEqual((yield* b.store.find(tenant, "held"))?.owner, a.id)
    }))

  test("takes at most as many runs as asked for, or the one that is named", (a, b) =>
    Effect.gen(function*() {
      for (const run of ["one", "two", "three"]) yield* a.inside(accepted(creation(run, undefined)))
      assert.deepStrictEqual((yield* b.adopt(10, { tenant, run: "two" })).map(({ run }) => run), ["two"])
      assert.deepStrictEqual(yield* b.adopt(10, { tenant: "other", run: "one" }), [])
      assert.strictEqual((yield* b.adopt(1)).length, 1)
      assert.strictEqual((yield* b.adopt(10)).length, 1)
    }))

  test("lets one of two concurrent adopters win each run", (a, b) =>
    Effect.gen(function*() {
      const runs = Array.from({ length: 20 }, (_, i) => `run-${i}`)
      for (const run of runs) yield* a.inside(accepted(creation(run, undefined)))
      const taken = yield* Effect.all([a.adopt(15), b.adopt(15)], { concurrency: "unbounded" })
      assert.deepStrictEqual(taken.flat().map(({ run }) => run).sort(), [...runs].sort())
      for (const { run } of taken[0]) assert.strictEqual((yield* b.store.find(tenant, run))?.owner, a.id)
    }))

  test("fences a process that comes back after its run went on elsewhere", (a, b) =>
    Effect.gen(function*() {
      const made = yield* a.inside(accepted(creation("moved", a.id)))
      yield* a.release([{ tenant, run: "moved" }])
      yield* b.adopt(1)
      const next = yield* b.inside(accepted(following("moved", b.id, made)))
      yield* b.release([{ tenant, run: "moved" }])
      yield* a.adopt(1)
      assert.strictEqual(yield* a.inside(fate(following("moved", a.id, made))), "conflict")
      assert.strictEqual(yield* a.inside(fate(following("moved", a.id, next))), "ok")
    }))
}

const commands = (test: Test) => {
  test("hands commands to the owner only, oldest first, until they are answered", (a, b) =>
    Effect.gen(function*() {
      yield* a.inside(accepted(creation("mine", a.id)))
      yield* a.inside(accepted(creation("theirs", b.id)))
      assert.deepStrictEqual(yield* a.taken(10), [])
      const first = yield* b.give(tenant, "mine", "{\"first\":1}")
      yield* b.give(tenant, "theirs", "{}")
      const second = yield* b.give(tenant, "mine", "{\"second\":2}")
      assert.deepStrictEqual(yield* a.taken(10), [
        { id: first, tenant, run: "mine", command: "{\"first\":1}" },
        { id: second, tenant, run: "mine", command: "{\"second\":2}" }
      ])
      assert.deepStrictEqual((yield* a.taken(1)).map(({ id }) => id), [first])
      assert.strictEqual(yield* b.answer(first), undefined)
      yield* a.reply(first, "refused")
      assert.strictEqual(yield* b.answer(first), "refused")
      assert.deepStrictEqual((yield* a.taken(10)).map(({ id }) => id), [second])
    }))

  test("answers a command once, with the record that it led to or not at all", (a, b) =>
    Effect.gen(function*() {
      const made = yield* a.inside(accepted(creation("asked", a.id)))
      const id = yield* b.give(tenant, "asked", "{}")
      const lost = following("asked", a.id, { head: 9, hash: made.hash }, { answered: [{ id, answer: "lost" }] })
      assert.strictEqual(yield* a.inside(fate(lost)), "conflict")
      assert.strictEqual(yield* b.answer(id), undefined)
      const next = yield* a.inside(accepted(following("asked", a.id, made, { answered: [{ id, answer: "done" }] })))
      yield* a.reply(id, "again")
      assert.strictEqual(yield* b.answer(id), "done")
      yield* a.inside(accepted(following("asked", a.id, next, { answered: [{ id, answer: "again" }] })))
      assert.strictEqual(yield* b.answer(id), "done")
      assert.deepStrictEqual(yield* a.taken(10), [])
    }))

  test("hands the commands of an adopted run to its new owner", (a, b) =>
    Effect.gen(function*() {
      yield* a.inside(accepted(creation("heir", a.id)))
      const id = yield* b.give(tenant, "heir", "{}")
      assert.deepStrictEqual(yield* b.taken(10), [])
      yield* a.end
      yield* b.adopt(10, { tenant, run: "heir" })
      assert.deepStrictEqual((yield* b.taken(10)).map((command) => command.id), [id])
    }))
}
