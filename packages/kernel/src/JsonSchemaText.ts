/**
 * Is a JSON Schema one that we can apply? Draft 2020-12; wrong keyword values, remote references, references that lead
 * nowhere or round in a circle, and patterns that would need backtracking are reported, each with its pointer.
 *
 * `format` and unknown keywords are annotations, as the draft has it. `$dynamicRef`, `unevaluated…` and an `$id` below the
 * root are refused instead of being ignored, because ignoring them would accept what the author meant to refuse.
 */
import * as Pattern from "./Pattern.ts"
import type { Json } from "./Value.ts"

export interface SchemaFault {
  readonly pointer: string
  readonly message: string
}

/** Most subschemas of one schema. */
export const schemasMax = 10_000
/** Deepest nesting of subschemas. */
export const depthMax = 64

export type SchemaFields = { readonly [keyword: string]: Json }
export const isFields = (value: Json | undefined): value is SchemaFields =>
  typeof value === "object" && value !== null && !Array.isArray(value)
export const own = (schema: SchemaFields, keyword: string): Json | undefined =>
  Object.hasOwn(schema, keyword) ? schema[keyword] : undefined
const escape = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1")

/** Keywords whose value is a schema, by whether it applies to the same value or to a part of it. */
const inPlace = ["not", "if", "then", "else"]
const onPart = ["items", "contains", "additionalProperties", "propertyNames"]
const inPlaceLists = ["allOf", "anyOf", "oneOf"]
const partMaps = ["properties", "patternProperties"]
const refused = ["$dynamicRef", "$dynamicAnchor", "$recursiveRef", "unevaluatedProperties", "unevaluatedItems"]
export const types = ["null", "boolean", "object", "array", "number", "string", "integer"]

/** Everything that is wrong with a schema; none: it can be applied. */
export const check = (schema: Json): ReadonlyArray<SchemaFault> => {
  const checker = new Checker(schema)
  checker.schema(schema, "", 0)
  checker.circles()
  return checker.faults
}

/** The subschema that a local reference names; `undefined` when it leads nowhere or away. */
export const resolve = (root: Json, reference: string): Json | undefined => {
  if (!reference.startsWith("#")) return undefined
  const fragment = decode(reference.slice(1))
  if (fragment === undefined) return undefined
  if (fragment === "") return root
  if (!fragment.startsWith("/")) return anchored(root, fragment, 0)
  let at: Json | undefined = root
  for (const token of fragment.slice(1).split("/").map((_) => _.replaceAll("~1", "/").replaceAll("~0", "~"))) {
    if (Array.isArray(at)) at = /^(0|[1-9]\d{0,8})$/.test(token) ? at[Number(token)] : undefined
    else at = isFields(at) ? own(at, token) : undefined
  }
  return at
}

const decode = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const anchored = (schema: Json, name: string, depth: number): Json | undefined => {
  if (depth > depthMax * 2 || typeof schema !== "object" || schema === null) return undefined
  if (isFields(schema) && own(schema, "$anchor") === name) return schema
  for (const part of Object.values(schema)) {
    const found = anchored(part, name, depth + 1)
    if (found !== undefined) return found
  }
  return undefined
}

type Rule = (value: Json) => string | undefined
const count: Rule = (value) =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 ? undefined : "a whole number of 0 or more"
const number: Rule = (value) => typeof value === "number" ? undefined : "a number"
const text: Rule = (value) => typeof value === "string" ? undefined : "a string"
const flag: Rule = (value) => typeof value === "boolean" ? undefined : "true or false"
const names: Rule = (value) =>
  Array.isArray(value) && value.every((_) => typeof _ === "string") ? undefined : "a list of names"
const type: Rule = (value) => {
  const list = Array.isArray(value) ? value : [value]
  return list.length > 0 && list.every((_) => typeof _ === "string" && types.includes(_))
    ? undefined
    : `one of ${types.join(", ")}`
}

const rules: { readonly [keyword: string]: Rule } = {
  type,
  enum: (value) => Array.isArray(value) ? undefined : "a list",
  multipleOf: (value) => typeof value === "number" && value > 0 ? undefined : "a number above 0",
  maximum: number,
  exclusiveMaximum: number,
  minimum: number,
  exclusiveMinimum: number,
  maxLength: count,
  minLength: count,
  maxItems: count,
  minItems: count,
  uniqueItems: flag,
  maxContains: count,
  minContains: count,
  maxProperties: count,
  minProperties: count,
  required: names,
  dependentRequired: (value) =>
    isFields(value) && Object.values(value).every((_) => names(_) === undefined) ? undefined : "lists of names",
  $ref: text,
  $anchor: text,
  pattern: text
}

class Checker {
  readonly root: Json
  readonly faults: Array<SchemaFault> = []
  readonly visited = new Set<Json>()
  /** In-place steps from one subschema to another: a circle of them would never end. */
  readonly steps = new Map<Json, Array<Json>>()
  count = 0
  constructor(root: Json) {
    this.root = root
  }

  fault(pointer: string, message: string): void {
    if (this.faults.length < 50) this.faults.push({ pointer, message })
  }

  schema(schema: Json, pointer: string, depth: number): void {
    if (typeof schema === "boolean") return
    if (!isFields(schema)) return this.fault(pointer, "A schema is an object, true or false.")
    if (depth > depthMax) return this.fault(pointer, `Schemas are nested deeper than ${depthMax}.`)
    if (this.visited.has(schema)) return
    this.visited.add(schema)
    if (++this.count > schemasMax) return this.fault(pointer, `There are more than ${schemasMax} schemas.`)
    this.keywords(schema, pointer)
    this.reference(schema, pointer, depth)
    const sub = (value: Json, path: string, samePlace: boolean): void => {
      if (samePlace) this.step(schema, value)
      this.schema(value, `${pointer}/${path}`, depth + 1)
    }
    for (const keyword of [...inPlace, ...onPart]) {
      const value = own(schema, keyword)
      if (value !== undefined) sub(value, keyword, inPlace.includes(keyword))
    }
    for (const keyword of [...inPlaceLists, "prefixItems"]) this.list(schema, keyword, pointer, sub)
    for (const keyword of [...partMaps, "$defs", "definitions", "dependentSchemas"]) {
      this.map(schema, keyword, pointer, sub)
    }
  }

  keywords(schema: SchemaFields, pointer: string): void {
    for (const [keyword, value] of Object.entries(schema)) {
      const expected = Object.hasOwn(rules, keyword) ? rules[keyword]?.(value) : undefined
      if (expected !== undefined) this.fault(`${pointer}/${escape(keyword)}`, `${keyword} should be ${expected}.`)
      if (refused.includes(keyword)) this.fault(`${pointer}/${keyword}`, `${keyword} is not supported.`)
    }
    if (pointer !== "" && own(schema, "$id") !== undefined) {
      this.fault(`${pointer}/$id`, "$id is supported at the root of a schema only.")
    }
    if (Array.isArray(own(schema, "items"))) {
      this.fault(`${pointer}/items`, "items is one schema; a list of them is called prefixItems.")
    }
    const pattern = own(schema, "pattern")
    if (typeof pattern === "string") this.pattern(pattern, `${pointer}/pattern`)
    const patterns = own(schema, "patternProperties")
    if (isFields(patterns)) {
      for (const key of Object.keys(patterns)) this.pattern(key, `${pointer}/patternProperties/${escape(key)}`)
    }
  }

  pattern(source: string, pointer: string): void {
    const compiled = Pattern.compile(source)
    if (typeof compiled === "string") this.fault(pointer, compiled)
  }

  reference(schema: SchemaFields, pointer: string, depth: number): void {
    const reference = own(schema, "$ref")
    if (typeof reference !== "string") return
    if (!reference.startsWith("#")) {
      return this.fault(`${pointer}/$ref`, "A reference leads to a part of the same schema, such as #/$defs/name.")
    }
    const target = resolve(this.root, reference)
    if (target === undefined) return this.fault(`${pointer}/$ref`, `${reference.slice(0, 80)} leads nowhere.`)
    this.step(schema, target)
    this.schema(target, reference.startsWith("#/") ? reference.slice(1) : pointer, depth + 1)
  }

  list(
    schema: SchemaFields,
    keyword: string,
    pointer: string,
    sub: (value: Json, path: string, samePlace: boolean) => void
  ): void {
    const value = own(schema, keyword)
    if (value === undefined) return
    if (!Array.isArray(value) || value.length === 0) {
      return this.fault(`${pointer}/${keyword}`, `${keyword} should be a list of schemas that is not empty.`)
    }
    for (const [index, item] of value.entries()) sub(item, `${keyword}/${index}`, keyword !== "prefixItems")
  }

  map(
    schema: SchemaFields,
    keyword: string,
    pointer: string,
    sub: (value: Json, path: string, samePlace: boolean) => void
  ): void {
    const value = own(schema, keyword)
    if (value === undefined) return
    if (!isFields(value)) return this.fault(`${pointer}/${keyword}`, `${keyword} should be an object of schemas.`)
    for (const [key, item] of Object.entries(value)) {
      sub(item, `${keyword}/${escape(key)}`, keyword === "dependentSchemas")
    }
  }

  step(from: Json, to: Json): void {
    const steps = this.steps.get(from)
    if (steps === undefined) this.steps.set(from, [to])
    else steps.push(to)
  }

  /** Reports references that come back to themselves without reading any part of the value. */
  circles(): void {
    const state = new Map<Json, "open" | "done">()
    for (const start of this.steps.keys()) {
      const stack: Array<{ readonly at: Json; next: number }> = [{ at: start, next: 0 }]
      while (stack.length > 0) {
        const top = stack.at(-1)
        if (top === undefined) break
        if (top.next === 0 && state.get(top.at) === "done") {
          stack.pop()
          continue
        }
        state.set(top.at, "open")
        const next = this.steps.get(top.at)?.[top.next++]
        if (next === undefined) {
          state.set(top.at, "done")
          stack.pop()
        } else if (state.get(next) === "open") {
          return this.fault("", "The schema refers to itself without reading any part of the value.")
        } else if (typeof next === "object") stack.push({ at: next, next: 0 })
      }
    }
  }
}
