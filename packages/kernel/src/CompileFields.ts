/**
 * Third pass of the compiler: every expression is read once and what it names is checked against where it stands
 * (SEMANTICS 8.6c): only ancestors, `item` and `index` only in a body, secrets only in http and agent configuration.
 */
import * as Result from "effect/Result"
import type { Ancestry, Graph } from "./CompileGraph.ts"
import { type Fields, isFields, own, quote } from "./CompileShape.ts"
import * as Expression from "./Expression.ts"
import * as ExpressionTemplate from "./ExpressionTemplate.ts"
import type { Report } from "./Problem.ts"
import type { Json } from "./Value.ts"

/** Where an expression stands, which decides what it may name. */
export interface Place {
  /** The node whose ancestors may be read; `undefined` for the run's output, which may read every node. */
  readonly node: number | undefined
  /** Whether the node itself may be read: an edge's `when` is asked when its source has settled. */
  readonly self: boolean
  /** Names besides `input`, `nodes` and `run`. */
  readonly names: ReadonlyArray<string>
  readonly secrets: boolean
}

export interface Scope {
  readonly graph: Graph
  readonly ancestry: Ancestry
  readonly report: Report
  readonly secrets: ReadonlySet<string>
  /** What the input schema names; `undefined` when it is open. */
  readonly inputs: ReadonlySet<string> | undefined
}

/** What an expression may read of a node, and of the run. */
const nodeMembers = ["status", "output", "error", "agent", "outcome"]
const runMembers = ["id", "startedAt", "revision", "flow", "version", "tags"]

export const scope = (head: Fields, graph: Graph, ancestry: Ancestry, report: Report): Scope => {
  const secrets = own(head, "secrets")
  const names = Array.isArray(secrets) ? secrets.filter((_) => typeof _ === "string") : []
  return { graph, ancestry, report, secrets: new Set(names), inputs: declaredInputs(own(head, "input")) }
}

const declaredInputs = (schema: Json | undefined): ReadonlySet<string> | undefined => {
  if (schema === undefined || !isFields(schema)) return undefined
  const properties = own(schema, "properties")
  if (properties === undefined || !isFields(properties)) return undefined
  const open = ["additionalProperties", "patternProperties", "$ref", "allOf", "anyOf", "oneOf", "if"]
  return open.some((key) => own(schema, key) !== undefined && own(schema, key) !== false)
    ? undefined
    : new Set(Object.keys(properties))
}

/** A field that is a template; `undefined` when it was faulty, which is reported. */
export const template = (
  value: Json,
  pointer: string,
  place: Place,
  scope: Scope
): Expression.Template | undefined => {
  const compiled = ExpressionTemplate.compile(value)
  if (Result.isFailure(compiled)) {
    for (const problem of compiled.failure) reportError(problem.error, pointer + problem.pointer, scope)
    return undefined
  }
  if (!compiled.success.constant) checkNames(compiled.success.references, pointer, place, scope)
  return compiled.success
}

/** A field that is one expression, with or without braces. */
export const expression = (
  source: string,
  pointer: string,
  place: Place,
  scope: Scope
): Expression.CompiledExpression | undefined => {
  const compiled = Expression.compile(ExpressionTemplate.bare(source))
  if (Result.isFailure(compiled)) {
    reportError(compiled.failure, pointer, scope)
    return undefined
  }
  checkNames(compiled.success.references, pointer, place, scope)
  return compiled.success
}

const reportError = (error: Expression.ExpressionError, pointer: string, { report }: Scope): void => {
  const code = error.code === "EXPRESSION_LIMIT" ? "EXPRESSION_LIMIT" : "EXPRESSION_SYNTAX"
  const where = error.at === undefined ? "" : ` (at character ${error.at + 1})`
  report.add(code, pointer, `${error.message}${where}`)
}

const checkNames = (references: Expression.References, pointer: string, place: Place, scope: Scope): void => {
  const names = ["input", "nodes", "run", ...place.names, ...(place.secrets ? ["secrets"] : [])]
  for (const root of references.roots) {
    if (names.includes(root)) continue
    if (root === "secrets") {
      const message = "Secrets may be read only in fields of http and of agent configuration."
      scope.report.add("SECRET_NOT_ALLOWED", pointer, message)
    } else {
      const near = root === "needs" ? "nodes" : scope.report.nearest(root, names)
      const suggestion = scope.graph.indexOf.has(root) ? `nodes.${root}.output` : near
      const message = `There is no ${quote(root)} here.`
      scope.report.add("UNKNOWN_NAME", pointer, message, { expected: names.join(", "), suggestion })
    }
  }
  checkSecrets(references, pointer, place, scope)
  for (const path of references.paths) checkPath(path, pointer, place, scope)
}

const checkSecrets = (references: Expression.References, pointer: string, place: Place, scope: Scope): void => {
  if (!place.secrets) return
  if (references.whole.has("secrets")) {
    const expected = [...scope.secrets].map((name) => `secrets.${name}`).join(", ")
    scope.report.add("SECRET_NOT_ALLOWED", pointer, "A secret is read by its name.", { expected })
  }
  for (const name of references.secrets) {
    if (scope.secrets.has(name)) continue
    const message = `The flow does not list the secret ${quote(name)}.`
    const expected = `secrets: [${name}]`
    scope.report.add("UNDECLARED_SECRET", pointer, message, {
      expected,
      suggestion: scope.report.nearest(name, scope.secrets)
    })
  }
}

const checkPath = (path: ReadonlyArray<string>, pointer: string, place: Place, scope: Scope): void => {
  const [root, name, part] = path
  if (name === undefined) return
  if (root === "run" && !runMembers.includes(name)) {
    const detail = { expected: runMembers.join(", "), suggestion: scope.report.nearest(name, runMembers) }
    scope.report.add("UNKNOWN_NAME", pointer, `A run has no ${quote(name)}.`, detail)
  }
  if (root === "input" && scope.inputs !== undefined && !scope.inputs.has(name)) {
    const message = `The input schema does not name ${quote(name)}.`
    scope.report.add("UNKNOWN_INPUT", pointer, message, { suggestion: scope.report.nearest(name, scope.inputs) })
  }
  if (root === "nodes" || (root === "needs" && place.names.includes("needs"))) {
    checkNode(name, root, pointer, place, scope)
    if (root === "nodes" && part !== undefined && !nodeMembers.includes(part)) {
      const detail = { expected: nodeMembers.join(", "), suggestion: scope.report.nearest(part, nodeMembers) }
      const hint = `nodes.${name} has no ${quote(part)}; what it made is nodes.${name}.output.`
      scope.report.add("UNKNOWN_NAME", pointer, hint, detail)
    }
  }
}

const checkNode = (id: string, root: "nodes" | "needs", pointer: string, place: Place, scope: Scope): void => {
  const { ancestry, graph, report } = scope
  const index = graph.indexOf.get(id)
  if (index === undefined) {
    const near = report.nearest(id, graph.indexOf.keys())
    const hyphenated = near === undefined && !report.full
      ? [...graph.indexOf.keys()].find((known) => known.startsWith(`${id}-`))
      : undefined
    const suggestion = hyphenated === undefined ? near : `${root}['${hyphenated}']`
    return report.add("UNKNOWN_NODE", pointer, `There is no node ${quote(id)}.`, { suggestion })
  }
  if (place.node === undefined) return
  const reader = quote(graph.nodes[place.node]?.id ?? "")
  if (index === place.node) {
    if (!place.self) report.add("NOT_AN_ANCESTOR", pointer, `${reader} cannot read itself.`)
  } else if (root === "needs" && !ancestry.isDirect(index, place.node)) {
    const detail = { expected: `needs: [${id}], or nodes.${id}.output for a node further back` }
    report.add("NOT_A_NEED", pointer, `${quote(id)} is no direct need of ${reader}.`, detail)
  } else if (!ancestry.has(index, place.node)) {
    const message = `${quote(id)} does not come before ${reader}, so its result may not be there yet.`
    report.add("NOT_AN_ANCESTOR", pointer, message, { expected: `an edge that leads from ${id} to ${reader}` })
  }
}
