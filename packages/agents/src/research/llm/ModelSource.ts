/**
 * The model-backed research agents as a source of a registry. `research/llm/planner` asks the default model;
 * `research/llm/planner@openai/gpt-4.1-mini` asks that one, so that the model stays with the run that was bound to it.
 * A flow that names the agent in a definition may give the model there.
 */
import type { AgentInfo } from "@baton/engine/Agents"
import * as Effect from "effect/Effect"
import type { AgentSource } from "../../AgentRegistry.ts"
import * as ModelFailure from "../../model/ModelFailure.ts"
import * as ModelNotes from "../../model/ModelNotes.ts"
import type { ModelRegistry, OpenModel } from "../../model/ModelRegistry.ts"
import * as TokenUsage from "../../model/TokenUsage.ts"
import type { Corpora } from "../corpus/Corpus.ts"
import * as LlmAgents from "./LlmAgents.ts"
import type { ResearchModel } from "./ModelCall.ts"

const pattern = /^(research\/llm\/(?:planner|researcher|writer))(?:@(.{1,512}))?$/

export const make = (corpora: Corpora, registry: ModelRegistry["Service"]): AgentSource => {
  const infoOf = (name: string): AgentInfo | undefined => {
    const parsed = pattern.exec(name)
    const known = LlmAgents.infos.find((info) => info.name === parsed?.[1])
    if (parsed === null || known === undefined) return undefined
    // Another model is another behaviour: a receipt of the one must not serve the other.
    const asks = parsed[2] === undefined ? {} : { model: parsed[2] }
    return { ...known, name, asks, version: `${known.version}:${parsed[2] ?? registry.defaultReference ?? ""}` }
  }
  return {
    find: (name) => Effect.succeed(infoOf(name)),
    list: Effect.succeed(LlmAgents.infos),
    call: Effect.fn("ModelSource.call")(function*(call) {
      const parsed = pattern.exec(typeof call.agent === "string" ? call.agent : "")
      const open = yield* registry.open(parsed?.[2] ?? call.model)
      const agent = LlmAgents.make(corpora, modelOf(open)).find(({ info }) => info.name === parsed?.[1])
      if (agent === undefined) return yield* Effect.die(new Error("asked for an agent that it does not know"))
      const answered = yield* agent.call(call)
      return { ...answered, agent: String(call.agent) }
    })
  }
}

const modelOf = ({ model, provider, reference, service }: OpenModel): ResearchModel => ({
  service,
  reference,
  name: `${provider}/${model}`,
  usage: (used, metadata) => TokenUsage.toUsage(provider, model, used, ModelNotes.fromMetadata(metadata)),
  failure: ModelFailure.toAgentError
})
