/** What a run has used so far, by its events: turns of open agent steps, and what answers add to them. */
import type { Usage } from "@baton/kernel/Usage"
import * as Usages from "@baton/kernel/Usage"
import * as HashMap from "effect/HashMap"
import * as Option from "effect/Option"

export interface Spending {
  readonly tokens: number
  readonly costUsd: number
  /** Something was used whose price is unknown: the cost is a lower bound. */
  readonly unpriced: boolean
  /** What the model turns of open steps have used. */
  readonly turns: HashMap.HashMap<string, Usage>
}

export const none: Spending = { tokens: 0, costUsd: 0, unpriced: false, turns: HashMap.empty() }

export const spend = <M extends Spending>(model: M, usage: Usage | undefined): M => {
  if (usage === undefined) return model
  const tokens = (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0)
  return {
    ...model,
    tokens: model.tokens + Math.max(0, tokens),
    costUsd: model.costUsd + Math.max(0, usage.costUsd ?? 0),
    unpriced: model.unpriced || usage.costUsd === undefined
  }
}

/** What all turns of a step have used, and what its answer adds. */
export const ofStep = (model: Spending, path: string, usage: Usage | undefined): Usage | undefined =>
  Usages.add(Option.getOrUndefined(HashMap.get(model.turns, path)), usage)

export const turn = <M extends Spending>(model: M, path: string, usage: Usage | undefined): M =>
  usage === undefined
    ? model
    : spend({ ...model, turns: HashMap.set(model.turns, path, ofStep(model, path, usage) ?? usage) }, usage)
