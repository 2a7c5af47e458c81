/** What a patch brings into the power of a plan: new names of every kind, and what it may cost at worst (SEMANTICS 8.9d). */
import * as Schema from "effect/Schema"
import * as Child from "./Child.ts"
import type * as Flow from "./Flow.ts"
import type { PatchChange } from "./PatchChange.ts"
import type { Plan, PlanNode, Work } from "./Plan.ts"
import type { Json } from "./Value.ts"

const Names = Schema.Array(Schema.String)

export const Growth = Schema.Struct({
  /** Nodes that it adds, and the agent nodes among them, a body counted once. */
  nodes: Schema.Int,
  agentNodes: Schema.Int,
  /** Names that no node of the plan had before. */
  types: Names,
  agents: Names,
  functions: Names,
  flows: Names,
  /** Host names; `*` when an expression decides where a call goes. */
  hosts: Names,
  secrets: Names,
  /** Besides, `irreversible` whenever a node of that effect is added or changed: each such call is one more to answer for. */
  effects: Names,
  /** Null is unknown, never zero: a list that is not there yet, an agent without a cap, a model without a price. */
  worstCase: Schema.Struct({
    agentCalls: Schema.Union([Schema.Int, Schema.Null]),
    outputTokens: Schema.Union([Schema.Int, Schema.Null]),
    usd: Schema.Union([Schema.Finite, Schema.Null])
  })
})
export type Growth = typeof Growth.Type

/** Whether a patch makes the plan more powerful, and not only longer. */
export const grows = (growth: Growth): boolean =>
  growth.agentNodes > 0 || growth.functions.length > 0 || growth.flows.length > 0 || growth.hosts.length > 0 ||
  growth.secrets.length > 0 || growth.agents.length > 0 || growth.effects.includes("irreversible")

/** A node and the body it runs. */
export const works = (node: PlanNode): ReadonlyArray<Work> => {
  const body = node.map?.body ?? node.repeat?.body
  return body === undefined ? [node] : [node, body]
}

/** The host that an http node calls; `undefined` when an expression, or an odd spelling, decides it. */
export const hostOf = (url: string): string | undefined => {
  const open = url.indexOf("${")
  const match = /^https?:\/\/([A-Za-z0-9.-]{1,253})(?::\d{1,5})?(?:[/?#]|$)/i.exec(
    open === -1 ? url : url.slice(0, open)
  )
  if (match === null || (open !== -1 && match[0].length === open && !/[/?#]$/.test(match[0]))) return undefined
  return match[1]?.toLowerCase()
}

/** Names of agents, tried in order; one written in place has none. */
export const agentNames = (agent: string | ReadonlyArray<string> | Flow.AgentDefinition): ReadonlyArray<string> =>
  typeof agent === "string" ? [agent] : isList(agent) ? agent : []

const isList = (agent: ReadonlyArray<string> | Flow.AgentDefinition): agent is ReadonlyArray<string> =>
  Array.isArray(agent)

export const secretsOf = (work: Work): ReadonlyArray<string> =>
  Object.values(work.fields).flatMap((template) => template.constant ? [] : [...template.references.secrets])

/** The name of a called flow; `undefined` when it is written in place. */
export const flowName = (flow: Json): string | undefined =>
  typeof flow === "string" ? flow.split("@")[0] : Child.isCall(flow) ? flow.name : undefined

type Kind = "types" | "agents" | "functions" | "flows" | "hosts" | "secrets" | "effects"

const namesOf: { readonly [kind in Kind]: (work: Work) => ReadonlyArray<string> } = {
  types: (work) => [work.type],
  agents: ({ definition }) => definition.type === "agent" ? agentNames(definition.agent) : [],
  functions: ({ definition }) => definition.type === "function" ? [definition.function] : [],
  flows: ({ definition }) => definition.type === "flow" ? [flowName(definition.flow) ?? "(inline)"] : [],
  hosts: ({ definition }) => definition.type === "http" ? [hostOf(definition.url) ?? "*"] : [],
  secrets: secretsOf,
  effects: ({ effect }) => [effect]
}

/** All names of one kind in a plan. */
export const namesIn = (plan: Plan, kind: Kind): ReadonlySet<string> =>
  new Set(plan.nodes.flatMap((node) => works(node).flatMap(namesOf[kind])))

/** How often a work may run at worst; `undefined` when that depends on a list that is not there yet. */
const runsMax = (node: PlanNode, work: Work): number | undefined => {
  if (node.repeat !== undefined && work !== node) return node.repeat.max * work.retry.attempts
  if (node.map === undefined || work === node) return work.retry.attempts
  const { over } = node.definition as { readonly over?: unknown }
  return Array.isArray(over) ? over.length * work.retry.attempts : undefined
}

/** Turns of an agent without tools: the first, and one to mend an answer that does not fit its schema. */
const turnsMax = 2

const definitionsOf = (plan: Plan, work: Work): ReadonlyArray<Flow.AgentDefinition | undefined> => {
  if (work.definition.type !== "agent") return []
  const { agent } = work.definition
  if (typeof agent === "object" && !isList(agent)) return [agent]
  return agentNames(agent).map((name) => plan.document.agents?.[name])
}

/** Output tokens of one attempt; `undefined` without a cap, and for agents that go on as long as their tools do. */
const capOf = (plan: Plan, work: Work): number | undefined => {
  const caps = definitionsOf(plan, work).map((definition) =>
    definition === undefined || (definition.tools ?? []).length > 0 ? undefined : definition.maxOutputTokens
  )
  return caps.length === 0 || caps.includes(undefined) ? undefined : turnsMax * Math.max(...caps.map((cap) => cap ?? 0))
}

/** What is known of every part, added up; one unknown part makes the whole unknown. */
const total = (parts: ReadonlyArray<number | undefined>): number | null =>
  parts.reduce<number | null>((sum, part) => sum === null || part === undefined ? null : sum + part, 0)

/** A billionth of a dollar. */
const nano = 1e-9

const worstCase = (plan: Plan, nodes: ReadonlyArray<PlanNode>): Growth["worstCase"] => {
  const paid = nodes.flatMap((node) =>
    works(node).flatMap((work) => work.type === "agent" ? [{ work, runs: runsMax(node, work) }] : [])
  )
  const each = (amount: (work: Work) => number | undefined): number | null =>
    total(paid.map(({ runs, work }) => {
      const one = amount(work)
      return runs === undefined || one === undefined ? undefined : runs * one
    }))
  return {
    agentCalls: each(() => 1),
    outputTokens: each((work) => capOf(plan, work)),
    // Only what a node's own budget limits is known before it is spent.
    usd: each((work) => work.budget?.nanoUsd === undefined ? undefined : work.budget.nanoUsd * nano)
  }
}

/** What `after` may do that `before` might not. */
export const of = (before: Plan, after: Plan, change: PatchChange): Growth => {
  const touched = [...change.addedNodes, ...change.changedNodes.map((changed) => changed.after)].flatMap(({ id }) =>
    after.byId.get(id) ?? []
  )
  const fresh = (kind: Kind): ReadonlyArray<string> => {
    const names = new Set(touched.flatMap((node) => works(node).flatMap(namesOf[kind])))
    if (names.size === 0) return []
    const known = namesIn(before, kind)
    return [...names].filter((name) => !known.has(name)).toSorted()
  }
  const isAgent = (node: PlanNode): boolean => works(node).some(({ type }) => type === "agent")
  const isGrave = touched.some((node) => works(node).some(({ effect }) => effect === "irreversible"))
  const added = new Set(change.addedNodes.map(({ id }) => id))
  return {
    nodes: added.size,
    agentNodes: touched.filter((node) => added.has(node.id) && isAgent(node)).length,
    types: fresh("types"),
    agents: fresh("agents"),
    functions: fresh("functions"),
    flows: fresh("flows"),
    hosts: fresh("hosts"),
    secrets: fresh("secrets"),
    effects: isGrave ? [...new Set([...fresh("effects"), "irreversible"])].toSorted() : fresh("effects"),
    worstCase: worstCase(after, touched)
  }
}
