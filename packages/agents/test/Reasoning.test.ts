import { assert, describe, it } from "@effect/vitest"
import type * as Response from "effect/ai/Response"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as Reasoning from "../src/model/Reasoning.ts"

const streamed = (pieces: ReadonlyArray<string>) => {
  const parts: ReadonlyArray<Response.StreamPartEncoded> = [
    { type: "text-start", id: "t" },
    ...pieces.map((delta) => ({ type: "text-delta" as const, id: "t", delta })),
    { type: "text-end", id: "t" }
  ]
  return Effect.map(Stream.runCollect(Reasoning.splitStream(Stream.fromIterable(parts))), (out) => ({
    text: out.map((part) => part.type === "text-delta" ? part.delta : "").join(""),
    reasoning: out.map((part) => part.type === "reasoning-delta" ? part.delta : "").join(""),
    open: out.filter((part) => part.type === "reasoning-start").length -
      out.filter((part) => part.type === "reasoning-end").length
  }))
}

describe("what a model thinks", () => {
  it.each<readonly [answer: string, reasoning: string, text: string]>([
    ["<think>a</think>b", "a", "b"],
    ["\n<thinking>a</thinking>\n\nb", "a", "b"],
    ["<think>a</think><think>b</think>c", "ab", "c"],
    ["<think>cut off", "cut off", ""],
    ["plan</think>\nb", "plan", "b"],
    ["The <think> tag is </think> explained", "", "The <think> tag is </think> explained"],
    ["{\"a\":\"</think>\"}", "", "{\"a\":\"</think>\"}"],
    ["plain", "", "plain"]
  ])(
    "is told from the answer %j",
    (answer, reasoning, text) => assert.deepStrictEqual(Reasoning.split(answer), { reasoning, text })
  )

  it.effect.prop(
    "is told from a stream wherever it is cut",
    [Schema.Array(Schema.Literals(["<", "think", ">", "</", "a", " ", "<think>", "</think>"]))],
    ([pieces]) =>
      Effect.gen(function*() {
        const answer = `<think>${pieces.join("")}</think>done`
        const whole = Reasoning.split(answer)
        for (const cut of [[answer], [...answer], ["<think>", ...pieces, "</th", "ink>done"]]) {
          const { open, reasoning, text } = yield* streamed(cut)
          assert.strictEqual(reasoning, whole.reasoning)
          assert.strictEqual(text, whole.text)
          assert.strictEqual(open, 0)
        }
      })
  )

  it.effect("lets text without it pass unchanged", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* streamed(["<", "th", "is is", " text>"]), {
        text: "<this is text>",
        reasoning: "",
        open: 0
      })
      assert.strictEqual((yield* streamed(["<thi"])).text, "<thi")
    }))
})
