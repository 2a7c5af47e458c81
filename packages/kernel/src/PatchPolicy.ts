/** What agents may change (SEMANTICS 8.9d): they only add, and only what the flow's policy lists. */
import { usualEffect, worst } from "./CompileEffect.ts"
import type * as Flow from "./Flow.ts"
import type { Additions, PatchPolicy } from "./FlowPolicy.ts"
import type { PatchChange } from "./PatchChange.ts"
import * as Growth from "./PatchGrowth.ts"
import * as PatchProblem from "./PatchProblem.ts"
import type { Plan, PlanNode, Work } from "./Plan.ts"
import type { Problem } from "./Problem.ts"
import { nearest } from "./Problem.ts"
import type { RunState } from "./RunState.ts"
import * as StepPath from "./StepPath.ts"
import type { Json } from "./Value.ts"

/** The policy for patches of the agent of a node; `undefined` when it may make none. */
export const forNode = (plan: Plan, node: string): PatchPolicy | undefined => {
  const policy = plan.document.policy?.patches
  return policy?.by?.includes(node) === true ? policy : undefined
}

export interface Context {
  readonly policy: PatchPolicy
  readonly before: Plan
  readonly after: Plan
  readonly change: PatchChange
  /** Nodes that earlier patches have brought: not the author's. */
  readonly patchedIn: ReadonlySet<string>
}

type Say = (pointer: string, message: string, expected?: string, names?: Iterable<string>, name?: string) => void

const adding = ["add", "copy", "test"]

/** Anything else could change the order of an author's edges, which decides the way of a node that branches. */
export const checkOperations = (operations: ReadonlyArray<Json>): ReadonlyArray<Problem> =>
  operations.flatMap((operation, index) => {
    const { op } = operation as { readonly op?: Json }
    if (adding.includes(String(op))) return []
    const message = `Agents only add: ${String(op)} is for people.`
    return [PatchProblem.problem("PATCH_POLICY", `/${index}/op`, message, { expected: adding.join(", ") })]
  })

/** Everything that goes beyond the policy, with pointers into the document after the patch. */
export const check = (context: Context): ReadonlyArray<Problem> => {
  const { after, change } = context
  const found: Array<Problem> = []
  const say: Say = (pointer, message, expected, names, name) =>
    found.push(PatchProblem.problem("PATCH_POLICY", pointer, message, {
      expected,
      suggestion: names === undefined || name === undefined ? undefined : nearest(name, names)
    }))
  for (const node of change.removedNodes) say("/nodes", `Agents only add: '${node.id}' may not be removed.`)
  for (const { after: node } of change.changedNodes) {
    say(`/nodes/${after.byId.get(node.id)?.index ?? "-"}`, `Agents only add: '${node.id}' may not be changed.`)
  }
  for (const edge of change.removedEdges) say("/edges", `Agents only add: the edge ${told(edge)} may not be removed.`)
  for (const edge of change.addedEdges) checkEdge(edge, context, say)
  for (const { id } of change.addedNodes) {
    const node = after.byId.get(id)
    if (node !== undefined) { for (const work of Growth.works(node)) checkWork(node, work, context, say) }
  }
  return found
}

const told = ({ from, to }: Flow.Edge): string => `from '${from}' to '${to}'`

const granted: ReadonlySet<string> = new Set(["success", "approved"])

const checkEdge = (edge: Flow.Edge, { after, before, change, patchedIn, policy }: Context, say: Say): void => {
  const pointer = `/edges/${after.document.edges.indexOf(edge)}`
  const isNew = (id: string): boolean => patchedIn.has(id) || change.addedNodes.some((node) => node.id === id)
  if (!isNew(edge.to) && policy.into?.includes(edge.to) !== true) {
    const into = policy.into ?? []
    const expected = into.length === 0 ? "an edge into a node of this patch" : `an edge into ${into.join(", ")}`
    say(`${pointer}/to`, `The flow lets agents add no edge into '${edge.to}'.`, expected)
  }
  const source = before.byId.get(edge.from)
  if (source === undefined || isNew(edge.from)) return
  // Both would change what the author's own node means: who handles its failure, and which way it takes.
  if (edge.on === "failure") say(`${pointer}/on`, `Agents may not handle the failure of '${edge.from}'.`, "on: always")
  // A rejection that an edge takes fails the run no more (8.5a).
  if (source.approval !== undefined && !granted.has(edge.on ?? "success")) {
    say(`${pointer}/on`, `Agents may not handle what people refuse at '${edge.from}'.`, "on: approved")
  }
  if (source.branch) say(`${pointer}/from`, `Agents may not add a way to '${edge.from}', which branches.`)
}

const none: ReadonlyArray<string> = []
const nothing: Additions = { types: none }

const checkWork = (node: PlanNode, work: Work, context: Context, say: Say): void => {
  const allowed = context.policy.add ?? nothing
  const pointer = `/nodes/${node.index}${work === node ? "" : "/each"}`
  const { definition } = work
  within(work.type, allowed.types, `${pointer}/type`, "nodes of the type", say)
  if (definition.type === "agent") checkAgent(definition, allowed, context, pointer, say)
  if (definition.type === "function") {
    const names = allowed.functions ?? [...Growth.namesIn(context.before, "functions")]
    within(definition.function, names, `${pointer}/function`, "the function", say)
  }
  if (definition.type === "flow") checkFlow(definition.flow, work, allowed, context, `${pointer}/flow`, say)
  if (definition.type === "http") checkHost(definition.url, allowed.hosts ?? none, `${pointer}/url`, say)
  for (const name of new Set(Growth.secretsOf(work))) {
    within(name, allowed.secrets ?? none, pointer, "the secret", say)
  }
  checkEffect(work, allowed, context, pointer, say)
}

const within = (name: string, names: ReadonlyArray<string>, pointer: string, kind: string, say: Say): void => {
  if (names.includes(name)) return
  say(pointer, `The flow does not let agents add ${kind} '${name}'.`, names.join(", ") || "none", names, name)
}

const checkAgent = (
  definition: Extract<Flow.Node | Flow.Body, { type: "agent" }>,
  allowed: Additions,
  { before }: Context,
  pointer: string,
  say: Say
): void => {
  const known = allowed.agents ?? Object.keys(before.document.agents ?? {})
  const names = Growth.agentNames(definition.agent)
  if (names.length === 0) {
    say(`${pointer}/agent`, "Agents may not write another agent in place.", known.join(", ") || "none")
  }
  for (const name of names) within(name, known, `${pointer}/agent`, "the agent", say)
}

/** By its name, and by the very document that the run calls under that name: an address of one's own choice is none. */
const checkFlow = (
  flow: Json,
  work: Work,
  allowed: Additions,
  { before }: Context,
  pointer: string,
  say: Say
): void => {
  const name = Growth.flowName(flow)
  if (name === undefined) return say(pointer, "Agents may not write a flow in place.", "the name of a saved flow")
  const calls = before.callers.flatMap((index) => Growth.works(before.nodes[index]!).flatMap(({ call }) => call ?? []))
  within(name, allowed.flows ?? [...Growth.namesIn(before, "flows")], pointer, "the flow", say)
  if (work.call !== undefined && !calls.some(({ hash }) => hash === work.call?.hash)) {
    say(
      pointer,
      `The run does not call that document of '${name}'.`,
      calls.map((call) => call.name).join(", ") || "none"
    )
  }
}

const checkHost = (url: string, hosts: ReadonlyArray<string>, pointer: string, say: Say): void => {
  const host = Growth.hostOf(url)
  const expected = hosts.join(", ") || "none"
  if (host === undefined) return say(pointer, "The host of the URL has to be written out.", expected)
  const listed = hosts.some((entry) =>
    entry.startsWith("*.") ? host.endsWith(entry.slice(1).toLowerCase()) : entry.toLowerCase() === host
  )
  if (!listed) say(pointer, `The flow does not let agents call the host '${host}'.`, expected, hosts, host)
}

const grave: ReadonlyArray<Flow.Effect> = ["pure", "idempotent", "keyed", "irreversible"]

const effectsOf = (allowed: Additions): ReadonlyArray<Flow.Effect> =>
  allowed.effects ?? grave.filter((one) => one !== "irreversible")

/** What the plan says of the steps that call the same function. */
const authored = ({ definition }: Work, plan: Plan): ReadonlyArray<Flow.Effect> =>
  definition.type !== "function"
    ? []
    : plan.nodes.flatMap((node) => Growth.works(node)).flatMap((work) =>
      work.definition.type === "function" && work.definition.function === definition.function ? [work.effect] : []
    )

/**
 * Whether the agent of a step may make an irreversible call. What its tools do is known only when it calls them; a node that an
 * agent's patch has brought stays within the effects that the flow lets agents add.
 */
export const mayCallIrreversible = (state: RunState, path: string): boolean => {
  if (state.patches === undefined || effectsOf(policyOf(state.plan)).includes("irreversible")) return true
  const node = StepPath.parse(path)?.node ?? path
  return !state.patches.some(({ author, change, status }) =>
    status === "applied" && author !== undefined && change?.addedNodes.some(({ id }) => id === node) === true
  )
}

const policyOf = ({ document }: Plan): Additions => document.policy?.patches?.add ?? nothing

/** What an agent says of its own node's effect can make it graver, never lighter. */
const checkEffect = (work: Work, allowed: Additions, { before }: Context, pointer: string, say: Say): void => {
  const fields = work.definition as unknown as { readonly [key: string]: Json }
  const usual = usualEffect({ type: work.type, fields })
  const effect = worst([usual, work.effect, ...authored(work, before)])
  const effects = effectsOf(allowed)
  if (!effects.includes(effect)) {
    say(
      `${pointer}/effect`,
      `The flow does not let agents add effects that are ${effect}.`,
      effects.join(", ") || "none"
    )
  }
}
