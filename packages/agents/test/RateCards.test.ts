/** The prices that a run with a budget is started with, and the lists they come from. */
import type { AgentInfo } from "@baton/engine/Agents"
import type { Flow } from "@baton/kernel/Flow"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as PriceFile from "../src/model/PriceFile.ts"
import { builtIn, PriceTable } from "../src/model/Prices.ts"
import * as RateCards from "../src/model/RateCards.ts"

const info = (name: string, asks?: AgentInfo["asks"]): AgentInfo => ({
  name,
  description: "",
  effect: "pure",
  version: "1",
  ...(asks === undefined ? {} : { asks })
})

const infos: { readonly [name: string]: AgentInfo } = {
  free: info("free", "nothing"),
  other: info("other", { model: "openai/gpt-5-mini" }),
  remote: info("remote")
}

const known = {
  find: (name: string) => Effect.succeed(infos[name]),
  providers: ["openai", "google", "ollama"],
  defaultModel: "openai/gpt-5-mini"
}

const flow: Flow = {
  name: "cards",
  agents: { writer: { instructions: "Write.", model: "google/gemini-2.5-pro" }, bound: { use: "other" } },
  nodes: [
    { id: "a", type: "agent", agent: ["free", "remote"] },
    {
      id: "b",
      type: "map",
      over: [1],
      each: { type: "agent", agent: { instructions: "Look.", model: "http://127.0.0.1:8000/v1#local" } }
    }
  ],
  edges: []
}

describe("RateCards", () => {
  it.effect("hold the dearest price of every model that a flow may ask, and null where nobody knows it", () =>
    Effect.gen(function*() {
      const card = yield* RateCards.make([flow], { writer: "free" }, known)
      assert.deepStrictEqual(card.models, {
        "openai/gpt-5-mini": { input: 250, output: 2_000 },
        // Above 200,000 tokens it costs more.
        "google/gemini-2.5-pro": { input: 2_500, output: 15_000 },
        "http://127.0.0.1:8000/v1#local": null
      })
      assert.deepStrictEqual(card.agents, { free: { free: true }, other: { model: "openai/gpt-5-mini" } })
      assert.strictEqual(card.defaultModel, "openai/gpt-5-mini")
    }))

  it.effect("know a model behind a URL by its host and port", () =>
    Effect.gen(function*() {
      const prices = { asOf: "2026-01-01", models: { "127.0.0.1:8000/local": { input: 0, output: 0.0001 } } }
      const card = yield* Effect.provideService(RateCards.make([flow], {}, known), PriceTable, prices)
      assert.deepStrictEqual(card.models["http://127.0.0.1:8000/v1#local"], { input: 0, output: 1 })
    }))
})

describe("Prices", () => {
  it("say when and where each of them was looked up", () => {
    for (const [model, price] of Object.entries(builtIn)) {
      assert.match(price.date ?? "", /^20\d\d-\d\d-\d\d$/, model)
      assert.match(price.source ?? "", /^https:\/\//, model)
    }
  })

  it.effect("of a file that is none are refused, with the file's name", () =>
    Effect.gen(function*() {
      const folder = mkdtempSync(join(tmpdir(), "baton-prices-"))
      const file = join(folder, "prices.json")
      const bad = ["no json", "[]", "{\"asOf\":\"x\",\"models\":{\"a/b\":{\"input\":-1,\"output\":1}}}"]
      for (const text of bad) {
        writeFileSync(file, text)
        const error = yield* Effect.flip(PriceFile.read(file))
        assert.strictEqual(error.reason, "invalid")
        assert.strictEqual(error.file, file)
      }
      rmSync(folder, { recursive: true })
      assert.strictEqual((yield* Effect.flip(PriceFile.read(file))).reason, "unreadable")
    }))
})
