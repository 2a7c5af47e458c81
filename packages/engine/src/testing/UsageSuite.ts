/** What every run store promises about usage: written with its record, added up exactly, kept when the run is gone. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { RunStore, type UsageQuery, type UsageRow } from "../RunStore.ts"
import { Sessions } from "../Sessions.ts"
import { accepted, creation, following, summary, tenant } from "./Journals.ts"
import type { Ports } from "./RunStoreSuite.ts"

type Test = <A, E2>(title: string, body: () => Effect.Effect<A, E2, Ports>) => void

const used = (changes: Partial<UsageRow> = {}): UsageRow => ({
  path: "write",
  node: "write",
  attempt: 1,
  at: Date.UTC(2026, 0, 31, 23, 59, 59),
  agent: "writer",
  model: "openai/gpt-5",
  calls: 1,
  tokens: 120,
  inputTokens: 100,
  outputTokens: 20,
  cachedTokens: undefined,
  nanoUsd: 325_000,
  isUnpriced: false,
  isEstimated: false,
  ...changes
})

const groups = (query: Omit<UsageQuery, "tenant" | "limit"> & { readonly limit?: number }) =>
  Effect.flatMap(RunStore, (store) => store.usage({ tenant, limit: 100, ...query }))

const keys = (query: Omit<UsageQuery, "tenant" | "limit"> & { readonly limit?: number }) =>
  Effect.map(groups(query), (found) => found.map(({ calls, key, nanoUsd }) => `${key}:${calls}:${nanoUsd}`).join(" "))

export const usage = (test: Test): void => {
  test("adds up what was used by flow, run, model, agent and day, dearest first", () =>
    Effect.gen(function*() {
      const owner = (yield* Sessions).id
      const tomorrow = Date.UTC(2026, 1, 1)
      yield* accepted(creation("one", owner, { usage: [used(), used({ nanoUsd: 1, model: undefined })] }))
      yield* accepted(creation("two", owner, { usage: [used({ at: tomorrow, agent: "critic", nanoUsd: 900_000 })] }))
      yield* accepted(creation("two", owner, { tenant: "other", usage: [used()] }))
      assert.strictEqual(yield* keys({ by: "run" }), "two:1:900000 one:2:325001")
      assert.strictEqual(yield* keys({ by: "model" }), "openai/gpt-5:2:1225000 :1:1")
      assert.strictEqual(yield* keys({ by: "agent" }), "critic:1:900000 writer:2:325001")
      assert.strictEqual(yield* keys({ by: "day" }), "2026-02-01:1:900000 2026-01-31:2:325001")
      assert.strictEqual(yield* keys({ by: "day", since: tomorrow }), "2026-02-01:1:900000")
      assert.strictEqual(yield* keys({ by: "model", run: "one" }), "openai/gpt-5:1:325000 :1:1")
      assert.strictEqual(yield* keys({ by: "run", limit: 1 }), "two:1:900000")
      assert.strictEqual(yield* keys({ by: "run", flow: "nobody's" }), "")
      assert.deepStrictEqual(yield* groups({ by: "flow" }), [{
        key: "review",
        runs: 2,
        calls: 3,
        tokens: 360,
        inputTokens: 300,
        outputTokens: 60,
        cachedTokens: 0,
        nanoUsd: 1_225_001,
        isUnpriced: false,
        isEstimated: false
      }])
    }))

  test("says where a price was unknown and where a number is a guess; a correction takes the guess back", () =>
    Effect.gen(function*() {
      const owner = (yield* Sessions).id
      const first = yield* accepted(creation("one", owner, { usage: [used({ isEstimated: true, nanoUsd: 500 })] }))
      const corrected = used({ calls: 0, tokens: -20, inputTokens: undefined, nanoUsd: -499, isUnpriced: true })
      yield* accepted(following("one", owner, first, { usage: [corrected] }))
      const [found] = yield* groups({ by: "run" })
      assert.deepInclude(found, { nanoUsd: 1, tokens: 100, calls: 1, isUnpriced: true, isEstimated: true })
    }))

  test("keeps what a removed run has used", () =>
    Effect.gen(function*() {
      const owner = (yield* Sessions).id
      const ended = summary({ status: "succeeded", endedAt: 5 })
      yield* accepted(creation("one", owner, { usage: [used()], summary: ended }))
      const store = yield* RunStore
      assert.isTrue(yield* store.remove(tenant, "one"))
      assert.strictEqual(yield* keys({ by: "run" }), "one:1:325000")
    }))
}
