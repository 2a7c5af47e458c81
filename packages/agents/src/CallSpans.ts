/**
 * Spans of what an agent does, by the names of OpenTelemetry's conventions for generative AI (semantic-conventions-genai,
 * in development): `invoke_agent {name}`, `chat {model}`, `execute_tool {name}`. What is said is in none of them.
 */
import type { AgentCall } from "@baton/engine/Agents"
import type { Usage } from "@baton/kernel/Usage"
import * as Effect from "effect/Effect"
import type { OpenModel } from "./model/ModelRegistry.ts"

/** Where the span was begun in the code tells an operator nothing. */
const plain = { captureStackTrace: false } as const

export const agent = <A extends { readonly usage?: Usage | undefined }, E, R>(
  effect: Effect.Effect<A, E, R>,
  { name, run }: AgentCall
): Effect.Effect<A, E, R> =>
  effect.pipe(
    Effect.tap(({ usage }) => usage === undefined ? Effect.void : Effect.annotateCurrentSpan(usageOf(usage))),
    Effect.withSpan(`invoke_agent ${name}`, {
      ...plain,
      attributes: {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.agent.name": name,
        "gen_ai.conversation.id": run
      }
    })
  )

export const chat = <A extends { readonly usage: Usage; readonly finishReason: string }, E, R>(
  { model, provider }: OpenModel,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  effect.pipe(
    Effect.tap(({ finishReason, usage }) =>
      Effect.annotateCurrentSpan({ ...usageOf(usage), "gen_ai.response.finish_reasons": [finishReason] })
    ),
    Effect.withSpan(`chat ${model}`, {
      ...plain,
      kind: "client",
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": model
      }
    })
  )

export const tool = <A extends { readonly failed: boolean } | { readonly asks: unknown }, E, R>(
  name: string,
  id: string,
  effect: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> =>
  effect.pipe(
    Effect.tap((outcome) =>
      "failed" in outcome && outcome.failed ? Effect.annotateCurrentSpan("error.type", "tool_error") : Effect.void
    ),
    Effect.withSpan(`execute_tool ${name}`, {
      ...plain,
      attributes: {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": id,
        "gen_ai.tool.type": "function"
      }
    })
  )

const usageOf = (usage: Usage): { readonly [name: string]: unknown } => ({
  ...(usage.inputTokens === undefined ? {} : { "gen_ai.usage.input_tokens": usage.inputTokens }),
  ...(usage.outputTokens === undefined ? {} : { "gen_ai.usage.output_tokens": usage.outputTokens })
})
