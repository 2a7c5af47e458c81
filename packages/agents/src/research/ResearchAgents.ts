/** The research agents as plain values, for a registry to put behind the `Agents` port. */
import * as Corpus from "./corpus/Corpus.ts"
import * as ExtractiveAgents from "./extractive/ExtractiveAgents.ts"
import * as LlmAgents from "./llm/LlmAgents.ts"
import type { ResearchModel } from "./llm/ModelCall.ts"
import type { NamedAgent } from "./NamedAgent.ts"
import type { ResearchConfig } from "./ResearchConfig.ts"

/** Both engines over one corpus; without a model the extractive one only. */
export const make = (config: ResearchConfig, model?: ResearchModel): ReadonlyArray<NamedAgent> => {
  const corpora = Corpus.make(config)
  const extractive = ExtractiveAgents.make(config, corpora)
  return model === undefined ? extractive : [...extractive, ...LlmAgents.make(config, model, corpora)]
}
