/**
 * Definitions that list tools, and what they get.
 *
 * A tool that nobody registered is refused before any model is asked, so that a slip in a flow costs nothing.
 */
import { AgentError } from "@baton/engine/Agents"
import type { AgentTool } from "@baton/engine/AgentTool"
import type * as Flow from "@baton/kernel/Flow"
import * as Effect from "effect/Effect"
import * as NearestName from "./NearestName.ts"

/** The tools of these names; fails with `configuration` at the first one that is not registered. */
export const listed = (
  names: ReadonlyArray<string>,
  known: ReadonlyMap<string, AgentTool>
): Effect.Effect<ReadonlyMap<string, AgentTool>, AgentError> => {
  const found = new Map<string, AgentTool>()
  for (const name of names) {
    const tool = known.get(name)
    if (tool === undefined) return unregistered(name, [...known.keys()])
    found.set(name, tool)
  }
  return Effect.succeed(found)
}

const unregistered = (name: string, known: ReadonlyArray<string>) => {
  const hint = known.length === 0 ? " No tools are registered." : NearestName.hint(name, known)
  return Effect.fail(
    new AgentError({
      reason: "configuration",
      message: `No tool is named "${name}".${hint}`,
      retryable: false,
      sent: false
    })
  )
}

const order: ReadonlyArray<Flow.Effect> = ["pure", "idempotent", "keyed", "irreversible"]

/** The worst of several effects (SEMANTICS 8.11a); a model alone changes nothing in the world. */
export const worst = (effects: Iterable<Flow.Effect>): Flow.Effect => {
  let found = 0
  for (const effect of effects) found = Math.max(found, order.indexOf(effect))
  return order[found] ?? "irreversible"
}
