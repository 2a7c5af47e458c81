/** Spans of what goes on inside an attempt: which are told, and what they say. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Tracer from "effect/Tracer"
import type { EndedSpan } from "../../src/telemetry/SpanSink.ts"
import * as SpanTracer from "../../src/telemetry/SpanTracer.ts"

const outer = (sampled: boolean) =>
  Tracer.externalSpan({ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331", sampled })

/** What is told of this. */
const told = (work: Effect.Effect<unknown, unknown>, sampled = true): Effect.Effect<ReadonlyArray<EndedSpan>> => {
  const spans: Array<EndedSpan> = []
  return Effect.exit(work).pipe(
    Effect.withParentSpan(outer(sampled)),
    Effect.provideService(Tracer.Tracer, SpanTracer.make({ push: (span) => void spans.push(span) })),
    Effect.as(spans)
  )
}

const plain = ({ attributes }: EndedSpan): { readonly [name: string]: unknown } =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

describe("the tracer of an attempt", () => {
  it.effect("tells agents, models and tools, each within the next that is told, and no other span", () =>
    Effect.gen(function*() {
      const spans = yield* told(
        Effect.void.pipe(
          Effect.withSpan("LanguageModel.generateText"),
          Effect.withSpan("chat m"),
          Effect.withSpan("http.client POST"),
          Effect.withSpan("invoke_agent a")
        )
      )
      assert.deepStrictEqual(spans.map(({ name }) => name), ["chat m", "invoke_agent a"])
      assert.strictEqual(spans[0]?.parentSpanId, spans[1]?.spanId)
      assert.strictEqual(spans[1]?.parentSpanId, "b7ad6b7169203331")
      const [alone] = yield* told(Effect.void.pipe(
        Effect.withSpan("LanguageModel.streamText", { attributes: { "gen_ai.request.model": "other" } })
      ))
      assert.strictEqual(alone?.name, "chat other")
      assert.strictEqual(plain(alone!)["gen_ai.operation.name"], "chat")
    }))

  it.effect("tells nothing that was said", () =>
    Effect.gen(function*() {
      const attributes = {
        "gen_ai.prompt": "SAID",
        "gen_ai.completion.0.content": "SAID",
        "gen_ai.input.messages": "SAID",
        "gen_ai.output.messages": "SAID",
        "gen_ai.system_instructions": "SAID",
        "gen_ai.tool.call.arguments": "SAID",
        "gen_ai.tool.call.result": "SAID",
        "gen_ai.request.model": "m"
      }
      const failing = Effect.fail({ _tag: "Broken", message: "SAID" })
      const spans = yield* told(Effect.withSpan(failing, "execute_tool t", { attributes }))
      assert.notInclude(JSON.stringify(spans), "SAID")
      assert.deepStrictEqual(plain(spans[0]!), { "gen_ai.request.model": "m", "error.type": "Broken" })
      assert.strictEqual(spans[0]?.status.code, 2)
    }))

  it.effect("tells what was interrupted, and nothing where nobody records", () =>
    Effect.gen(function*() {
      const interrupted = Effect.gen(function*() {
        const fiber = yield* Effect.forkChild(Effect.withSpan(Effect.never, "invoke_agent a"), {
          startImmediately: true
        })
        yield* Fiber.interrupt(fiber)
      })
      const [span] = yield* told(interrupted)
      assert.strictEqual(plain(span!)["error.type"], "interrupted")
      assert.deepStrictEqual(yield* told(Effect.withSpan(Effect.void, "chat m"), false), [])
    }))
})
