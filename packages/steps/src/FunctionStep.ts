/**
 * `function`: calls a handler of {@link FunctionHandlers} by name.
 *
 * Interruption aborts the handler's signal; a promise that does not listen to it is left behind, its answer dropped. A
 * thrown error becomes a `StepError` with its message, retryable unless it says `retryable: false`; stacks go to the
 * debug log only.
 */
import * as AttemptOutput from "@baton/engine/AttemptOutput"
import type { StepContext, StepResult, StepType } from "@baton/engine/StepType"
import type * as Flow from "@baton/kernel/Flow"
import type { StepError } from "@baton/kernel/StepError"
import type { Json } from "@baton/kernel/Value"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { FunctionContext, FunctionHandler, HandlerSet } from "./FunctionHandlers.ts"
import { Asking, FunctionHandlers, undeclaredEffectOf } from "./FunctionHandlers.ts"
import * as FunctionPatch from "./FunctionPatch.ts"

export const make: Effect.Effect<StepType, never, FunctionHandlers> = Effect.map(FunctionHandlers, (set) => ({
  type: "function",
  determinants: ({ work: { definition } }) =>
    Effect.succeed(
      set.version === undefined
        ? { unversioned: `the function ${"function" in definition ? definition.function : ""} has no version` }
        : { version: set.version }
    ),
  execute: (context) => execute(set, context)
}))

const execute = (set: HandlerSet, context: StepContext): Effect.Effect<StepResult, StepError> => {
  const name = "function" in context.work.definition ? context.work.definition.function : ""
  const handler = set.handlers.get(name)
  if (handler === undefined) return Effect.fail(unknownFunction(name))
  const undeclared = undeclaredEffectOf(handler, context.work)
  if (undeclared !== undefined) return Effect.fail(undeclaredEffect(name, undeclared))
  return Effect.flatMap(context.field("input"), (input) => {
    const own = Result.getOrElse(AttemptOutput.copy(input), () => null)
    return Effect.withFiber((fiber) => {
      const call = new Call(
        context,
        (effect) => Effect.runForkWith(fiber.context)(effect),
        (effect) => Effect.runPromiseWith(fiber.context)(effect)
      )
      return Effect.onInterrupt(
        Effect.suspend(() => invoke(name, handler, own, call)),
        () => Effect.sync(() => call.abort())
      )
    })
  })
}

const invoke = (
  name: string,
  handler: FunctionHandler,
  input: Json,
  call: Call
): Effect.Effect<StepResult, StepError> => {
  let returned: unknown
  try {
    returned = handler(input, call)
  } catch (error) {
    return thrown(name, error)
  }
  if (Effect.isEffect(returned)) return fromEffect(name, returned as Effect.Effect<unknown, unknown>)
  return isThenable(returned) ? fromPromise(name, returned) : answer(returned)
}

const unknownFunction = (name: string): StepError => ({
  code: "FUNCTION_UNKNOWN",
  kind: "configuration",
  message: `There is no function ${name} here. Export it from the handlers module, or register it in the host program.`,
  retryable: false,
  sent: false
})

const undeclaredEffect = (name: string, effect: Flow.Effect): StepError => ({
  code: "EFFECT_UNDECLARED",
  kind: "configuration",
  message: `The function ${name} says that it is ${effect}, and its node says nothing: give the node an effect.`,
  retryable: false,
  sent: false
})

/** The key and the signal are made when a handler asks for them. */
class Call implements FunctionContext {
  readonly run: string
  readonly path: string
  readonly attempt: number
  readonly log: (line: string) => void
  readonly patch: FunctionContext["patch"]
  readonly answers: FunctionContext["answers"]
  readonly #context: StepContext
  #controller: AbortController | undefined
  #aborted = false

  constructor(
    context: StepContext,
    fork: (effect: Effect.Effect<void>) => void,
    load: <A>(effect: Effect.Effect<A, StepError>) => Promise<A>
  ) {
    this.run = context.run
    this.path = context.path
    this.attempt = context.attempt
    this.#context = context
    this.log = (line) => fork(context.log(String(line)))
    this.patch = FunctionPatch.make(() => context.key, context.patch, fork)
    this.answers = () =>
      load(
        Effect.forEach(context.answers, ({ answer, by }) =>
          Effect.map(context.load(answer), (json) => ({ answer: json, by })))
      )
  }

  readonly ask: FunctionContext["ask"] = (question) => new Asking(question)

  get key(): string {
    return this.#context.key
  }

  get signal(): AbortSignal {
    this.#controller ??= new AbortController()
    if (this.#aborted) this.#controller.abort()
    return this.#controller.signal
  }

  abort(): void {
    this.#aborted = true
    this.#controller?.abort()
  }
}

const isThenable = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === "object" && value !== null && "then" in value && typeof value.then === "function"

const fromPromise = (name: string, promise: PromiseLike<unknown>): Effect.Effect<StepResult, StepError> =>
  Effect.callback((resume) => {
    promise.then((value) => resume(answer(value)), (error: unknown) => resume(thrown(name, error)))
  })

const fromEffect = (name: string, effect: Effect.Effect<unknown, unknown>): Effect.Effect<StepResult, StepError> =>
  Effect.matchCauseEffect(effect, {
    onSuccess: answer,
    onFailure: (cause) => Cause.hasInterruptsOnly(cause) ? Effect.interrupt : thrown(name, Cause.squash(cause))
  })

/** The handler may keep what it returned: the step's output is a copy. */
const answer = (returned: unknown): Effect.Effect<StepResult, StepError> => {
  if (returned instanceof Asking) return Effect.succeed({ output: null, asks: { question: returned.question } })
  const output = AttemptOutput.copy(returned)
  return Result.isSuccess(output) ? Effect.succeed({ output: output.success }) : Effect.fail<StepError>({
    code: "OUTPUT_INVALID",
    kind: "validation",
    message: `The function's result is no JSON within bounds: ${output.failure}`,
    retryable: false
  })
}

const thrown = (name: string, error: unknown): Effect.Effect<never, StepError> => {
  const failure = Effect.fail(stepError(name, error))
  return error instanceof Error
    ? Effect.andThen(Effect.logDebug(`The function ${name} failed`, error.stack), failure)
    : failure
}

const stepError = (name: string, error: unknown): StepError => {
  const code = member(error, "code")
  const retryable = member(error, "retryable") !== false
  return {
    code: typeof code === "string" && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : "FUNCTION_FAILED",
    kind: "internal",
    message: messageOf(error) ?? `The function ${name} failed without a message.`,
    retryable,
    ...(member(error, "sent") === false ? { sent: false } : undefined)
  }
}

const messageOf = (error: unknown): string | undefined => {
  const message = typeof error === "string" ? error : member(error, "message")
  return typeof message === "string" && message !== "" ? message : undefined
}

/** What was thrown may be anything, even an object whose members throw. */
const member = (value: unknown, name: string): Json | undefined => {
  if (typeof value !== "object" || value === null) return undefined
  const read = Result.try(() => (value as { readonly [name: string]: Json | undefined })[name])
  return Result.isSuccess(read) ? read.success : undefined
}
