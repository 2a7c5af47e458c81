/**
 * The conversation of an agent with its model and its tools, turn by turn, up to an answer.
 *
 * Each turn is recorded before anything it asks for is done, and each result before the next turn is asked for. A
 * conversation that broke off begins with what was recorded: it is paid for, and is asked for no second time.
 */
import type { AgentConversation, CallResult, Turn } from "@baton/engine/AgentConversation"
import * as Conversations from "@baton/engine/AgentConversation"
import { type AgentCall, AgentError } from "@baton/engine/Agents"
import type { AgentTool } from "@baton/engine/AgentTool"
import * as CanonicalJson from "@baton/engine/CanonicalJson"
import type { Usage } from "@baton/kernel/Usage"
import type { Json } from "@baton/kernel/Value"
import * as Prompt from "effect/ai/Prompt"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import { LoopLimits } from "./LoopLimits.ts"
import type * as ModelNotes from "./model/ModelNotes.ts"
import type { OpenModel } from "./model/ModelRegistry.ts"
import { ModelSettings } from "./model/ModelSettings.ts"
import * as TokenUsage from "./model/TokenUsage.ts"
import * as ModelAnswer from "./ModelAnswer.ts"
import * as JsonHygiene from "./output/JsonHygiene.ts"
import type { Question } from "./ToolCalls.ts"
import * as ToolCalls from "./ToolCalls.ts"

export interface Talk {
  readonly call: AgentCall
  readonly model: OpenModel
  readonly prompt: Prompt.Prompt
  readonly tools: ReadonlyMap<string, AgentTool>
  readonly settings: Context.Service.Shape<typeof ModelSettings>
  /** Judges an answer that calls no tool: what to say to the model about it, or nothing when it is accepted. */
  readonly judge: (text: string, finishReason: string) => Effect.Effect<Judgement, AgentError>
}

export type Judgement =
  | { readonly _tag: "Accepted"; readonly output: Json; readonly warnings: ReadonlyArray<ModelNotes.Warning> }
  | { readonly _tag: "Refused"; readonly problems: ReadonlyArray<string>; readonly words: string | undefined }

export interface Ended {
  /** The question to a person, where the conversation waits for one. */
  readonly asks: Question | undefined
  readonly output: Json
  readonly warnings: ReadonlyArray<ModelNotes.Warning>
  /** What nothing recorded tells. */
  readonly usage: Usage | undefined
}

/** Characters of a wrong answer that are shown to the model again. */
const shownMax = 64 * 1024

interface Progress {
  prompt: Prompt.Prompt
  /** Calls made so far. */
  calls: number
  readonly usages: Array<Usage>
  readonly warnings: Array<ModelNotes.Warning>
}

export const run = Effect.fnUntraced(function*(talk: Talk) {
  const { call } = talk
  const conversation = call.conversation ?? Conversations.unrecorded(call.run, call.path, 0)
  const { turnsMax } = yield* LoopLimits
  const recorded = yield* conversation.turns
  const progress: Progress = { prompt: talk.prompt, calls: 0, usages: [], warnings: [] }
  if (recorded.length > 0) yield* call.log(`${call.name}: the conversation goes on behind turn ${recorded.length}`)
  for (let number = 1; number <= turnsMax; number++) {
    const turn = recorded[number - 1] ?? (yield* ask(talk, conversation, progress, number === turnsMax))
    progress.warnings.push(...turn.warnings)
    if (turn.calls.length > 0) {
      const asks = yield* answerCalls(talk, conversation, progress, turn, number)
      if (asks !== undefined) return ended(progress, null, [], asks)
      continue
    }
    const judged = yield* talk.judge(turn.text, turn.finishReason).pipe(
      Effect.mapError((error) => withUsage(error, progress.usages))
    )
    if (judged._tag === "Accepted") return ended(progress, judged.output, judged.warnings)
    yield* call.log(`turn ${number} of ${call.name} does not conform: ${judged.problems.join("; ")}`)
    if (judged.words === undefined) return yield* invalid(call, judged.problems, progress.usages)
    add(progress, Prompt.assistantMessage({ content: [textPart(turn.text.slice(0, shownMax) || "(nothing)")] }))
    add(progress, Prompt.userMessage({ content: [textPart(judged.words)] }))
  }
  return yield* exhausted(call, turnsMax, progress.usages)
})

const textPart = (text: string) => Prompt.textPart({ text })

const add = (progress: Progress, message: Prompt.Message): void => {
  progress.prompt = Prompt.fromMessages([...progress.prompt.content, message])
}

const ended = (
  { usages, warnings }: Progress,
  output: Json,
  more: ReadonlyArray<ModelNotes.Warning>,
  asks?: Question
): Ended => ({ asks, output, warnings: [...warnings, ...more], usage: TokenUsage.total(usages) })

/** Asks the model for the next turn and records it. The last turn there may be is asked for without tools. */
const ask = Effect.fnUntraced(
  function*(talk: Talk, conversation: AgentConversation, progress: Progress, last: boolean) {
    const { call, model, settings, tools } = talk
    const offered = last ? [] : [...tools.values()]
    const request = CanonicalJson.address(CanonicalJson.text({
      model: model.reference,
      messages: progress.prompt.content,
      tools: offered.map(({ description, inputSchema, name }) => ({ name, description, inputSchema })),
      settings
    }))
    const answer = yield* ModelAnswer.ask(model, progress.prompt, call.emit, offered).pipe(
      Effect.provideService(ModelSettings, settings),
      Effect.mapError((error) => withUsage(error, progress.usages))
    )
    const { repairs, text } = JsonHygiene.cleanText(answer.text)
    const turn: Turn = {
      schema: "baton.turn/1",
      model: `${model.provider}/${model.model}`,
      request,
      text,
      finishReason: answer.finishReason,
      calls: answer.calls.map(({ id, name, params }) => ({ id, name, params: JsonHygiene.clean(params).value })),
      usage: answer.usage,
      warnings: [...answer.warnings, ...repairs.map((message) => ({ code: "output_cleaned", message }))]
    }
    yield* conversation.record(turn)
    if (!conversation.settlesUsage) progress.usages.push(answer.usage)
    return turn
  }
)

/** Makes the calls of a turn in their order and adds their results; the question, where one of them waits for a person. */
const answerCalls = Effect.fnUntraced(
  function*(talk: Talk, conversation: AgentConversation, progress: Progress, turn: Turn, number: number) {
    const { call, tools } = talk
    const { callsPerTurnMax, resultLengthMax } = yield* LoopLimits
    const caller: ToolCalls.Caller = { call, conversation, tools, spend: (usage) => progress.usages.push(usage) }
    const results: Array<Prompt.ToolResultPart> = []
    for (const [index, asked] of turn.calls.entries()) {
      const ordinal = ++progress.calls
      const outcome = index >= callsPerTurnMax
        ? tooMany(callsPerTurnMax)
        : yield* ToolCalls.make(caller, asked, number, ordinal).pipe(
          Effect.mapError((error) => withUsage(error, progress.usages))
        )
      if ("asks" in outcome) return outcome.asks
      results.push(resultPart(asked, outcome, resultLengthMax))
    }
    add(
      progress,
      Prompt.assistantMessage({
        content: [
          ...(turn.text === "" ? [] : [textPart(turn.text)]),
          ...turn.calls.map(({ id, name, params }) =>
            Prompt.toolCallPart({ id, name, params, providerExecuted: false })
          )
        ]
      })
    )
    add(progress, Prompt.toolMessage({ content: results }))
    return undefined
  }
)

const tooMany = (most: number): CallResult => ({
  output: { error: { code: "CALLS_MAX", message: `One turn may call at most ${most} tools.` } },
  failed: true
})

const resultPart = (
  { id, name }: Turn["calls"][number],
  { failed, output }: CallResult,
  most: number
): Prompt.ToolResultPart => {
  const text = typeof output === "string" ? output : JSON.stringify(output)
  const result = text.length <= most ? output : `${text.slice(0, most)}… (cut: ${text.length} characters)`
  return Prompt.toolResultPart({ id, name, isFailure: failed, result, providerExecuted: false })
}

const invalid = (call: AgentCall, problems: ReadonlyArray<string>, usages: ReadonlyArray<Usage>) =>
  Effect.fail(withUsage(
    new AgentError({
      reason: "validation",
      message: `The answer of "${call.name}" does not conform to its schema: ${problems.slice(0, 3).join("; ")}`,
      retryable: true,
      sent: true,
      problems
    }),
    usages
  ))

const exhausted = (call: AgentCall, turns: number, usages: ReadonlyArray<Usage>) =>
  Effect.fail(withUsage(
    new AgentError({
      reason: "refused",
      code: "TURNS_EXHAUSTED",
      message: `"${call.name}" has not come to an answer in ${turns} turns.`,
      retryable: false,
      sent: true
    }),
    usages
  ))

/** What was used before the failure is paid. */
const withUsage = (error: AgentError, usages: ReadonlyArray<Usage>): AgentError => {
  const usage = TokenUsage.total(usages)
  if (usage === undefined) return error
  const { code, message, problems, reason, retryAfterMs, retryable, status } = error
  return new AgentError({
    reason,
    message,
    retryable,
    sent: true,
    usage: { ...usage },
    ...(code === undefined ? {} : { code }),
    ...(status === undefined ? {} : { status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(problems === undefined ? {} : { problems })
  })
}
