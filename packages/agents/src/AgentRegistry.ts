/**
 * The `Agents` port over several sources.
 *
 *   - A name is served by the first source that knows it; no source shadows another silently within itself (a name given
 *     twice to `named` is a defect).
 *   - A definition with `use` is the registered agent of that name; its other fields only supply what the call lacks.
 *   - A definition with `instructions` goes to the model agents.
 *   - A name nobody serves fails with `unknown_agent` and the nearest names.
 */
import {
  type AgentAnswer,
  type AgentCall,
  AgentError,
  type AgentFacts,
  type AgentInfo,
  Agents
} from "@baton/engine/Agents"
import type * as Flow from "@baton/kernel/Flow"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as CallSpans from "./CallSpans.ts"
import * as NearestName from "./NearestName.ts"
import type { NamedAgent } from "./research/NamedAgent.ts"

/** Where agents come from. `call` is asked only for names that `find` knows. */
export interface AgentSource {
  readonly find: (name: string) => Effect.Effect<AgentInfo | undefined>
  readonly list: Effect.Effect<ReadonlyArray<AgentInfo>>
  readonly call: (call: AgentCall) => Effect.Effect<AgentAnswer, AgentError>
}

/** What serves a definition written in a flow. */
export type DefinitionCall = (
  definition: Flow.AgentDefinition,
  call: AgentCall
) => Effect.Effect<AgentAnswer, AgentError>

export interface RegistryOptions {
  /** In order of precedence. */
  readonly sources: ReadonlyArray<AgentSource>
  /** Serves definitions with `instructions`. */
  readonly define: DefinitionCall
  /** What answers of such a definition depend on. */
  readonly describe?: (definition: Flow.AgentDefinition) => AgentFacts
}

/** A source of agents known when the program is wired. */
export const named = (agents: ReadonlyArray<NamedAgent>): AgentSource => {
  const byName = new Map<string, NamedAgent>()
  for (const agent of agents) {
    if (byName.has(agent.info.name)) throw new Error(`Two agents are named "${agent.info.name}".`)
    byName.set(agent.info.name, agent)
  }
  return {
    find: (name) => Effect.succeed(byName.get(name)?.info),
    list: Effect.succeed(agents.map((agent) => agent.info)),
    call: (call) => {
      const agent = typeof call.agent === "string" ? byName.get(call.agent) : undefined
      return agent === undefined ? unknownAgent(nameOf(call), byName.keys()) : agent.call(call)
    }
  }
}

export const make = (options: RegistryOptions): Agents["Service"] => {
  const list = Effect.map(
    Effect.all(options.sources.map((source) => source.list)),
    (lists) => [...new Map(lists.flat().toReversed().map((info) => [info.name, info])).values()].toReversed()
  )
  const sourceOf = Effect.fnUntraced(function*(name: string) {
    for (const source of options.sources) {
      const info = yield* source.find(name)
      if (info !== undefined) return { source, info }
    }
    return undefined
  })
  const callNamed = Effect.fnUntraced(function*(name: string, call: AgentCall) {
    const found = yield* sourceOf(name)
    if (found !== undefined) return yield* found.source.call({ ...call, agent: name })
    return yield* unknownAgent(name, (yield* list).map((info) => info.name))
  })
  return Agents.of({
    call: Effect.fnUntraced(function*(call: AgentCall) {
      const { agent } = call
      if (typeof agent === "string") return yield* callNamed(agent, call)
      const schema = call.outputSchema ?? agent.outputSchema
      const complete = schema === undefined ? call : { ...call, outputSchema: schema }
      if (agent.use !== undefined) return yield* callNamed(agent.use, complete)
      if (agent.instructions !== undefined) return yield* options.define(agent, complete)
      return yield* new AgentError({
        reason: "configuration",
        message: `Agent "${call.name}" has neither "use" nor "instructions". Give it one of them.`,
        retryable: false,
        sent: false
      })
    }, CallSpans.agent),
    find: (name) => Effect.map(sourceOf(name), (found) => found?.info),
    describe: (agent) => {
      const name = typeof agent === "string" ? agent : agent.use
      if (name !== undefined) return Effect.map(sourceOf(name), (found) => factsOf(found?.info))
      return Effect.succeed(typeof agent === "string" ? undefined : options.describe?.(agent))
    },
    list
  })
}

const factsOf = (info: AgentInfo | undefined): AgentFacts | undefined =>
  info?.unversioned === undefined ? info : { ...info, version: undefined }

export const layer = (options: RegistryOptions): Layer.Layer<Agents> => Layer.succeed(Agents, make(options))

const nameOf = (call: AgentCall): string => typeof call.agent === "string" ? call.agent : call.agent.use ?? call.name

const unknownAgent = (name: string, known: Iterable<string>) =>
  Effect.fail(
    new AgentError({
      reason: "unknown_agent",
      message: `No agent is named "${name}".${NearestName.hint(name, known)}`,
      retryable: false,
      sent: false
    })
  )
