/**
 * One tool call of a conversation: checked, announced where it cannot be taken back, made, recorded (SEMANTICS 8.11).
 *
 * A result that is recorded under the call's key is given as it is. Where nobody knows whether a call happened, it is made
 * again under the same key if that does no harm; an irreversible one fails the attempt, which parks the step.
 */
import type { AgentConversation, CallResult, ToolCall, Turn } from "@baton/engine/AgentConversation"
import { type AgentCall, AgentError } from "@baton/engine/Agents"
import { type AgentTool, type ToolAnswer, ToolError } from "@baton/engine/AgentTool"
import * as AttemptOutput from "@baton/engine/AttemptOutput"
import type { Usage } from "@baton/kernel/Usage"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as CallSpans from "./CallSpans.ts"
import { LoopLimits } from "./LoopLimits.ts"
import * as NearestName from "./NearestName.ts"

type Asked = Turn["calls"][number]

export interface Question {
  readonly key: string
  readonly tool: string
  readonly ordinal: number
  readonly question: Json
}

export type Outcome = CallResult | { readonly asks: Question }

export interface Caller {
  readonly call: AgentCall
  readonly conversation: AgentConversation
  readonly tools: ReadonlyMap<string, AgentTool>
  readonly spend: (usage: Usage) => void
}

/** `turn` and `ordinal` count from 1 over the whole conversation. */
export const make = Effect.fnUntraced(function*(caller: Caller, asked: Asked, turn: number, ordinal: number) {
  const { call, conversation, tools } = caller
  const tool = tools.get(asked.name)
  if (tool === undefined) {
    return refused("TOOL_UNKNOWN", `There is no tool ${asked.name}.${NearestName.hint(asked.name, [...tools.keys()])}`)
  }
  const problems = AttemptOutput.schemaProblems(tool.inputSchema, asked.params)
  if (problems.length > 0 || !isObject(asked.params)) {
    return refused("ARGUMENTS_INVALID", `The arguments of ${tool.name} do not fit its schema.`, [...problems])
  }
  const key = conversation.key(tool.name, ordinal, asked.params)
  const known = yield* conversation.result(key)
  if (known !== undefined) {
    yield* call.log(`${tool.name}: the recorded result of call ${ordinal} is used`)
    return known
  }
  const performed = perform(caller, tool, { key, tool: tool.name, ordinal }, asked.params, turn)
  return yield* CallSpans.tool(tool.name, asked.id, performed)
})

const isObject = (params: Json): params is JsonObject =>
  typeof params === "object" && params !== null && !Array.isArray(params)

const perform = Effect.fnUntraced(
  function*(caller: Caller, tool: AgentTool, made: ToolCall, input: JsonObject, turn: number) {
    const { call, conversation } = caller
    yield* call.emit({ type: "agent.tool.started", tool: tool.name, input })
    if (tool.effect === "irreversible") yield* conversation.begin(made)
    const answered = yield* Effect.result(tries(tool, execute(caller, tool, made, input, turn)))
    if (answered._tag === "Failure" && answered.failure.outcome === "unknown" && !mayFail(tool)) {
      return yield* unknown(tool, answered.failure)
    }
    if (answered._tag === "Success" && "asks" in answered.success) {
      const outcome: Outcome = { asks: { ...made, question: answered.success.asks } }
      return outcome
    }
    const result = answered._tag === "Failure"
      ? failureOf(answered.failure)
      : "output" in answered.success
      ? resultOf(answered.success, caller)
      : refused("RESULT_INVALID", "The tool answered nothing.")
    yield* conversation.end(made, result)
    yield* call.emit({ type: "agent.tool.completed", tool: tool.name, output: result.output })
    return result
  }
)

/** Whether not knowing is an answer that the model may go on with. */
const mayFail = (tool: AgentTool): boolean => tool.effect === "pure" || tool.effect === "idempotent"

const execute = (
  { call, conversation }: Caller,
  tool: AgentTool,
  { key, ordinal }: ToolCall,
  input: JsonObject,
  turn: number
): Effect.Effect<ToolAnswer, ToolError> =>
  Effect.flatMap(LoopLimits, ({ toolTimeout }) =>
    Effect.suspend(() =>
      tool.execute(input, {
        tenant: call.tenant,
        run: call.run,
        path: call.path,
        attempt: call.attempt,
        agent: call.name,
        turn,
        ordinal,
        key,
        log: call.log,
        command: conversation.command,
        state: conversation.state
      })
    ).pipe(
      Effect.timeoutOrElse({
        duration: toolTimeout,
        orElse: () =>
          Effect.fail(lost("TOOL_TIMEOUT", `${tool.name} took longer than ${Duration.format(toolTimeout)}.`))
      }),
      Effect.catchDefect((defect) =>
        Effect.fail(lost("TOOL_BROKE", `${tool.name} broke: ${defect instanceof Error ? defect.message : "no error"}`))
      )
    ))

const lost = (code: string, message: string): ToolError => new ToolError({ outcome: "unknown", code, message })

const tries = <A>(tool: AgentTool, once: Effect.Effect<A, ToolError>): Effect.Effect<A, ToolError> =>
  tool.effect === "irreversible" ?
    once :
    Effect.flatMap(LoopLimits, ({ toolRetryDelay, toolTriesMax }) =>
      Effect.retry(once, {
        while: (error) => error.outcome === "unknown",
        times: toolTriesMax - 1,
        schedule: Schedule.exponential(toolRetryDelay)
      }))

const unknown = (tool: AgentTool, { message }: ToolError) =>
  Effect.fail(
    new AgentError({
      reason: "api",
      code: "TOOL_OUTCOME_UNKNOWN",
      message: `Nobody knows whether ${tool.name} did what it was asked for: ${message}`,
      retryable: tool.effect === "keyed",
      sent: true
    })
  )

const resultOf = (answer: Extract<ToolAnswer, { readonly output: Json }>, caller: Caller): CallResult => {
  if (answer.usage !== undefined) caller.spend(answer.usage)
  const problem = AttemptOutput.problem(answer.output)
  return problem === undefined
    ? { output: answer.output, failed: false }
    : refused("RESULT_INVALID", `What the tool answered is no JSON within bounds: ${problem}`)
}

const failureOf = ({ code, detail, message }: ToolError): CallResult => refused(code, message, detail)

const refused = (code: string, message: string, detail?: Json): CallResult => ({
  output: { error: { code, message, ...(detail === undefined ? {} : { detail }) } },
  failed: true
})
