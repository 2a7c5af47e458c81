/**
 * Functions that `function` steps call by name: registered by the host program, or exported by a handlers module.
 *
 * A handler is trusted code of the operator, run in this process. It gets plain JSON that is its own to change, and
 * answers with JSON, a promise of it, or an Effect.
 */
import type { PatchAnswer } from "@baton/engine/PlanPatching"
import { worst } from "@baton/kernel/CompileEffect"
import * as Flow from "@baton/kernel/Flow"
import type { Work } from "@baton/kernel/Plan"
import { idPattern } from "@baton/kernel/StepPath"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

export interface FunctionContext {
  readonly run: string
  readonly path: string
  readonly attempt: number
  /** Stable over redeliveries and automatic retries: hand it on wherever an idempotency key is taken. */
  readonly key: string
  /** Aborted when the attempt is cancelled or out of time. */
  readonly signal: AbortSignal
  /** One line of the step's log (`baton runs logs`). */
  readonly log: (line: string) => void
  /**
   * Changes the plan of this run, where the flow's policy lets the node (`policy.patches.by`). The answer is
   * durable, and stays when the attempt fails; a repeated attempt that does the same again is told what became of it.
   */
  readonly patch: (
    operations: Json,
    options?: { readonly base?: number; readonly reason?: string }
  ) => Promise<PatchAnswer>
  /**
   * Returned by a handler, it ends the attempt with a question to a person: a text, or `{question, options?, form?,
   * approvers?, timeout?, onTimeout?}`. The function is called again once there is an answer.
   */
  readonly ask: (question: Json) => Asking
  /** What people have answered to this step's questions, oldest first. */
  readonly answers: () => Promise<ReadonlyArray<{ readonly answer: Json; readonly by: string | undefined }>>
}

/** What `ask` gives. */
export class Asking {
  readonly question: Json
  constructor(question: Json) {
    this.question = question
  }
}

/**
 * An operator's function says itself what it takes; what it gives is checked. The members are for agents that list it as a
 * tool: what it does, JSON Schema of its input (an object's), and what repeating it would do to the world.
 */
export interface FunctionHandler {
  (input: Json, context: FunctionContext): unknown | Promise<unknown> | Effect.Effect<unknown, unknown>
  readonly description?: string
  readonly inputSchema?: JsonObject
  readonly effect?: Flow.Effect
}

/**
 * The effect that a function says it has, where its node says nothing and so would be taken for less: a function that cannot
 * be taken back must not be repeated because a node forgot to say so. What a node says counts (SEMANTICS 8.11a).
 */
export const undeclaredEffectOf = (
  { effect }: FunctionHandler,
  { definition, effect: taken }: Pick<Work, "definition" | "effect">
): Flow.Effect | undefined =>
  effect !== undefined && definition.effect === undefined && worst([effect, taken]) !== taken ? effect : undefined

export interface HandlerSet {
  readonly handlers: ReadonlyMap<string, FunctionHandler>
  /** Changes when the handlers' behaviour may change; results of unversioned functions are never reused. */
  readonly version: string | undefined
}

/** A handlers module that cannot be used; one line per problem. */
export class HandlersError extends Schema.TaggedError<HandlersError>()("HandlersError", {
  problems: Schema.Array(Schema.String)
}) {
  override get message() {
    return `The handlers module cannot be used: ${this.problems.join("; ")}.`
  }
}

export class FunctionHandlers extends Context.Service<FunctionHandlers, HandlerSet>()(
  "baton/steps/FunctionHandlers"
) {
  static readonly layer = (set: HandlerSet) => Layer.succeed(FunctionHandlers, set)
  /** For programs that serve no functions. */
  static readonly layerNone = Layer.succeed(FunctionHandlers, { handlers: new Map(), version: undefined })
}

/** Handlers by name, as a host program registers them. */
export const fromRecord = (
  functions: { readonly [name: string]: FunctionHandler },
  version?: string
): Result.Result<HandlerSet, HandlersError> => fromModule(version === undefined ? functions : { ...functions, version })

/**
 * Checks what a handlers module exports: functions under valid names and, as `version`, a text. A module that has only a
 * default export exports the members of that object.
 */
export const fromModule = (
  exports: { readonly [name: string]: unknown }
): Result.Result<HandlerSet, HandlersError> => {
  const handlers = new Map<string, FunctionHandler>()
  const problems: Array<string> = []
  let version: string | undefined
  for (const [name, exported] of members(exports)) {
    if (name === "version") {
      if (typeof exported === "string" && exported !== "") version = exported
      else problems.push("version must be a text that is not empty")
    } else if (!idPattern.test(name)) {
      problems.push(`${JSON.stringify(name.slice(0, 80))} is no valid function name`)
    } else if (typeof exported !== "function") {
      problems.push(`${name} is no function`)
    } else {
      problems.push(...toolProblems(name, exported))
      handlers.set(name, exported as FunctionHandler)
    }
  }
  if (problems.length > 0) return Result.fail(new HandlersError({ problems }))
  if (handlers.size === 0) return Result.fail(new HandlersError({ problems: ["it exports no functions"] }))
  return Result.succeed({ handlers, version })
}

const isEffect = Schema.is(Flow.Effect)

/** What a function says of itself as a tool. */
const toolProblems = (name: string, exported: object): ReadonlyArray<string> => {
  const { description, effect, inputSchema } = exported as { readonly [name: string]: unknown }
  return [
    ...(description === undefined || typeof description === "string" ? [] : [`${name}.description must be a text`]),
    ...(effect === undefined || isEffect(effect)
      ? []
      : [`${name}.effect must be pure, idempotent, keyed or irreversible`]),
    ...(inputSchema === undefined || (typeof inputSchema === "object" && inputSchema !== null)
      ? []
      : [`${name}.inputSchema must be a JSON Schema`])
  ]
}

/** Node adds `default` and `module.exports` to the exports of a CommonJS module. */
const members = (exports: { readonly [name: string]: unknown }): ReadonlyArray<[string, unknown]> => {
  const named = Object.entries(exports).filter(([name]) =>
    name !== "default" && name !== "module.exports" && name !== "__esModule"
  )
  const whole = exports["default"]
  if (typeof whole === "function") return [...named, ["", whole]]
  if (named.length > 0 || typeof whole !== "object" || whole === null) return named
  return Object.entries(whole)
}
