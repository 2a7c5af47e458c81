/** What an attempt sees of its step after an operator has changed it (SEMANTICS 8.8). */
import * as Attempt from "@baton/engine/Attempt"
import type { StepContext, StepType } from "@baton/engine/StepType"
import * as AttemptHarness from "@baton/engine/testing/AttemptHarness"
import type * as Flow from "@baton/kernel/Flow"
import type { StepError } from "@baton/kernel/StepError"
import type { Json, Value } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { assert, describe, it } from "vitest"

const see = (
  definition: Flow.Body,
  modifications: Value | undefined,
  look: (context: StepContext) => Effect.Effect<Json, StepError>,
  setting: AttemptHarness.Setting = {}
): Promise<Json> => {
  const stepType: StepType = {
    type: definition.type,
    execute: (context) => Effect.map(look(context), (output) => ({ output }))
  }
  const full = { ...setting, request: { modifications, generation: 1 }, stepTypes: [stepType] }
  const request = AttemptHarness.requestOf(AttemptHarness.workOf(definition), full)
  return Effect.runPromise(Attempt.run(request, AttemptHarness.servicesOf(full))).then(({ outcome }) =>
    outcome.ok === true && "v" in outcome.output ? outcome.output.v : outcome as unknown as Json
  )
}

const input = { type: "function" as const, function: "f", input: { question: "${ input.q }", depth: 1 } }
const roots = { input: { v: { q: "why?" } } }

describe("an operator's modifications", () => {
  it("are merged into the evaluated input of a function or agent", async () => {
    const seen = await see(input, { v: { depth: 2, hint: "short" } }, (context) => context.field("input"), { roots })
    assert.deepStrictEqual(seen, { question: "why?", depth: 2, hint: "short" })
  })

  it("hold where the value is taken as it is stored, and where the modifications are a blob", async () => {
    const blobs = new AttemptHarness.TestBlobs()
    const stored = blobs.put({ depth: 3 })
    const seen = await see(
      input,
      stored,
      (context) => Effect.map(context.stored("input"), (value) => "v" in value ? value.v : null),
      { roots, blobs }
    )
    assert.deepStrictEqual(seen, { question: "why?", depth: 3 })
  })

  it("change the fields of an http step one by one, and no expression in them is evaluated", async () => {
    const http = { type: "http" as const, url: "https://a.example/${ input.q }", body: { a: 1, b: 2 } }
    const seen = await see(
      http,
      { v: { url: "https://b.example/${ input.q }", body: { b: null } } },
      (context) =>
        Effect.all([context.field("url"), context.secretJson("body", "b.example"), context.secretJson("query", "")])
          .pipe(
            Effect.map((all) => all.map((one) => Redacted.isRedacted(one) ? "redacted" : one))
          ),
      { roots }
    )
    assert.deepStrictEqual(seen, ["https://b.example/${ input.q }", { a: 1 }, null])
  })

  it("keep a field with a secret in it redacted", async () => {
    const http = { type: "http" as const, url: "https://a.example", headers: { auth: "Bearer ${ secrets.KEY }" } }
    const seen = await see(
      http,
      { v: { headers: { extra: "yes" } } },
      (context) =>
        Effect.map(
          context.secretJson("headers", "a.example"),
          (value) => Redacted.isRedacted(value) ? Object.keys(Redacted.value(value) as object) : "plain"
        ),
      { secrets: AttemptHarness.secretsOf({ KEY: "hush-hush" }, "a.example") }
    )
    assert.deepStrictEqual(seen, ["auth", "extra"])
  })

  it("without them a field is what the flow says", async () => {
    const seen = await see(input, undefined, (context) => context.field("input"), { roots })
    assert.deepStrictEqual(seen, { question: "why?", depth: 1 })
  })
})
