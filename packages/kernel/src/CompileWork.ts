/**
 * Fourth pass of the compiler: what a worker runs, with defaults folded in. `defaults` apply to worker-run steps only, never
 * to containers, approvals, waits and choices (SEMANTICS 8.2e); default effects are those of SEMANTICS 8.11a.
 */
import * as Result from "effect/Result"
import type { Amounts } from "./Amounts.ts"
import * as Amount from "./Amounts.ts"
import * as Child from "./Child.ts"
import type { FlowCall } from "./Child.ts"
import * as Effects from "./CompileEffect.ts"
import * as Fields from "./CompileFields.ts"
import { type Fields as Data, isFields, own, quote } from "./CompileShape.ts"
import * as DurationText from "./DurationText.ts"
import type { Template } from "./Expression.ts"
import type * as Flow from "./Flow.ts"
import { defaultRetry, type RetryPolicy, type Work } from "./Plan.ts"
import type { Report } from "./Problem.ts"
import type { Json } from "./Value.ts"

export type Source = Effects.Source

/** Steps that a worker runs: only they take `defaults` and `retry`. */
const workerTypes: ReadonlySet<string> = new Set(["http", "agent", "transform", "function", "file", "flow"])
const defaultedTypes: ReadonlySet<string> = new Set(["http", "agent", "transform", "function", "file"])

/** Fields that may hold expressions, by node type; `input` and `select` may everywhere. */
const templateFields: { readonly [type in Flow.NodeType]: ReadonlyArray<string> } = {
  http: ["url", "headers", "query", "body"],
  agent: [],
  transform: ["value"],
  function: [],
  file: ["path", "content"],
  wait: ["for", "until"],
  approval: ["question", "reason", "options", "form", "approvers"],
  flow: [],
  choice: [],
  map: [],
  repeat: []
}
const plainFields: ReadonlyArray<string> = ["function", "event", "flow", "method"]

export interface Folding {
  readonly scope: Fields.Scope
  /** Agents that the flow itself defines, by name. */
  readonly agents: Data
  readonly defaults: { readonly timeoutMs: number | undefined; readonly retry: RetryPolicy }
}

/** Reads a node or body. The caller keeps the result only when the document turns out to be whole. */
export const work = (source: Source, place: Fields.Place, folding: Folding): Work => {
  const { fields, type } = source
  const { report } = folding.scope
  refuseExpressions(source, report)
  const timeout = duration(fields, "timeout", source.pointer, report, 1)
  const effect = Effects.effectOf(source, folding.agents, report)
  const receiptMs = Effects.receiptOf(source, effect, report)
  return {
    type,
    definition: fields as unknown as Flow.Node | Flow.Body,
    timeoutMs: timeout ?? (defaultedTypes.has(type) ? folding.defaults.timeoutMs : undefined),
    retry: retryOf(source, folding),
    onFailure: (own(fields, "onFailure") ?? "fail") as Work["onFailure"],
    effect,
    budget: budget(fields, source.pointer, report),
    ...(receiptMs === undefined ? {} : { receiptMs }),
    fields: templates(source, place, folding.scope),
    call: callOf(source)
  }
}

/** The flow that a pinned document names by its address; a name or an inline flow is pinned when a run is accepted. */
const callOf = ({ fields, type }: Source): FlowCall | undefined => {
  const flow = own(fields, "flow")
  return type === "flow" && Child.isCall(flow) ? flow : undefined
}

const templates = (
  source: Source,
  place: Fields.Place,
  scope: Fields.Scope
): { readonly [field: string]: Template } => {
  const found: { [field: string]: Template } = {}
  for (const field of [...templateFields[source.type], "input", "select"]) {
    const value = own(source.fields, field)
    if (value === undefined) continue
    const compiled = Fields.template(value, `${source.pointer}/${field}`, placeOf(field, source, place), scope)
    if (compiled !== undefined) found[field] = compiled
  }
  return found
}

const placeOf = (field: string, { type }: Source, place: Fields.Place): Fields.Place => {
  if (field === "select") return { ...place, names: [...place.names, "output"] }
  return type === "http" && field !== "input" ? { ...place, secrets: true } : place
}

const refuseExpressions = ({ fields, pointer }: Source, report: Report): void => {
  for (const field of plainFields) {
    const value = own(fields, field)
    if (typeof value !== "string" || !value.includes("${")) continue
    report.add("EXPRESSION_NOT_ALLOWED", `${pointer}/${field}`, `${field} is a fixed name; it takes no expression.`)
  }
}

/** Milliseconds of a duration field of at least `least`; `undefined` when absent or faulty. */
export const duration = (
  fields: Data,
  field: string,
  pointer: string,
  report: Report,
  least = 0
): number | undefined => {
  const text = own(fields, field)
  if (typeof text !== "string") return undefined
  const ms = DurationText.parse(text)
  if (ms !== undefined && ms >= least) return ms
  const message = ms === undefined ? `${quote(text)} is too long.` : `${field} has to be longer than that.`
  report.add("OUT_OF_RANGE", `${pointer}/${field}`, message, { expected: `${least}ms to 3650d` })
  return undefined
}

/** The field `budget`, if there is one; a faulty one is reported. */
export const budget = (fields: Data, pointer: string, report: Report): Amounts | undefined => {
  const given = own(fields, "budget")
  if (given === undefined || !isFields(given)) return undefined
  const read = Amount.ofBudget(given)
  if (Result.isSuccess(read)) return read.success
  const { expected, message, name } = read.failure
  report.add("BAD_BUDGET", `${pointer}/budget${name === "" ? "" : `/${name}`}`, `${message}.`, { expected })
  return undefined
}

/** A number inside a range, or `otherwise` when absent; a faulty one is reported. */
export const ranged = (
  value: Json | undefined,
  range: readonly [least: number, most: number],
  otherwise: number,
  pointer: string,
  report: Report
): number => {
  if (typeof value !== "number") return otherwise
  const [least, most] = range
  if (value >= least && value <= most) return value
  const expected = most === Infinity ? `${least} or more` : `${least} to ${most}`
  report.add("OUT_OF_RANGE", pointer, `${value} is outside the range.`, { expected })
  return otherwise
}

const retryOf = (source: Source, { defaults, scope }: Folding): RetryPolicy => {
  const given = own(source.fields, "retry")
  if (given !== undefined && !workerTypes.has(source.type)) {
    const hint = source.type === "map" || source.type === "repeat" ? "; put it on each" : ""
    scope.report.add(
      "RETRY_NOT_ALLOWED",
      `${source.pointer}/retry`,
      `A ${source.type} is not retried as a whole${hint}.`
    )
    return defaultRetry
  }
  const base = defaultedTypes.has(source.type) ? defaults.retry : defaultRetry
  return given === undefined ? base : retry(given, `${source.pointer}/retry`, base, scope.report)
}

/** Folds a retry setting over what holds otherwise. */
export const retry = (value: Json, pointer: string, base: RetryPolicy, report: Report): RetryPolicy => {
  if (!isFields(value)) return base
  const initialMs = duration(value, "initial", pointer, report) ?? base.initialMs
  const on = own(value, "on")
  const jitter = own(value, "jitter")
  return {
    attempts: ranged(own(value, "attempts"), [1, 10], base.attempts, `${pointer}/attempts`, report),
    initialMs,
    factor: ranged(own(value, "factor"), [1, 100], base.factor, `${pointer}/factor`, report),
    maxMs: Math.max(duration(value, "max", pointer, report) ?? base.maxMs, initialMs),
    jitter: typeof jitter === "boolean" ? jitter : base.jitter,
    on: Array.isArray(on) ? retryKinds(on, pointer, report) : base.on
  }
}

const kinds = [
  "network",
  "timeout",
  "http",
  "api",
  "validation",
  "configuration",
  "policy",
  "expression",
  "child",
  "io",
  "internal"
]

const retryKinds = (on: ReadonlyArray<Json>, pointer: string, report: Report): ReadonlyArray<string> => {
  const names = on.map(String)
  for (const [index, name] of names.entries()) {
    if (kinds.includes(name) || /^[1-5](\d\d|xx)$/.test(name)) continue
    const detail = { expected: `${kinds.join(", ")}, 429 or 5xx`, suggestion: report.nearest(name, kinds) }
    report.add("WRONG_TYPE", `${pointer}/on/${index}`, `${quote(name)} is no kind of error.`, detail)
  }
  return names
}

export const methods: ReadonlyArray<string> = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

/** Checks that belong to one type and need no graph. */
export const checkType = ({ fields, pointer, type }: Source, report: Report): void => {
  const method = own(fields, "method")
  if (type === "http" && typeof method === "string" && !methods.includes(method)) {
    const detail = { expected: methods.join(", "), suggestion: report.nearest(method.toUpperCase(), methods) }
    report.add("WRONG_TYPE", `${pointer}/method`, `${quote(method)} is no HTTP method.`, detail)
  }
  const url = own(fields, "url")
  if (type === "http" && typeof url === "string" && !isUrl(url)) {
    report.add("BAD_URL", `${pointer}/url`, `${quote(url)} is no URL.`, { expected: "an absolute http or https URL" })
  }
  if (type === "agent") checkDefinition(own(fields, "agent"), `${pointer}/agent`, report)
}

/** With expressions in it, as much of a URL as is fixed is checked. */
const isUrl = (url: string): boolean => {
  const open = url.indexOf("${")
  if (open === 0) return true
  const fixed = open === -1 ? url : url.slice(0, open)
  if (open === -1) return /^https?:\/\//i.test(url) && URL.canParse(url)
  return /^https?:\/\/./i.test(fixed) || "https://".startsWith(fixed.toLowerCase()) || /^https?:\/\/$/i.test(fixed)
}

const checkDefinition = (value: Json | undefined, pointer: string, report: Report): void => {
  if (Array.isArray(value) && value.length === 0) {
    report.add("OUT_OF_RANGE", pointer, "The list of agents is empty.", { expected: "at least one agent" })
  }
  if (value !== undefined && isFields(value)) agentDefinition(value, pointer, report)
}

/** An agent is either bound to another one or written in place. */
export const agentDefinition = (definition: Data, pointer: string, report: Report): void => {
  if (own(definition, "use") === undefined && own(definition, "instructions") === undefined) {
    const detail = { expected: "use: NAME, or instructions" }
    report.add("MISSING_FIELD", pointer, "The agent has neither use nor instructions.", detail)
  }
  ranged(own(definition, "temperature"), [0, 2], 0, `${pointer}/temperature`, report)
  ranged(own(definition, "maxOutputTokens"), [1, 1_000_000], 1, `${pointer}/maxOutputTokens`, report)
}
