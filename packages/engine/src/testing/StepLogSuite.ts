/** What every step log promises. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { RunStore } from "../RunStore.ts"
import { lineBytesMax, linesMax, type LogLine, StepLog } from "../StepLog.ts"
import { accepted, creation, summary, tenant } from "./Journals.ts"

const line = (text: string, path = "a"): LogLine => ({ at: 5, path, attempt: 1, line: text })

export const suite = <E>(name: string, layer: Layer.Layer<StepLog | RunStore, E>): void => {
  const test = <A, E2>(title: string, body: (log: typeof StepLog.Service) => Effect.Effect<A, E2, RunStore>) =>
    it.live(
      title,
      () =>
        Effect.gen(function*() {
          yield* accepted(creation("run", undefined))
          return yield* body(yield* StepLog)
        }).pipe(Effect.provide(layer)),
      30_000
    )

  describe(`StepLog (${name})`, () => {
    test("reads lines oldest first, in pages, of all steps or of one", (log) =>
      Effect.gen(function*() {
        yield* log.append(tenant, "run", [line("one"), line("two", "b[0]")])
        yield* log.append(tenant, "run", [line("three")])
        const read = (options: Parameters<typeof log.read>[2]) =>
          Effect.map(log.read(tenant, "run", options), (lines) => lines.map(({ line, n }) => `${n} ${line}`))
        assert.deepStrictEqual(yield* read({ limit: 2 }), ["1 one", "2 two"])
        assert.deepStrictEqual(yield* read({ limit: 2, after: 2 }), ["3 three"])
        assert.deepStrictEqual(yield* read({ limit: 9, path: "a" }), ["1 one", "3 three"])
        assert.deepStrictEqual(yield* read({ limit: 9, path: "a", after: 1 }), ["3 three"])
        assert.deepStrictEqual(yield* log.read("other", "run", { limit: 9 }), [])
        assert.deepStrictEqual((yield* log.read(tenant, "run", { limit: 1, after: 1 }))[0], {
          ...line("two", "b[0]"),
          n: 2
        })
      }))

    test("cuts long lines at whole characters", (log) =>
      Effect.gen(function*() {
        yield* log.append(tenant, "run", [line("x".repeat(lineBytesMax + 1)), line("€".repeat(lineBytesMax)), line("")])
        const lines = (yield* log.read(tenant, "run", { limit: 9 })).map(({ line }) => line)
        assert.strictEqual(lines[0], "x".repeat(lineBytesMax))
        assert.strictEqual(lines[1], "€".repeat(Math.floor(lineBytesMax / 3)))
        assert.strictEqual(lines[2], "")
      }))

    test("keeps a bounded number of lines, the newest, under the numbers they had", (log) =>
      Effect.gen(function*() {
        const batch = Array.from({ length: 3000 }, (_, i) => line(String(i)))
        for (let i = 0; i < 4; i++) yield* log.append(tenant, "run", batch)
        const lines = yield* log.read(tenant, "run", { limit: 20_000 })
        assert.strictEqual(lines.length, linesMax)
        assert.strictEqual(lines[0]?.n, 12_000 - linesMax + 1)
        assert.strictEqual(lines.at(-1)?.n, 12_000)
      }))

    test("drops lines of a run that is not there, and forgets those of a removed one", (log) =>
      Effect.gen(function*() {
        yield* log.append(tenant, "nowhere", [line("lost")])
        assert.deepStrictEqual(yield* log.read(tenant, "nowhere", { limit: 9 }), [])
        const ended = creation("ended", undefined, { summary: summary({ status: "succeeded", endedAt: 1 }) })
        yield* accepted(ended)
        yield* log.append(tenant, "ended", [line("soon gone")])
        yield* (yield* RunStore).remove(tenant, "ended")
        yield* accepted(ended)
        assert.deepStrictEqual(yield* log.read(tenant, "ended", { limit: 9 }), [])
      }))
  })
}
