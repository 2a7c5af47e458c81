/** The research agents for a registry: both engines over one corpus, behind the same steps. */
import type { AgentSource } from "../AgentRegistry.ts"
import * as AgentRegistry from "../AgentRegistry.ts"
import type { ModelRegistry } from "../model/ModelRegistry.ts"
import * as Corpus from "./corpus/Corpus.ts"
import * as ExtractiveAgents from "./extractive/ExtractiveAgents.ts"
import * as LlmAgents from "./llm/LlmAgents.ts"
import type { ResearchModel } from "./llm/ModelCall.ts"
import * as ModelSource from "./llm/ModelSource.ts"
import type { NamedAgent } from "./NamedAgent.ts"
import type { ResearchConfig } from "./ResearchConfig.ts"

/** As plain values; without a model the extractive ones only. */
export const make = (config: ResearchConfig, model?: ResearchModel): ReadonlyArray<NamedAgent> => {
  const corpora = Corpus.make(config)
  const extractive = ExtractiveAgents.make(corpora)
  return model === undefined ? extractive : [...extractive, ...LlmAgents.make(corpora, model)]
}

/** As sources of a registry: `research/extractive/…`, and `research/llm/…[@model]` over the registered models. */
export const sources = (config: ResearchConfig, models: ModelRegistry["Service"]): ReadonlyArray<AgentSource> => {
  const corpora = Corpus.make(config)
  return [AgentRegistry.named(ExtractiveAgents.make(corpora)), ModelSource.make(corpora, models)]
}
