/**
 * Functions of the handlers module as tools of agents, under the names they are exported by.
 *
 * What a model must know of a function stands on the function itself: `description`, `inputSchema` (JSON Schema of an
 * object) and `effect`. A function that says nothing takes any object and counts as idempotent (SEMANTICS 8.11a).
 */
import { type AgentTool, namePattern, type ToolContext, ToolError } from "@baton/engine/AgentTool"
import * as AttemptOutput from "@baton/engine/AttemptOutput"
import * as PlanPatching from "@baton/engine/PlanPatching"
import type { JsonObject } from "@baton/kernel/Value"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type { FunctionContext, FunctionHandler, HandlerSet } from "./FunctionHandlers.ts"
import { Asking } from "./FunctionHandlers.ts"
import * as FunctionPatch from "./FunctionPatch.ts"

export const make = (set: HandlerSet): ReadonlyArray<AgentTool> =>
  [...set.handlers].filter(([name]) => namePattern.test(name)).map(([name, handler]) => ({
    name,
    description: handler.description ?? `The function ${name}.`,
    inputSchema: handler.inputSchema ?? { type: "object" },
    effect: handler.effect ?? "idempotent",
    version: set.version,
    execute: (input, context) => execute(name, handler, input, context)
  }))

const execute = (
  name: string,
  handler: FunctionHandler,
  input: JsonObject,
  context: ToolContext
): ReturnType<AgentTool["execute"]> =>
  Effect.withFiber((fiber) => {
    const controller = new AbortController()
    const fork = (effect: Effect.Effect<void>): void => void Effect.runForkWith(fiber.context)(effect)
    const call: FunctionContext = {
      run: context.run,
      path: context.path,
      attempt: context.attempt,
      key: context.key,
      signal: controller.signal,
      log: (line) => fork(context.log(String(line))),
      patch: FunctionPatch.make(() => context.key, (request) => patch(context, request), fork),
      ask: (question) => new Asking(question),
      // What people answer to a tool is the result of its call: the function is not asked again.
      answers: () => Promise.resolve([])
    }
    const own = Result.getOrElse(AttemptOutput.copy(input), () => null)
    return Effect.onInterrupt(answered(name, handler, () => handler(own, call)), () =>
      Effect.sync(() => controller.abort()))
  })

const patch = ({ attempt, command, path, state }: ToolContext, request: PlanPatching.PatchRequest) =>
  Effect.flatMap(Clock.Clock, (clock) =>
    command === undefined
      ? Effect.succeed(PlanPatching.gone)
      : PlanPatching.propose(
        { command, state, now: () => clock.currentTimeMillisUnsafe() },
        { path, attempt },
        request
      ))

const answered = (name: string, handler: FunctionHandler, invoke: () => unknown): ReturnType<AgentTool["execute"]> =>
  Effect.suspend(() => {
    const returned = invoke()
    if (Effect.isEffect(returned)) return returned as Effect.Effect<unknown, unknown>
    return Effect.tryPromise({ try: () => Promise.resolve(returned), catch: (error) => error })
  }).pipe(
    Effect.matchCauseEffect({
      onSuccess: (value): ReturnType<AgentTool["execute"]> => {
        if (value instanceof Asking) return Effect.succeed({ asks: value.question })
        const output = AttemptOutput.copy(value)
        return Result.isSuccess(output) ? Effect.succeed({ output: output.success }) : Effect.fail(
          new ToolError({ outcome: "failed", code: "OUTPUT_INVALID", message: `${name}: ${output.failure}` })
        )
      },
      onFailure: (cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.interrupt : Effect.fail(toolError(name, handler, Cause.squash(cause)))
    })
  )

/**
 * As for a step: only an error that says `sent: false` proves that nothing was done. Where repetition does no harm,
 * `retryable: false` is enough to let the model know at once.
 */
const toolError = (name: string, { effect }: FunctionHandler, error: unknown): ToolError => {
  const { code, message, retryable, sent } = facts(error)
  const final = retryable === false && effect !== "irreversible" && effect !== "keyed"
  return new ToolError({
    outcome: sent === false || final ? "failed" : "unknown",
    code: typeof code === "string" && /^[A-Z][A-Z0-9_]{0,63}$/.test(code) ? code : "FUNCTION_FAILED",
    message: typeof message === "string" && message !== "" ? message : `The function ${name} failed.`
  })
}

interface Facts {
  readonly code?: unknown
  readonly message?: unknown
  readonly retryable?: unknown
  readonly sent?: unknown
}

/** What was thrown may be anything, even an object whose members throw. */
const facts = (error: unknown): Facts => {
  if (typeof error === "string") return { message: error }
  if (typeof error !== "object" || error === null) return {}
  const read = Result.try(() => {
    const { code, message, retryable, sent } = error as { readonly [name: string]: unknown }
    return { code, message, retryable, sent }
  })
  return Result.isSuccess(read) ? read.success : {}
}
