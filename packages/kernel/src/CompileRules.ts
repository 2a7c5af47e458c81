/**
 * Fifth pass of the compiler: rules about nodes and edges together, which no single field can break
 * (SEMANTICS 8.4, 8.5a, 8.7c).
 */
import type { Graph, GraphEdge } from "./CompileGraph.ts"
import { type DraftNode, edgePointer, isFields, own, quote } from "./CompileShape.ts"
import * as DurationText from "./DurationText.ts"
import type { Report } from "./Problem.ts"
import { idPattern } from "./StepPath.ts"
import * as TimeText from "./TimeText.ts"
import type { Json } from "./Value.ts"

const always = ["success", "failure", "always"]

/** Checks one node with its edges. */
export const check = (node: DraftNode, index: number, graph: Graph, report: Report): void => {
  if (node.type === undefined) return
  const outgoing = graph.outgoing[index] ?? []
  const incoming = graph.incoming[index] ?? []
  checkOutcomes(node, outgoing, report)
  checkBranch(node, outgoing, report)
  checkFailure(node, outgoing, report)
  if (node.type === "choice") checkChoice(node, report)
  if (node.type === "wait") checkWait(node, report)
  if (node.body !== undefined) checkBody(node, report)
  checkJoin(node, incoming, report)
}

/** The outcomes that edges may name, besides success, failure and always. */
export const outcomesOf = (node: DraftNode): ReadonlyArray<string> => {
  if (node.type === "choice") return ruleNames(own(node.fields, "rules"))
  if (node.type !== "approval") return []
  const options = own(node.fields, "options")
  const named = Array.isArray(options) ? options.flatMap(optionName) : []
  return ["approved", "rejected", ...named]
}

const optionName = (option: Json): ReadonlyArray<string> => {
  if (typeof option === "string") return [option]
  if (!isFields(option)) return []
  const name = own(option, "id") ?? own(option, "name") ?? own(option, "value")
  return typeof name === "string" ? [name] : []
}

const ruleNames = (rules: Json | undefined): ReadonlyArray<string> =>
  Array.isArray(rules) ? rules.flatMap((rule) => isFields(rule) ? Object.keys(rule) : []) : []

const checkOutcomes = (node: DraftNode, outgoing: ReadonlyArray<GraphEdge>, report: Report): void => {
  let outcomes: ReadonlyArray<string> | undefined
  for (const { edge, index } of outgoing) {
    if (edge.on === undefined || always.includes(edge.on)) continue
    outcomes ??= outcomesOf(node)
    if (outcomes.includes(edge.on)) continue
    const names = [...outcomes, ...always]
    const message = `${quote(node.id)} is a ${node.type} and cannot end as ${quote(edge.on)}.`
    const detail = { expected: names.join(", "), suggestion: report.nearest(edge.on, names) }
    report.add("UNKNOWN_OUTCOME", `${edgePointer({ index })}/on`, message, detail)
  }
}

const checkBranch = (node: DraftNode, outgoing: ReadonlyArray<GraphEdge>, report: Report): void => {
  const otherwise = outgoing.filter(({ edge }) => edge.otherwise === true)
  if (own(node.fields, "branch") !== "first") {
    for (const edge of otherwise) {
      const detail = { expected: `branch: first on ${node.id}` }
      report.add(
        "OTHERWISE_NOT_ALLOWED",
        `${edgePointer(edge)}/otherwise`,
        `${quote(node.id)} does not branch.`,
        detail
      )
    }
    return
  }
  if (otherwise.length === 0) {
    const detail = { expected: "an edge with otherwise: true, the last of the node's edges" }
    report.add("BRANCH_WITHOUT_OTHERWISE", `${node.pointer}/branch`, `${quote(node.id)} has no otherwise edge.`, detail)
  }
  for (const edge of otherwise) {
    if (edge.ordinal === outgoing.length - 1) continue
    const message = `The otherwise edge of ${quote(node.id)} is not the last.`
    report.add("OTHERWISE_NOT_LAST", `${edgePointer(edge)}/otherwise`, message)
  }
}

const checkFailure = (node: DraftNode, outgoing: ReadonlyArray<GraphEdge>, report: Report): void => {
  const onFailure = own(node.fields, "onFailure")
  if (onFailure === undefined || onFailure === "fail") return
  const edge = outgoing.find((_) => _.edge.on === "failure")
  if (edge === undefined) return
  const target = graphTarget(edge)
  const message = `onFailure takes the failure already, so the edge to ${target} could never be live.`
  report.add("FAILURE_HANDLED_TWICE", `${node.pointer}/onFailure`, message, { expected: "one of the two" })
}

const graphTarget = ({ edge }: GraphEdge): string => quote(edge.to)

const checkChoice = (node: DraftNode, report: Report): void => {
  const rules = own(node.fields, "rules")
  if (!Array.isArray(rules)) return
  const pointer = `${node.pointer}/rules`
  const seen = new Set<string>()
  for (const [index, rule] of rules.entries()) {
    const names = isFields(rule) ? Object.keys(rule) : []
    const name = names[0]
    if (name === undefined || names.length > 1) {
      report.add("CHOICE_RULE", `${pointer}/${index}`, "A rule is one outcome with its expression.")
      continue
    }
    if (!idPattern.test(name)) report.add("BAD_ID", `${pointer}/${index}`, `${quote(name)} is no name of an outcome.`)
    if (seen.has(name)) report.add("CHOICE_RULE", `${pointer}/${index}`, `The outcome ${quote(name)} is there twice.`)
    if (always.includes(name)) {
      report.add("CHOICE_RULE", `${pointer}/${index}`, `${quote(name)} is no outcome to choose.`)
    }
    seen.add(name)
    if (isOtherwise(rule) && index < rules.length - 1) {
      report.add("OTHERWISE_NOT_LAST", `${pointer}/${index}`, "Rules after otherwise can never be chosen.")
    }
  }
  if (!rules.some(isOtherwise)) {
    const detail = { expected: "a last rule such as {other: otherwise}" }
    report.add("CHOICE_WITHOUT_OTHERWISE", pointer, `${quote(node.id)} chooses nothing when no rule is true.`, detail)
  }
}

/** Whether a choice's rule is the default one. */
export const isOtherwise = (rule: Json): boolean => isFields(rule) && Object.values(rule)[0] === "otherwise"

const checkWait = (node: DraftNode, report: Report): void => {
  const given = ["for", "until", "event"].filter((key) => own(node.fields, key) !== undefined)
  if (given.length !== 1) {
    const message = given.length === 0 ? "The wait does not say for what." : `The wait has ${given.join(" and ")}.`
    report.add("BAD_WAIT", node.pointer, message, { expected: "one of for, until, event" })
  }
  const { fields, pointer } = node
  const duration = own(fields, "for")
  if (typeof duration === "string" && !duration.includes("${") && DurationText.parse(duration) === undefined) {
    const detail = { expected: "a duration such as 10s, or an expression" }
    report.add("BAD_WAIT", `${pointer}/for`, `${quote(duration)} is no duration.`, detail)
  }
  const until = own(fields, "until")
  if (typeof until === "string" && !until.includes("${") && TimeText.parse(until) === undefined) {
    const detail = { expected: "a time such as 2027-01-31T09:00:00Z, or an expression" }
    report.add("BAD_WAIT", `${pointer}/until`, `${quote(until)} is no time.`, detail)
  }
}

/** Fields that only a node of its own can have. */
const nodeOnly = ["join", "branch", "when", "checkpointAfter"]

const checkBody = (node: DraftNode, report: Report): void => {
  if (node.body === undefined) return
  const { fields, pointer } = node.body
  for (const field of nodeOnly) {
    if (own(fields, field) === undefined) continue
    report.add("NOT_IN_EACH", `${pointer}/${field}`, `${field} belongs on the ${node.type} itself, not in each.`)
  }
  if (own(fields, "onFailure") === "continue") {
    const detail = { expected: "fail, ask or {fallback}; a map's tolerate says how many may fail" }
    report.add("NOT_IN_EACH", `${pointer}/onFailure`, "continue has no meaning for one item.", detail)
  }
}

const checkJoin = (node: DraftNode, incoming: ReadonlyArray<GraphEdge>, report: Report): void => {
  const join = own(node.fields, "join")
  if (join === undefined || !isFields(join)) return
  const need = own(join, "atLeast")
  if (typeof need !== "number" || (need >= 1 && need <= incoming.length)) return
  const message = `The join wants ${need} live edges of ${incoming.length}.`
  report.add("BAD_JOIN", `${node.pointer}/join/atLeast`, message, { expected: `1 to ${incoming.length}` })
}
