/** The prices that a run with a budget is started with: of every model that its agents may ask. */
import type { AgentInfo } from "@baton/engine/Agents"
import type * as Flow from "@baton/kernel/Flow"
import type { Rate, RateCard } from "@baton/kernel/Rates"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as ModelReference from "./ModelReference.ts"
import * as Prices from "./Prices.ts"

export interface Known {
  /** What is known of a registered agent. */
  readonly find: (name: string) => Effect.Effect<AgentInfo | undefined>
  /** The providers that references may name. */
  readonly providers: ReadonlyArray<string>
  /** The model of agents that name none. */
  readonly defaultModel: string | undefined
}

/** Dollars per million tokens are a thousandth of billionths per token. */
const nanoPerToken = (usdPerMillion: number): number => Math.max(0, Math.ceil(usdPerMillion * 1_000 - 1e-6))

/** The dearest that a token may cost, whatever the call turns out to be. */
export const worst = ({ above, cacheWrite, input, output }: Prices.Price): Rate => ({
  input: nanoPerToken(Math.max(input, cacheWrite ?? 0, above?.price.input ?? 0, above?.price.cacheWrite ?? 0)),
  output: nanoPerToken(Math.max(output, above?.price.output ?? 0))
})

/** As price lists call a model. */
const listedName = (reference: string, providers: ReadonlyArray<string>): string => {
  const parsed = ModelReference.parse(reference, providers)
  if (Result.isFailure(parsed)) return reference
  const { model } = parsed.success
  return parsed.success._tag === "Provider"
    ? `${parsed.success.provider}/${model}`
    : `${ModelReference.hostPort(parsed.success.url)}/${model}`
}

type Named = Flow.AgentDefinition | string | ReadonlyArray<string>

const isList = (named: Named): named is ReadonlyArray<string> => Array.isArray(named)

/** Agents and models that the steps of a flow may name. */
const named = (flow: Flow.Flow): { readonly agents: Set<string>; readonly models: Set<string> } => {
  const agents = new Set<string>()
  const models = new Set<string>()
  const define = ({ model, use }: Flow.AgentDefinition): void => {
    if (use !== undefined) agents.add(use)
    if (model !== undefined) models.add(model)
  }
  const add = (agent: Named): void => {
    if (typeof agent === "string") agents.add(agent)
    else if (isList(agent)) { for (const name of agent) agents.add(name) }
    else define(agent)
  }
  for (const definition of Object.values(flow.agents ?? {})) define(definition)
  for (const node of flow.nodes) {
    if ("agent" in node) add(node.agent)
    if ("each" in node && "agent" in node.each) add(node.each.agent)
  }
  return { agents, models }
}

export const make = Effect.fn("RateCards.make")(function*(
  flows: ReadonlyArray<Flow.Flow>,
  bound: { readonly [name: string]: string },
  { defaultModel, find, providers }: Known
) {
  const { asOf, models: prices } = yield* Prices.PriceTable
  const agents: { [name: string]: RateCard["agents"][string] } = {}
  const models = new Set<string>(defaultModel === undefined ? [] : [defaultModel])
  for (const flow of flows) {
    const found = named(flow)
    for (const model of found.models) models.add(model)
    for (const name of [...found.agents, ...Object.values(bound)]) {
      const info = yield* find(name)
      if (info?.asks === undefined) continue
      agents[name] = info.asks === "nothing" ? { free: true } : info.asks
      if (info.asks !== "nothing" && info.asks.model !== undefined) models.add(info.asks.model)
    }
  }
  const rates: { [model: string]: Rate | null } = {}
  for (const model of models) {
    const price = Prices.modelPrice(prices, listedName(model, providers))
    rates[model] = price === undefined ? null : worst(price)
  }
  const card: RateCard = { asOf, models: rates, agents, ...(defaultModel === undefined ? {} : { defaultModel }) }
  return card
})
