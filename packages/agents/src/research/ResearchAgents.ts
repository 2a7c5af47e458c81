/** The research agents as plain values, for a registry to put behind the `Agents` port. */
import * as Effect from "effect/Effect"
import * as ModelFailure from "../model/ModelFailure.ts"
import type { ModelRegistry, OpenModel } from "../model/ModelRegistry.ts"
import * as TokenUsage from "../model/TokenUsage.ts"
import * as Corpus from "./corpus/Corpus.ts"
import * as ExtractiveAgents from "./extractive/ExtractiveAgents.ts"
import * as LlmAgents from "./llm/LlmAgents.ts"
import type { ModelOf, ResearchModel } from "./llm/ModelCall.ts"
import type { NamedAgent } from "./NamedAgent.ts"
import type { ResearchConfig } from "./ResearchConfig.ts"

/** Both engines over one corpus; without a model the extractive one only. */
export const make = (config: ResearchConfig, model?: ResearchModel): ReadonlyArray<NamedAgent> =>
  model === undefined ? ExtractiveAgents.make(config) : both(config, () => Effect.succeed(model))

/** Both engines over one corpus; the model is the one that the call asks for, else the configured one. */
export const withModels = (
  config: ResearchConfig,
  registry: ModelRegistry["Service"]
): ReadonlyArray<NamedAgent> => both(config, (call) => Effect.map(registry.open(call.model), toResearchModel))

const both = (config: ResearchConfig, modelOf: ModelOf): ReadonlyArray<NamedAgent> => {
  const corpora = Corpus.make(config)
  return [...ExtractiveAgents.make(config, corpora), ...LlmAgents.make(config, modelOf, corpora)]
}

const toResearchModel = ({ model, provider, service }: OpenModel): ResearchModel => ({
  service,
  name: `${provider}/${model}`,
  usage: (used) => TokenUsage.toUsage(provider, model, used, {}),
  failure: ModelFailure.toAgentError
})
