/**
 * One answer of a model, asked for as a stream: text as it comes, then what it used and why it ended.
 */
import { AgentError, type AgentStreamEvent } from "@baton/engine/Agents"
import type { AgentTool } from "@baton/engine/AgentTool"
import type { Usage } from "@baton/kernel/Usage"
import type { Json, JsonObject } from "@baton/kernel/Value"
import type * as AiError from "effect/ai/AiError"
import type * as Prompt from "effect/ai/Prompt"
import type * as Response from "effect/ai/Response"
import * as Tool from "effect/ai/Tool"
import type * as Toolkit from "effect/ai/Toolkit"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as CallSpans from "./CallSpans.ts"
import * as ModelFailure from "./model/ModelFailure.ts"
import * as ModelNotes from "./model/ModelNotes.ts"
import type { OpenModel } from "./model/ModelRegistry.ts"
import { ModelSettings } from "./model/ModelSettings.ts"
import * as PaidCall from "./model/PaidCall.ts"
import * as Reasoning from "./model/Reasoning.ts"
import * as TokenUsage from "./model/TokenUsage.ts"

export interface ModelAnswer {
  readonly text: string
  /** Tools the model asks for, in its order. */
  readonly calls: ReadonlyArray<{ readonly id: string; readonly name: string; readonly params: Json }>
  readonly finishReason: typeof Response.FinishReason.Type
  readonly usage: Usage
  readonly warnings: ReadonlyArray<ModelNotes.Warning>
}

/** Streams one answer through `emit`, within the attempt's budget; reasoning is not part of it. */
export const ask = (
  model: OpenModel,
  prompt: Prompt.Prompt,
  emit: (event: AgentStreamEvent) => Effect.Effect<void>,
  tools: ReadonlyArray<AgentTool> = []
): Effect.Effect<ModelAnswer, AgentError> =>
  Effect.flatMap(ModelSettings, ({ output }) => {
    const shown = tools.map(({ description, inputSchema, name }) => ({ name, description, inputSchema }))
    const bound = () => PaidCall.inputTokens(prompt.content, shown, output?.schema)
    return CallSpans.chat(model, PaidCall.within(model.reference, bound, stream(model, prompt, emit, tools)))
  })

const stream = Effect.fnUntraced(function*(
  model: OpenModel,
  prompt: Prompt.Prompt,
  emit: (event: AgentStreamEvent) => Effect.Effect<void>,
  tools: ReadonlyArray<AgentTool>
) {
  let text = ""
  let finish: Response.FinishPart | undefined
  const failure: { error: AgentError | undefined } = { error: undefined }
  const calls: Array<ModelAnswer["calls"][number]> = []
  yield* model.service.streamText({
    prompt,
    toolkit: toolkitOf(tools),
    disableToolCallResolution: true,
    toolCallValidation: "deferred"
  }).pipe(
    Stream.runForEach((part) => {
      if (part.type === "text-delta") {
        text += part.delta
        return emit({ type: "agent.stream.chunk", text: part.delta })
      }
      if (part.type === "tool-call" && part.providerExecuted !== true) {
        calls.push({ id: part.id, name: part.name, params: part.params as Json })
      }
      if (part.type === "finish") finish = part
      if (part.type === "error") failure.error = brokenOff(part.error)
      return Effect.void
    }),
    Effect.mapError((error: AiError.AiError) => ModelFailure.toAgentError(error))
  )
  if (failure.error !== undefined) return yield* failure.error
  const end = finish as Response.FinishPart | undefined
  if (end === undefined) return yield* brokenOff("it ended without a reason")
  if (end.reason === "content-filter") return yield* filtered
  const notes = ModelNotes.fromMetadata(end.metadata)
  const answer: ModelAnswer = {
    text: Reasoning.split(text).text,
    calls,
    finishReason: end.reason,
    usage: yield* TokenUsage.toUsage(model.provider, model.model, end.usage, notes),
    warnings: notes.warnings ?? []
  }
  return answer
})

/** Tools as the provider is told of them; the loop makes the calls itself. */
const toolkitOf = (
  tools: ReadonlyArray<AgentTool>
): Toolkit.WithHandler<Record<string, ReturnType<typeof toolOf>>> => ({
  tools: Object.fromEntries(
    tools.map(({ description, inputSchema, name }) => [name, toolOf(name, description, inputSchema)])
  ),
  handle: () => Effect.die("tools are called by the loop")
})

const toolOf = (name: string, description: string, parameters: JsonObject) =>
  Tool.dynamic(name, { description, parameters })

const brokenOff = (why: unknown) =>
  new AgentError({
    reason: "api",
    message: `The model's answer broke off: ${typeof why === "string" ? why : "the provider reported an error"}.`,
    retryable: true,
    sent: true
  })

const filtered = new AgentError({
  reason: "api",
  message: "The provider's content filter stopped the answer.",
  retryable: false,
  sent: true
})
