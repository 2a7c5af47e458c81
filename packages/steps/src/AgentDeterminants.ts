/** What determines the answer of an agent step besides its definition and input (SEMANTICS 8.11d). */
import type { AgentFacts, Agents } from "@baton/engine/Agents"
import type { Determinants } from "@baton/engine/StepType"
import type * as Flow from "@baton/kernel/Flow"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"

export interface Asked {
  readonly agent: string | Flow.AgentDefinition
  /** The node or agent name, for messages. */
  readonly name: string
  readonly model: string | undefined
}

const order: ReadonlyArray<Flow.Effect> = ["pure", "idempotent", "keyed", "irreversible"]

/** All agents of a list count: which of them will answer is not known before. */
export const make = (agents: Agents["Service"], asked: ReadonlyArray<Asked>): Effect.Effect<Determinants> =>
  Effect.map(
    Effect.forEach(asked, (one) => Effect.map(factsOf(agents, one), (facts) => ({ one, facts }))),
    (all): Determinants => {
      const known: Array<AgentFacts> = []
      for (const { facts, one } of all) {
        if (facts?.version === undefined) {
          return { unversioned: facts?.unversioned ?? `the agent ${one.name} has no version` }
        }
        known.push(facts)
      }
      return {
        effect: known.map(({ effect }) => effect).reduce(worse, "pure"),
        model: JSON.stringify(known.map(({ model }, index) => asked[index]?.model ?? model ?? null)),
        prompt: known.map(({ prompt }): Json => prompt ?? null),
        tools: known.map(({ tools }): Json => tools ?? null),
        version: JSON.stringify(known.map(({ version }) => version))
      }
    }
  )

const worse = (a: Flow.Effect, b: Flow.Effect): Flow.Effect => order.indexOf(b) > order.indexOf(a) ? b : a

const factsOf = (agents: Agents["Service"], { agent }: Asked): Effect.Effect<AgentFacts | undefined> =>
  agents.describe === undefined ? Effect.undefined : agents.describe(agent)
