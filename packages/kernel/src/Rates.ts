/**
 * What calls may cost at worst. A run with a budget keeps the prices it was started with, so that replaying its journal
 * reserves the same amounts whatever a price list says by then.
 */
import * as Schema from "effect/Schema"
import type { Amounts } from "./Amounts.ts"
import * as Amount from "./Amounts.ts"
import type * as Flow from "./Flow.ts"
import type { Work } from "./Plan.ts"

/** Input tokens reserved for a turn before its prompt is known; a longer prompt asks for more before it is sent. */
export const turnInputTokens = 8_192
/** Output tokens reserved for a turn whose agent says no `maxOutputTokens`; the model is told this cap. */
export const turnOutputTokens = 4_096
/** Milliseconds that an agent attempt without a timeout may take in a run whose budget limits time. */
export const attemptMs = 600_000

/** Billionths of a US dollar per token, the dearest that may apply, rounded up. */
export const Rate = Schema.Struct({ input: Schema.Int, output: Schema.Int })
export type Rate = typeof Rate.Type

/** A registered agent: which model it asks; `free` when it asks none. */
export const AgentRate = Schema.Struct({
  free: Schema.optionalKey(Schema.Boolean),
  model: Schema.optionalKey(Schema.String)
})

export const RateCard = Schema.Struct({
  /** The date of the price list. */
  asOf: Schema.String,
  /** By the model's reference as the flow writes it; null: nobody knows its price, which is not 0. */
  models: Schema.Record(Schema.String, Schema.NullOr(Rate)),
  agents: Schema.Record(Schema.String, AgentRate),
  /** The model of agents that name none. */
  defaultModel: Schema.optionalKey(Schema.String)
})
export type RateCard = typeof RateCard.Type

/** The worst case of a start. `unpriced` names what has no known price, if anything. */
export interface Need {
  readonly amounts: Amounts
  readonly unpriced: string | undefined
}

export const nothing: Need = { amounts: Amount.zero, unpriced: undefined }

/** Who may answer an agent step: where names lead in this run. */
export interface Naming {
  /** The names agents of the flow are bound to. */
  readonly bound: { readonly [name: string]: string }
  readonly defined: { readonly [name: string]: Flow.AgentDefinition }
}

interface Candidate {
  readonly name: string
  readonly free: boolean
  readonly model: string | undefined
  readonly outputTokens: number
}

const own = <A>(record: { readonly [name: string]: A }, name: string): A | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined

const registered = (card: RateCard, name: string, model: string | undefined): Candidate => {
  const known = own(card.agents, name)
  return {
    name,
    free: known?.free === true,
    model: known === undefined ? `agent ${name}` : known.model ?? model ?? card.defaultModel,
    outputTokens: turnOutputTokens
  }
}

const byDefinition = (
  card: RateCard,
  naming: Naming,
  name: string,
  definition: Flow.AgentDefinition
): Candidate =>
  definition.use === undefined
    ? {
      name,
      free: false,
      model: definition.model ?? card.defaultModel,
      outputTokens: definition.maxOutputTokens ?? turnOutputTokens
    }
    : registered(card, own(naming.bound, definition.use) ?? definition.use, definition.model)

const byName = (card: RateCard, naming: Naming, name: string): Candidate => {
  const bound = own(naming.bound, name)
  const definition = own(naming.defined, name)
  if (bound !== undefined) return registered(card, bound, definition?.model)
  return definition === undefined
    ? registered(card, name, undefined)
    : byDefinition(card, naming, name, definition)
}

const candidates = (card: RateCard, naming: Naming, work: Work): ReadonlyArray<Candidate> => {
  const { definition } = work
  if (!("agent" in definition)) return []
  const named: string | ReadonlyArray<string> | Flow.AgentDefinition = definition.agent
  if (typeof named === "string") return [byName(card, naming, named)]
  return isList(named) ? named.map((name) => byName(card, naming, name)) : [byDefinition(card, naming, "", named)]
}

const isList = (named: ReadonlyArray<string> | Flow.AgentDefinition): named is ReadonlyArray<string> =>
  Array.isArray(named)

export const rateOf = (card: RateCard, model: string | undefined): Rate | undefined =>
  model === undefined ? undefined : own(card.models, model) ?? undefined

/** What one turn may cost at worst. */
export const turn = (rate: Rate | undefined, inputTokens: number, outputTokens: number): Amounts => ({
  ...(rate === undefined
    ? {}
    : { nanoUsd: Math.min(Amount.amountMax, inputTokens * rate.input + outputTokens * rate.output) }),
  tokens: inputTokens + outputTokens,
  calls: 1
})

const ofCandidate = (card: RateCard, candidate: Candidate): Need => {
  if (candidate.free) return nothing
  const rate = rateOf(card, candidate.model)
  return {
    amounts: turn(rate, turnInputTokens, candidate.outputTokens),
    unpriced: rate === undefined ? candidate.model ?? "the model of agents that name none" : undefined
  }
}

/**
 * The worst case of the first turn of a step: the dearest of its agents. What the node's own `budget` says stands in its
 * place, kind by kind, so a stated price needs no list.
 */
export const need = (card: RateCard, naming: Naming, work: Work, timed: boolean): Need => {
  const stated = work.budget
  if (work.type !== "agent") return stated === undefined ? nothing : { amounts: stated, unpriced: undefined }
  let amounts: Amounts = Amount.zero
  let unpriced: string | undefined
  for (const candidate of candidates(card, naming, work)) {
    const one = ofCandidate(card, candidate)
    amounts = Amount.most(amounts, one.amounts)
    unpriced ??= one.unpriced
  }
  const ms = timed ? { ms: work.timeoutMs ?? attemptMs } : {}
  return {
    amounts: { ...amounts, agents: 1, ...ms, ...stated },
    unpriced: stated?.nanoUsd === undefined ? unpriced : undefined
  }
}
