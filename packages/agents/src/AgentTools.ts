/**
 * Definitions that list tools, and what serves them.
 *
 * A tool that nobody registered is refused before any model is asked, so that a slip in a flow costs nothing.
 */
import { AgentError } from "@baton/engine/Agents"
import * as Effect from "effect/Effect"
import type { DefinitionCall } from "./AgentRegistry.ts"
import * as NearestName from "./NearestName.ts"

/** Runs agents that have tools: a loop of model turns and tool calls. */
export interface ToolLoop {
  /** The tools that definitions may list. */
  readonly names: ReadonlyArray<string>
  readonly call: DefinitionCall
}

/** Fails with `configuration` at the first name that is not registered. */
export const requireKnown = (
  names: ReadonlyArray<string>,
  known: ReadonlyArray<string>
): Effect.Effect<void, AgentError> => {
  const unknown = names.find((name) => !known.includes(name))
  if (unknown === undefined) return Effect.void
  const hint = known.length === 0 ? " No tools are registered." : NearestName.hint(unknown, known)
  return Effect.fail(
    new AgentError({
      reason: "configuration",
      message: `No tool is named "${unknown}".${hint}`,
      retryable: false,
      sent: false
    })
  )
}
