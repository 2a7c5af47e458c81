/** What every run store promises to who wants to know which runs have moved. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { BlobStore } from "../BlobStore.ts"
import { RunStore } from "../RunStore.ts"
import { Sessions } from "../Sessions.ts"
import { accepted, creation, following, summary, tenant } from "./Journals.ts"

type Ports = RunStore | Sessions | BlobStore
type Test = <A, E2>(title: string, body: () => Effect.Effect<A, E2, Ports>) => void

const since = Effect.fnUntraced(function*(after: number, limit = 100) {
  const { moves, position } = yield* Effect.flatMap(RunStore, (store) => store.moves({ tenant, after, limit }))
  return { position, runs: moves.map(({ head, run }) => `${run}/${head}`) }
})

export const moves = (test: Test): void => {
  test("tells each run that has moved once, in the order of their last records, page by page", () =>
    Effect.gen(function*() {
      const { id: owner } = yield* Sessions
      const store = yield* RunStore
      const { position } = yield* store.moves({ limit: 1 })
      const a = yield* accepted(creation("a", owner))
      yield* accepted(creation("b", owner))
      const more = yield* accepted(following("a", owner, a))
      assert.deepStrictEqual((yield* since(position)).runs, ["b/1", "a/2"])
      const first = yield* since(position, 1)
      assert.deepStrictEqual(first.runs, ["b/1"])
      assert.deepStrictEqual((yield* since(first.position, 1)).runs, ["a/2"])
      const now = (yield* since(position)).position
      assert.deepStrictEqual(yield* since(now), { position: now, runs: [] })
      yield* accepted(following("a", owner, more))
      assert.deepStrictEqual((yield* since(now)).runs, ["a/3"])
      const foreign = yield* store.moves({ tenant: "other", after: position, limit: 100 })
      assert.deepStrictEqual(foreign.moves, [])
      assert.isAbove(foreign.position, position)
    }))

  test("gives no position twice, though the run that moved last is removed", () =>
    Effect.gen(function*() {
      const { id: owner } = yield* Sessions
      const store = yield* RunStore
      yield* accepted(creation("first", owner))
      for (const run of ["second", "third"]) {
        const made = yield* accepted(creation(run, owner))
        yield* accepted(following(run, owner, made, { summary: summary({ status: "succeeded", endedAt: 1 }) }))
      }
      const { position } = yield* store.moves({ limit: 1 })
      assert.isTrue(yield* store.remove(tenant, "third"))
      assert.isTrue(yield* store.remove(tenant, "second"))
      assert.strictEqual((yield* store.moves({ limit: 1 })).position, position)
      yield* accepted(creation("new", owner))
      assert.deepStrictEqual((yield* since(position)).runs, ["new/1"])
      assert.deepStrictEqual((yield* since(0)).runs, ["first/1", "new/1"])
    }))
}
