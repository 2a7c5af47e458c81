import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Prices from "../src/model/Prices.ts"
import * as TokenUsage from "../src/model/TokenUsage.ts"

const counts = (total?: number, output?: number, cacheRead?: number, cacheWrite?: number) => ({
  inputTokens: { total, uncached: undefined, cacheRead, cacheWrite },
  outputTokens: { total: output, text: undefined, reasoning: undefined }
})

describe("prices", () => {
  it("are those of the model, its dated snapshots included, and of no other", () => {
    const price = (model: string) => Prices.modelPrice(Prices.builtIn, model)
    assert.strictEqual(price("openai/gpt-4.1-mini-2025-04-14")?.input, 0.4)
    assert.strictEqual(price("anthropic/claude-sonnet-4-20250514")?.output, 15)
    assert.strictEqual(price("openai/gpt-5-turbo-ultra"), undefined)
    assert.strictEqual(price("ollama/gpt-5"), undefined)
    assert.strictEqual(price("toString"), undefined)
  })

  it("count cached, written and long input apart", () => {
    const price: Prices.Price = {
      input: 10,
      output: 100,
      cached: 1,
      cacheWrite: 12,
      above: { inputTokens: 1000, price: { input: 20, output: 200 } }
    }
    assert.strictEqual(Prices.cost(price, counts(1000, 10, 500, 100)), (400 * 10 + 500 + 100 * 12 + 1000) / 1e6)
    assert.strictEqual(Prices.cost(price, counts(1001, 10, 500)), (501 * 20 + 500 * 20 + 2000) / 1e6)
  })

  it("say when they were compared", () => assert.match(Prices.pricesAsOf, /^20\d\d-\d\d-\d\d$/))

  it("give no cost for what was not counted", () => {
    assert.strictEqual(Prices.cost({ input: 1, output: 1 }, counts(undefined, 5)), undefined)
    assert.strictEqual(Prices.cost({ input: 1, output: 1 }, counts(5)), undefined)
  })

  it("are all positive, and cached input is never dearer", () => {
    for (const [model, price] of Object.entries(Prices.builtIn)) {
      assert.ok(price.input > 0 && price.output > 0 && (price.cached ?? 0) < price.input, model)
    }
  })
})

describe("usage", () => {
  it.effect("prefers what the provider itself charged", () =>
    Effect.gen(function*() {
      const usage = yield* TokenUsage.toUsage("openai", "gpt-5", counts(1000, 10), { costUsd: 0.5 })
      assert.strictEqual(usage.costUsd, 0.5)
      const priced = yield* TokenUsage.toUsage("openai", "gpt-5", counts(1000, 10), {})
      assert.strictEqual(priced.costUsd, (1000 * 1.25 + 10 * 10) / 1e6)
    }))

  it("of several calls has a cost only when each has one", () => {
    const known = { calls: 1, inputTokens: 1, costUsd: 1 }
    assert.strictEqual(TokenUsage.total([known, known])?.costUsd, 2)
    assert.deepStrictEqual(TokenUsage.total([known, { calls: 1 }]), { calls: 2, inputTokens: 1 })
    assert.strictEqual(TokenUsage.total([]), undefined)
  })
})
