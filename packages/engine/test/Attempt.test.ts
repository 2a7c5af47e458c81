import { callKey } from "@baton/engine/AgentConversation"
import * as Attempt from "@baton/engine/Attempt"
import { attemptLinesMax } from "@baton/engine/AttemptContext"
import * as AttemptOutput from "@baton/engine/AttemptOutput"
import type { StepContext, StepResult, StepType } from "@baton/engine/StepType"
import { requestOf, secretsOf, servicesOf, type Setting, workOf } from "@baton/engine/testing/AttemptHarness"
import type * as Flow from "@baton/kernel/Flow"
import { defaultBounds } from "@baton/kernel/JsonBounds"
import type * as Plan from "@baton/kernel/Plan"
import type { StepError } from "@baton/kernel/StepError"
import type { Json } from "@baton/kernel/Value"
import { inlineBytesMax } from "@baton/kernel/Value"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"

type Execute = (context: StepContext) => Effect.Effect<StepResult, StepError>

const serving = (type: string, execute: Execute): StepType => ({ type, execute })

const run = (
  execute: Execute,
  definition: Flow.Body = { type: "function", function: "f" },
  work: Partial<Plan.Work> = {},
  setting: Setting = {}
) =>
  Attempt.run(
    requestOf(workOf(definition, work), setting),
    servicesOf({ ...setting, stepTypes: [serving(definition.type, execute)] })
  )

const giving = (output: Json): Execute => () => Effect.succeed({ output })

const errorOf = (outcome: Attempt.AttemptOutcome): StepError => {
  if (outcome.outcome.ok !== false) return assert.fail("the attempt succeeded")
  return outcome.outcome.error
}

const outputOf = (outcome: Attempt.AttemptOutcome) => {
  if (outcome.outcome.ok !== true) return assert.fail(JSON.stringify(outcome.outcome))
  return outcome.outcome.output
}

describe("Attempt outcome", () => {
  it.effect("says when it started and what came out", () =>
    Effect.gen(function*() {
      yield* TestClock.adjust(1234)
      const outcome = yield* run(() =>
        Effect.succeed({ output: { n: 1 }, agent: "ana", usage: { calls: 1 }, warnings: [{ code: "W", message: "w" }] })
      )
      assert.deepStrictEqual(outcome, {
        startedAt: 1234,
        outcome: { ok: true, output: { v: { n: 1 } }, agent: "ana" },
        usage: { calls: 1 },
        warnings: [{ code: "W", message: "w" }],
        blobs: []
      })
    }))

  it.effect("fails without a call when nobody serves the type", () =>
    Effect.gen(function*() {
      const request = requestOf(workOf({ type: "transform", value: 1 }))
      const error = errorOf(yield* Attempt.run(request, servicesOf({})))
      assert.deepStrictEqual([error.code, error.kind, error.sent], ["TYPE_UNSERVED", "configuration", false])
    }))

  it.effect("keeps outputs up to the inline limit inline and stores larger ones under their hash", () =>
    Effect.gen(function*() {
      const fitting = "x".repeat(inlineBytesMax - 2)
      assert.deepStrictEqual(outputOf(yield* run(giving(fitting))), { v: fitting })
      for (const larger of [`${fitting}x`, "é".repeat(600)]) {
        const outcome = yield* run(giving(larger))
        const output = outputOf(outcome)
        assert.strictEqual(outcome.blobs.length, 1)
        assert.isTrue("ref" in output && output.ref === outcome.blobs[0]?.ref)
        assert.strictEqual(Buffer.from(outcome.blobs[0]!.bytes).toString(), JSON.stringify(larger))
      }
    }))

  it.effect("refuses an output that is larger than a step's output may be", () =>
    Effect.gen(function*() {
      const outcome = yield* run(giving("x".repeat(AttemptOutput.outputBytesMax)))
      assert.strictEqual(errorOf(outcome).code, "OUTPUT_INVALID")
    }))

  it.effect("keeps what select says, with the output in scope", () =>
    Effect.gen(function*() {
      const outcome = yield* run(
        giving({ body: { tier: "gold", rest: "x".repeat(5000) } }),
        {
          type: "function",
          function: "f",
          select: { id: "${ item.id }", tier: "${ output.body.?tier.orValue('unknown') }" }
        },
        {},
        { roots: { item: { v: { id: "a" } } } }
      )
      assert.deepStrictEqual(outputOf(outcome), { v: { id: "a", tier: "gold" } })
      assert.deepStrictEqual(outcome.blobs, [])
    }))

  it.effect("fails when the output does not fit the schema; only a model is asked again", () =>
    Effect.gen(function*() {
      const output = { type: "object", required: ["n"], properties: { n: { type: "integer" } } }
      const fn: Flow.Body = { type: "function", function: "f", output }
      assert.deepStrictEqual(outputOf(yield* run(giving({ n: 1 }), fn)), { v: { n: 1 } })
      const error = errorOf(yield* run(giving({ n: "one" }), fn))
      assert.deepStrictEqual([error.code, error.kind, error.retryable], ["OUTPUT_INVALID", "validation", false])
      assert.isTrue(error.message.includes("/n"))
      const asked = errorOf(yield* run(giving({}), { type: "agent", agent: "a", output }))
      assert.deepStrictEqual([asked.code, asked.retryable], ["OUTPUT_INVALID", true])
    }))

  it.effect("adds what a failed call has used to the usage", () =>
    Effect.gen(function*() {
      const outcome = yield* run((context) => {
        context.spend({ calls: 1, inputTokens: 10, costUsd: 0.5 })
        return Effect.succeed({ output: 1, usage: { calls: 1, outputTokens: 5, model: "m" } })
      })
      // The price of one of the two calls is unknown, and so is that of both.
      assert.deepStrictEqual(outcome.usage, { calls: 2, inputTokens: 10, outputTokens: 5, model: "m" })
      const failed = yield* run((context) => {
        context.spend({ calls: 1 })
        return Effect.die("no")
      })
      assert.deepStrictEqual(failed.usage, { calls: 1 })
    }))
})

describe("Attempt bounds", () => {
  const nested = (depth: number): Json => depth === 0 ? 1 : [nested(depth - 1)]
  const odd: ReadonlyArray<readonly [string, unknown]> = [
    ["NUL", { a: ["x\0y"] }],
    ["a NUL in a name", { "a\0": 1 }],
    ["half a surrogate pair", "\uD800"],
    ["NaN", Number.NaN],
    ["undefined", { a: undefined }],
    ["a function", () => 1],
    ["a date", new Map([[1, 2]])],
    ["too deep", nested(defaultBounds.depthMax + 1)]
  ]

  for (const [what, value] of odd) {
    it.effect(`refuses ${what} in an output`, () =>
      Effect.gen(function*() {
        const error = errorOf(yield* run(giving(value as Json)))
        assert.deepStrictEqual([error.code, error.kind], ["OUTPUT_INVALID", "validation"])
      }))
  }

  it.effect("accepts the deepest nesting and ends on circles", () =>
    Effect.gen(function*() {
      const deepest = nested(defaultBounds.depthMax)
      assert.deepStrictEqual(outputOf(yield* run(giving(deepest))), { v: deepest })
      const circle: Record<string, Json> = {}
      circle["again"] = circle
      assert.strictEqual(errorOf(yield* run(giving(circle))).code, "OUTPUT_INVALID")
    }))

  it.effect("repairs what a model wrote, and says so", () =>
    Effect.gen(function*() {
      const outcome = yield* run(giving({ "a\0": "x\0y \uD800!" }), { type: "agent", agent: "a" })
      assert.deepStrictEqual(outputOf(outcome), { v: { a: "xy \uFFFD!" } })
      assert.deepStrictEqual(outcome.warnings.map((warning) => warning.code), ["OUTPUT_REPAIRED"])
    }))

  it.effect("cuts messages and drops details that are too large for a journal", () =>
    Effect.gen(function*() {
      const error = errorOf(
        yield* run(() =>
          Effect.fail({
            code: "X",
            kind: "io",
            message: `\0${"x".repeat(10_000)}`,
            retryable: true,
            status: 503,
            detail: { body: "y".repeat(10_000) }
          })
        )
      )
      assert.strictEqual(error.message.length, Attempt.messageLengthMax - 1)
      assert.deepStrictEqual({ ...error, message: "" }, {
        code: "X",
        kind: "io",
        message: "",
        retryable: true,
        status: 503
      })
    }))

  it("is checked in time that no pattern of a schema can stretch", () => {
    const before = process.cpuUsage()
    const problems = AttemptOutput.schemaProblems({ type: "string", pattern: "^(a+)+$" }, `${"a".repeat(1000)}!`)
    assert.lengthOf(problems, 1)
    assert.isBelow(process.cpuUsage(before).user / 1000, 1000)
  })

  it.prop("copies JSON to equal JSON that shares nothing", [Schema.Json], ([value]) => {
    if (AttemptOutput.problem(value) !== undefined) return
    const copied = AttemptOutput.copy(value)
    assert.strictEqual(copied._tag, "Success")
    if (copied._tag !== "Success") return
    assert.deepStrictEqual(copied.success, value)
    if (typeof value === "object" && value !== null) assert.notStrictEqual(copied.success, value)
  })
})

describe("Attempt endings", () => {
  const endless = (stopped: Deferred.Deferred<void>): Execute => () =>
    Effect.onInterrupt(Effect.never, () => Deferred.succeed(stopped, undefined))

  for (
    const [definition, code] of [
      [{ type: "http", url: "https://a.example" }, "HTTP_TIMEOUT"],
      [{ type: "agent", agent: "a" }, "AGENT_TIMEOUT"],
      [{ type: "function", function: "f" }, "TIMEOUT"]
    ] as const
  ) {
    it.effect(`stops a ${definition.type} step at its timeout with ${code}`, () =>
      Effect.gen(function*() {
        const stopped = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(run(endless(stopped), definition, { timeoutMs: 5000 }))
        yield* TestClock.adjust(4999)
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust(1)
        const error = errorOf(yield* Fiber.join(fiber))
        assert.deepStrictEqual([error.code, error.kind, error.retryable, error.sent], [
          code,
          "timeout",
          true,
          undefined
        ])
        yield* Deferred.await(stopped)
      }))
  }

  it.effect("never says of an irreversible call that was stopped that it was not made", () =>
    Effect.gen(function*() {
      const stopped = yield* Deferred.make<void>()
      const definition = { type: "http", url: "https://a.example", method: "POST" } as const
      const fiber = yield* Effect.forkChild(
        run(endless(stopped), definition, { timeoutMs: 1000, effect: "irreversible" })
      )
      yield* TestClock.adjust(1000)
      assert.strictEqual(errorOf(yield* Fiber.join(fiber)).sent, true)
    }))

  it.effect("interrupts the call when it is interrupted, and gives no outcome", () =>
    Effect.gen(function*() {
      const stopped = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(run(endless(stopped), undefined, { timeoutMs: 1000 }), {
        startImmediately: true
      })
      yield* Fiber.interrupt(fiber)
      yield* Deferred.await(stopped)
      assert.strictEqual((yield* Fiber.await(fiber))._tag, "Failure")
    }))

  it.effect("announces an irreversible call under its key before it is made, and only that", () =>
    Effect.gen(function*() {
      const story: Array<string> = []
      const startCall = (key: string) => Effect.sync(() => void story.push(key))
      const execute: Execute = () => Effect.sync(() => story.push("call")).pipe(Effect.as({ output: 1 }))
      const setting = { request: { startCall } }
      yield* run(execute, undefined, { effect: "irreversible" }, setting)
      yield* run(execute, undefined, { effect: "keyed" }, setting)
      assert.deepStrictEqual(story, [callKey("run_1", "step", 0, 0), "call", "call"])
    }))

  it.effect("makes no irreversible call that could not be announced", () =>
    Effect.gen(function*() {
      const refusal: StepError = { code: "CLOSING", kind: "cancelled", message: "no", retryable: false, sent: false }
      const outcome = yield* run(() => Effect.die("called"), undefined, { effect: "irreversible" }, {
        request: { startCall: () => Effect.fail(refusal) }
      })
      assert.deepStrictEqual(errorOf(outcome), refusal)
    }))

  it.effect("turns a step type that breaks into an internal error without a stack", () =>
    Effect.gen(function*() {
      const breaks: ReadonlyArray<Execute> = [
        () => {
          throw new TypeError("x is not a function")
        },
        () => Effect.die(new TypeError("x is not a function"))
      ]
      for (const execute of breaks) {
        const error = errorOf(yield* run(execute))
        assert.deepStrictEqual([error.code, error.kind, error.retryable], ["STEP_BROKE", "internal", false])
        assert.isTrue(error.message.includes("x is not a function"))
        assert.isFalse(JSON.stringify(error).includes(".ts:"))
      }
      const stopped = errorOf(yield* run(() => Effect.interrupt))
      assert.strictEqual(stopped.code, "STEP_INTERRUPTED")
    }))

  it("keeps the key over attempts and changes it with the generation, the call and the step", () => {
    const calls: ReadonlyArray<Parameters<typeof callKey>> = [
      ["r", "p", 0, 0],
      ["r", "p", 1, 0],
      ["r", "p", 0, 1],
      ["r", "q", 0, 0],
      ["rp", "", 0, 0]
    ]
    assert.strictEqual(new Set(calls.map((call) => callKey(...call))).size, calls.length)
    assert.match(callKey("r", "p", 0, 0), /^[A-Za-z0-9_-]{43}$/)
    assert.strictEqual(callKey("r", "p", 0, 0), callKey("r", "p", 0, 0))
  })

  it.effect("gives an attempt a bounded number of log lines of bounded length", () =>
    Effect.gen(function*() {
      const lines: Array<string> = []
      yield* run(
        (context) =>
          Effect.as(Effect.forEach(Array.from({ length: attemptLinesMax + 50 }), () => context.log("é".repeat(5000))), {
            output: 1
          }),
        undefined,
        {},
        { request: { log: (line) => Effect.sync(() => void lines.push(line)) } }
      )
      assert.strictEqual(lines.length, attemptLinesMax)
      assert.isTrue(lines.every((line) => Buffer.byteLength(line) <= 4096))
    }))
})

describe("Attempt secrets", () => {
  const host = "api.example"
  const definition = {
    type: "http",
    url: "https://api.example",
    headers: { authorization: "Bearer ${ secrets.TOKEN }", accept: "x" },
    body: { list: ["a ${ secrets.TOKEN }"], n: 1 }
  } as const
  const reading = (secret: string, execute: Execute, over: Partial<Flow.Body> = {}) =>
    run(execute, { ...definition, ...over } as Flow.Body, {}, { secrets: secretsOf({ TOKEN: secret }, host) })

  it.effect("joins a secret with text and keeps it redacted", () =>
    Effect.gen(function*() {
      const outcome = yield* reading("s3cret-value", (context) =>
        Effect.gen(function*() {
          const headers = yield* context.secretField("headers", host)
          assert.isTrue(Object.values(headers).every(Redacted.isRedacted))
          assert.strictEqual(Redacted.value(headers["authorization"] as Redacted.Redacted), "Bearer s3cret-value")
          const body = yield* context.secretJson("body", host)
          assert.deepStrictEqual(Redacted.value(body as Redacted.Redacted<Json>), { list: ["a s3cret-value"], n: 1 })
          assert.isFalse(JSON.stringify({ headers, body }).includes("s3cret"))
          return { output: Object.keys(headers) }
        }))
      assert.deepStrictEqual(outputOf(outcome), { v: ["authorization", "accept"] })
    }))

  it.effect("refuses a secret for another host, in other fields, and when it is missing", () =>
    Effect.gen(function*() {
      const other = errorOf(
        yield* reading("s3cret", (context) => Effect.as(context.secretField("headers", "evil.example"), { output: 1 }))
      )
      assert.deepStrictEqual([other.code, other.kind, other.sent], ["SECRET_HOST_NOT_ALLOWED", "policy", false])
      const inUrl = errorOf(
        yield* reading("s3cret", (context) => Effect.map(context.field("url"), (output) => ({ output })), {
          url: "https://api.example/?k=${ secrets.TOKEN }"
        } as Partial<Flow.Body>)
      )
      assert.deepStrictEqual([inUrl.code, inUrl.sent], ["SECRET_NOT_ALLOWED", false])
      const missing = errorOf(
        yield* reading("s3cret", (context) => Effect.as(context.secretField("headers", host), { output: 1 }), {
          headers: { a: "${ secrets.OTHER }" }
        } as Partial<Flow.Body>)
      )
      assert.deepStrictEqual([missing.code, missing.retryable], ["SECRET_MISSING", false])
    }))

  for (
    const headers of [
      { a: "${ secrets.TOKEN.split(':')[1] }" },
      { a: "${ secrets.TOKEN.upperAscii() }" },
      { a: "${ secrets.TOKEN.substring(1) }" }
    ]
  ) {
    it.effect(`never sends a part of a token in place of a secret: ${headers.a}`, () =>
      Effect.gen(function*() {
        const outcome = yield* reading(
          "s3cret",
          (context) => Effect.map(context.secretField("headers", host), (found) => ({ output: String(found["a"]) })),
          { headers } as Partial<Flow.Body>
        )
        const error = errorOf(outcome)
        assert.include(["SECRET_TRANSFORMED", "EXPRESSION_FAILED"], error.code)
      }))
  }

  const Secret = Schema.String.check(Schema.isMinLength(8), Schema.isMaxLength(60))

  it.effect.prop(
    "never says a secret again, in outputs, errors, warnings, logs or live events",
    [Secret],
    ([secret]) =>
      Effect.gen(function*() {
        const said: Array<unknown> = []
        const echo = (how: "fail" | "die" | "succeed"): Execute => (context) =>
          Effect.gen(function*() {
            yield* context.secret("TOKEN", host)
            const echoes = [
              secret,
              encodeURIComponent(secret.toWellFormed()),
              `${secret}`,
              Buffer.from(secret).toString("base64")
            ]
            yield* context.log(`sent ${secret}`)
            yield* context.emit({ type: "agent.stream.chunk", text: `got ${secret}` })
            const message = echoes.join(" ")
            if (how === "die") return yield* Effect.die(new Error(message))
            if (how === "fail") {
              return yield* Effect.fail<StepError>({
                code: "X",
                kind: "io",
                message,
                retryable: true,
                detail: { echoes }
              })
            }
            return { output: { echoes, [secret]: 1 }, warnings: [{ code: "W", message }] }
          })
        const logger = Logger.make((options) => void said.push(options.message))
        for (const how of ["fail", "die", "succeed"] as const) {
          const outcome = yield* run(echo(how), undefined, {}, {
            secrets: secretsOf({ TOKEN: secret }, host),
            request: {
              log: (line) => Effect.sync(() => void said.push(line)),
              emit: (event) => Effect.sync(() => void said.push(event))
            }
          }).pipe(
            Effect.provide(Logger.layer([logger])),
            Effect.provideService(References.MinimumLogLevel, "Trace")
          )
          said.push(outcome)
        }
        const text = JSON.stringify(said)
        for (const form of [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret.toWellFormed())]) {
          assert.isFalse(text.includes(form), form)
        }
      })
  )
})
