/** One node of the short form, or the body of a map or repeat, to its canonical form. */
import * as Child from "./Child.ts"
import * as CompileShape from "./CompileShape.ts"
import * as DurationText from "./DurationText.ts"
import { put } from "./ExpressionMeter.ts"
import { type Code, nearest } from "./Problem.ts"
import type { Json } from "./Value.ts"

export { put }
export const escape = CompileShape.escape
export const isFields = CompileShape.isFields
export const own = CompileShape.own
export type Fields = CompileShape.Fields
type Draft = { [key: string]: Json }

export interface Trail {
  readonly map: (canonical: string, source: string) => void
  readonly fault: (code: Code, pointer: string, message: string, expected?: string, suggestion?: string) => void
}

export interface Context {
  readonly trail: Trail
  readonly addEdge: (edge: Json, pointer: string) => void
  /** The canonical form of a flow inside this one. */
  readonly inline: (flow: Fields) => Json
}

export interface Place {
  readonly short: string
  readonly canonical: string
}

interface Naming {
  readonly type: string
  /** Reads the value of the naming key into the node's fields. */
  readonly read: (value: Json, draft: Draft, key: string, place: Place, context: Context) => void
}

const field = (type: string, target: string): Naming => ({
  type,
  read: (value, draft, key, place, { trail }) => {
    draft[target] = value
    trail.map(`${place.canonical}/${target}`, `${place.short}/${key}`)
  }
})

/** As `field`; an object names the type's fields one by one. */
const spread = (type: string, target: string, names: ReadonlyArray<string>): Naming => ({
  type,
  read: (value, draft, key, place, context) => {
    if (!isFields(value) || !Object.keys(value).every((name) => names.includes(name))) {
      return field(type, target).read(value, draft, key, place, context)
    }
    for (const [name, inner] of Object.entries(value)) {
      draft[name] = inner
      context.trail.map(`${place.canonical}/${name}`, `${place.short}/${key}/${name}`)
    }
  }
})

const http: Naming = {
  type: "http",
  read: (value, draft, key, place, { trail }) => {
    const match = typeof value === "string" ? /^([A-Za-z]{3,7})\s+(\S.*)$/s.exec(value.trim()) : null
    trail.map(`${place.canonical}/url`, `${place.short}/${key}`)
    if (match === null) draft["url"] = typeof value === "string" ? value.trim() : value
    else {
      draft["method"] = (match[1] ?? "").toUpperCase()
      draft["url"] = match[2] ?? ""
      trail.map(`${place.canonical}/method`, `${place.short}/${key}`)
    }
  }
}

const choice: Naming = {
  type: "choice",
  read: (value, draft, key, place, { trail }) => {
    trail.map(`${place.canonical}/rules`, `${place.short}/${key}`)
    if (!isFields(value)) {
      draft["rules"] = value
      return
    }
    draft["rules"] = Object.entries(value).map(([outcome, rule], index) => {
      trail.map(`${place.canonical}/rules/${index}`, `${place.short}/${key}/${escape(outcome)}`)
      trail.map(`${place.canonical}/rules/${index}/${escape(outcome)}`, `${place.short}/${key}/${escape(outcome)}`)
      return { [outcome]: rule }
    })
  }
}

const wait: Naming = {
  type: "wait",
  read: (value, draft, key, place, context) => {
    if (typeof value === "string" && DurationText.parse(value) !== undefined) {
      return field("wait", "for").read(value, draft, key, place, context)
    }
    spread("wait", "event", ["for", "until", "event"]).read(value, draft, key, place, context)
  }
}

const repeat: Naming = {
  type: "repeat",
  read: (value, draft, key, place, context) =>
    spread("repeat", "max", ["each", "until", "max"]).read(value, draft, key, place, context)
}

/** The key that says what a short node is. */
const namings: { readonly [key: string]: Naming } = {
  map: field("map", "over"),
  repeat,
  http,
  approval: spread("approval", "question", CompileShape.fieldsOf("approval")),
  file: field("file", "path"),
  wait,
  choice,
  value: field("transform", "value"),
  function: field("function", "function"),
  agent: field("agent", "agent"),
  flow: field("flow", "flow")
}

/** A flow written in place is a document of its own, in its own canonical form; its name may be left out. */
const inlineFlow = (value: Json, id: Json | undefined, context: Context): Json =>
  isFields(value) && !Child.isCall(value)
    ? context.inline({ name: typeof id === "string" ? id : "inline", ...value })
    : value

/** Short names of common fields. */
const renamed: { readonly [key: string]: string } = { outputSchema: "output", reuse: "receipt" }

/** Reads a node (`id` included) or a body, in either spelling. */
export const read = (node: Fields, place: Place, context: Context): Json => {
  const type = own(node, "type")
  const draft: Draft = {}
  const used = new Set(["id", "needs", "depends_on", "each"])
  if (typeof type === "string" || type !== undefined) put(draft, "type", type)
  else name(node, draft, used, place, context)
  for (const [key, value] of Object.entries(node)) {
    if (used.has(key)) continue
    const target = own(renamed as Fields, key)
    if (typeof target === "string") rename(draft, node, key, target, place.canonical, context, place.short)
    else put(draft, key, key === "retry" ? retryNames(value) : value)
  }
  each(node, draft, place, context)
  const called = own(draft, "flow")
  if (draft["type"] === "flow" && called !== undefined) draft["flow"] = inlineFlow(called, own(node, "id"), context)
  needs(node, place, context)
  return ordered(draft, own(node, "id"))
}

/** Finds the naming key and reads its value. */
const name = (node: Fields, draft: Draft, used: Set<string>, place: Place, context: Context): void => {
  const keys = Object.keys(namings).filter((key) => Object.hasOwn(node, key))
  const mapOfFlow = keys.length === 2 && keys.includes("map") && keys.includes("flow")
  const [key] = keys
  const naming = key === undefined ? undefined : namings[key]
  if (key === undefined || naming === undefined) {
    const expected = Object.keys(namings).join(", ")
    const near = Object.keys(node).map((_) => nearest(_, Object.keys(namings))).find((_) => _ !== undefined)
    context.trail.fault("NO_NODE_TYPE", place.short, "The node does not say what it is.", `one of ${expected}`, near)
    put(draft, "type", "transform")
    put(draft, "value", null)
    for (const other of Object.keys(node)) used.add(other)
    return
  }
  if (keys.length > 1 && !mapOfFlow) {
    const message = `The node says that it is ${keys.join(" and ")}.`
    context.trail.fault("AMBIGUOUS_NODE_TYPE", place.short, message, "one of them")
  }
  for (const other of keys) used.add(other)
  draft["type"] = naming.type
  naming.read(node[key] ?? null, draft, key, place, context)
  if (mapOfFlow) bodyOfFlow(node, draft, used, place, context)
}

/** `map` beside `flow`: each item runs the flow, and `input` is the flow's. */
const bodyOfFlow = (node: Fields, draft: Draft, used: Set<string>, place: Place, context: Context): void => {
  const body: Draft = { type: "flow", flow: node["flow"] ?? null }
  for (const key of ["flow", "input"]) {
    context.trail.map(`${place.canonical}/each/${key}`, `${place.short}/${key}`)
    used.add(key)
  }
  const input = own(node, "input")
  if (input !== undefined) body["input"] = input
  draft["each"] = body
}

const each = (node: Fields, draft: Draft, place: Place, context: Context): void => {
  const body = own(node, "each") ?? own(draft, "each")
  if (body === undefined) return
  if (!isFields(body)) {
    draft["each"] = body
    return
  }
  const nested = own(node, "each") === undefined && own(node, "repeat") !== undefined ? "repeat/each" : "each"
  const inner = { short: `${place.short}/${nested}`, canonical: `${place.canonical}/each` }
  context.trail.map(inner.canonical, inner.short)
  const called = own(body, "flow")
  const named = called === undefined ? body : { ...body, flow: inlineFlow(called, own(node, "id"), context) }
  draft["each"] = read(named, inner, context)
}

/** A field under its canonical name; both names at once are a fault. */
export const rename = (
  target: Draft,
  source: Fields,
  key: string,
  canonical: string,
  pointer: string,
  { trail }: Context,
  short = pointer
): void => {
  if (Object.hasOwn(source, canonical)) {
    trail.fault("DUPLICATE_KEY", `${short}/${key}`, `${key} and ${canonical} say the same; keep one.`)
    return
  }
  const value = source[key] ?? null
  if (canonical === "receipt" && value === false) return
  target[canonical] = canonical === "receipt" && value === true ? {} : value
  trail.map(`${pointer}/${canonical}`, `${short}/${key}`)
}

/** Statuses such as 429 are numbers in YAML and names in a retry policy. */
const retryNames = (retry: Json): Json => {
  const on = isFields(retry) ? own(retry, "on") : undefined
  if (!isFields(retry) || !Array.isArray(on)) return retry
  return { ...retry, on: on.map((_) => typeof _ === "number" ? String(_) : _) }
}

export const withRetry = (defaults: Fields): Json =>
  Object.hasOwn(defaults, "retry") ? { ...defaults, retry: retryNames(defaults["retry"] ?? null) } : defaults

const settled: { readonly [word: string]: string } = { succeeded: "success", failed: "failure", settled: "always" }

/** `needs: [a, b.failed]` to edges. */
const needs = (node: Fields, place: Place, context: Context): void => {
  for (const key of ["needs", "depends_on"]) {
    const value = own(node, key)
    if (value === undefined) continue
    const id = own(node, "id")
    const where = `${place.short}/${key}`
    const list = typeof value === "string" ? [value] : value
    if (!Array.isArray(list) || typeof id !== "string") {
      context.trail.fault("WRONG_TYPE", where, `${key} is a list of nodes.`, "a list such as [plan, gate.approved]")
      continue
    }
    for (const [index, need] of list.entries()) {
      const pointer = typeof value === "string" ? where : `${where}/${index}`
      const match = typeof need === "string" ? /^([^.]+)(?:\.([^.]+))?$/.exec(need.trim()) : null
      if (match === null) {
        const expected = "the id of a node, or id.outcome such as gate.approved"
        context.trail.fault("WRONG_TYPE", pointer, `${CompileShape.quote(need)} names no node.`, expected)
        continue
      }
      const outcome = match[2] ?? "succeeded"
      const on = own(settled as Fields, outcome) ?? outcome
      const edge = { from: match[1] ?? "", to: id }
      context.addEdge(on === "success" ? edge : { ...edge, on }, pointer)
    }
  }
}

/** The canonical order of keys: id, type, then as the schema lists them; what is unknown comes last. */
const ordered = (draft: Draft, id: Json | undefined): Json => {
  const known = typeof draft["type"] === "string" ? CompileShape.fieldsOf(draft["type"]) : []
  const result: Draft = id === undefined ? {} : { id }
  for (const key of ["type", ...known, ...Object.keys(draft)]) {
    const value = own(draft, key)
    if (value !== undefined && key !== "id") put(result, key, value)
  }
  return result
}
