/**
 * JSON Schema (draft 2020-12) for inputs and outputs, bounded in time whatever the schema and the value are.
 *
 * Own properties only, so that `required: ["toString"]` means what it says; patterns run without backtracking; `uniqueItems`
 * compares by a key and not pair by pair. See `JsonSchemaText` for what a schema may hold.
 */
import { isFields, own, resolve, type SchemaFault, type SchemaFields } from "./JsonSchemaText.ts"
import * as JsonSchemaText from "./JsonSchemaText.ts"
import * as Pattern from "./Pattern.ts"
import type { Json } from "./Value.ts"

export interface Violation {
  /** JSON pointer into the value. */
  readonly pointer: string
  readonly message: string
}

/** Most violations that are listed. */
export const violationsMax = 20
/** Most steps of one validation: keywords applied, characters matched. */
export const stepsMax = 10_000_000
/** Deepest nesting of schemas and values together. */
export const depthMax = 256

/** What is wrong with the schema itself. */
export const check = (schema: Json): ReadonlyArray<SchemaFault> => JsonSchemaText.check(schema)

/**
 * What is wrong with the value; nothing: it is valid. Use it with schemas that `check` accepts; with others it answers one
 * violation that says so. Never throws.
 */
export const validate = (schema: Json, value: Json): ReadonlyArray<Violation> => {
  if (!sound(schema)) return [{ pointer: "", message: "The schema itself is invalid." }]
  const run: Run = { root: schema, steps: stepsMax, references: new Map() }
  const found: Array<Violation> = []
  try {
    apply(schema, value, "", { run, found, depth: 0 })
  } catch (cause) {
    found.push({ pointer: "", message: cause instanceof Excess ? cause.message : "The value cannot be checked." })
  }
  return found.slice(0, violationsMax)
}

export const isValid = (schema: Json, value: Json): boolean => validate(schema, value).length === 0

const knownSound = new WeakSet<object>()

const sound = (schema: Json): boolean => {
  if (typeof schema === "boolean") return true
  if (typeof schema === "object" && schema !== null && knownSound.has(schema)) return true
  const good = JsonSchemaText.check(schema).length === 0
  if (good && typeof schema === "object" && schema !== null) knownSound.add(schema)
  return good
}

class Excess extends Error {}

interface Run {
  readonly root: Json
  readonly references: Map<string, Json>
  steps: number
}

interface At {
  readonly run: Run
  readonly found: Array<Violation>
  readonly depth: number
}

type Keyword = (value: Json, pointer: string, setting: Json, schema: SchemaFields, at: At) => void

const spend = (run: Run, steps: number): void => {
  run.steps -= steps
  if (run.steps < 0) throw new Excess("Checking the value takes too many steps.")
}

const apply = (schema: Json, value: Json, pointer: string, at: At): void => {
  spend(at.run, 1)
  if (schema === false) return fail(at, pointer, "is not allowed")
  if (!isFields(schema)) return
  if (at.depth > depthMax) throw new Excess(`Schemas and values are nested deeper than ${depthMax}.`)
  const inner = { ...at, depth: at.depth + 1 }
  for (const name of Object.keys(schema)) {
    const keyword = Object.hasOwn(keywords, name) ? keywords[name] : undefined
    if (keyword === undefined) continue
    spend(at.run, 1)
    keyword(value, pointer, schema[name] ?? null, schema, inner)
  }
}

const fail = (at: At, pointer: string, message: string): void => {
  if (at.found.length >= violationsMax) return
  at.found.push({ pointer, message: `${pointer === "" ? "The value" : name(pointer)} ${message}.` })
}

const name = (pointer: string): string => {
  const last = pointer.slice(pointer.lastIndexOf("/") + 1).replaceAll("~1", "/").replaceAll("~0", "~")
  return `'${last.slice(0, 80)}'`
}

/** Whether a subschema accepts the value. */
const accepts = (schema: Json, value: Json, pointer: string, at: At): boolean => {
  const found: Array<Violation> = []
  apply(schema, value, pointer, { ...at, found })
  return found.length === 0
}

const typeOf = (value: Json): string => value === null ? "null" : Array.isArray(value) ? "array" : typeof value

const isType = (value: Json, type: string): boolean =>
  type === "integer" ? Number.isInteger(value) : typeOf(value) === type

/** One text per value, equal exactly for equal values. */
const keyOf = (value: Json, run: Run): string => {
  spend(run, 1)
  if (typeof value !== "object" || value === null) {
    if (typeof value === "string") spend(run, value.length)
    return JSON.stringify(value === 0 ? 0 : value)
  }
  if (Array.isArray(value)) return `[${value.map((item) => keyOf(item, run)).join(",")}]`
  const entries = Object.entries(value).toSorted(([one], [other]) => one < other ? -1 : 1)
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${keyOf(item, run)}`).join(",")}}`
}

const lengthOf = (text: string, run: Run): number => {
  spend(run, Math.ceil(text.length / 16))
  let count = 0
  for (const _ of text) count++
  return count
}

const matches = (source: string, text: string, run: Run): boolean => {
  const pattern = Pattern.compile(source)
  if (typeof pattern === "string") return false
  const answer = Pattern.test(pattern, text, run.steps)
  if (answer === undefined) throw new Excess("A pattern takes too many steps on this value.")
  spend(run, answer.steps)
  return answer.found
}

const isMultiple = (value: number, of: number): boolean => {
  const quotient = value / of
  return Math.abs(quotient - Math.round(quotient)) <= 1e-9 * Math.max(1, Math.abs(quotient)) &&
    Number.isFinite(quotient)
}

const limit =
  (test: (value: number, limit: number) => boolean, words: string): Keyword => (value, pointer, setting, _, at) => {
    if (typeof value === "number" && !test(value, Number(setting))) fail(at, pointer, `${words} ${Number(setting)}`)
  }

const size = (
  measure: (value: Json, run: Run) => number | undefined,
  test: (value: number, limit: number) => boolean,
  words: (limit: number) => string
): Keyword =>
(value, pointer, setting, _, at) => {
  const measured = measure(value, at.run)
  if (measured !== undefined && !test(measured, Number(setting))) fail(at, pointer, words(Number(setting)))
}
const atMost = (value: number, limit: number): boolean => value <= limit
const atLeast = (value: number, limit: number): boolean => value >= limit
const textLength = (value: Json, run: Run) => typeof value === "string" ? lengthOf(value, run) : undefined
const listLength = (value: Json) => Array.isArray(value) ? value.length : undefined
const keyCount = (value: Json) => isFields(value) ? Object.keys(value).length : undefined

const child = (pointer: string, key: string | number): string =>
  `${pointer}/${typeof key === "number" ? key : key.replaceAll("~", "~0").replaceAll("/", "~1")}`

const asList = (setting: Json): ReadonlyArray<Json> => Array.isArray(setting) ? setting : []

const additional: Keyword = (value, pointer, setting, schema, at) => {
  if (!isFields(value)) return
  const properties = own(schema, "properties")
  const patterns = own(schema, "patternProperties")
  const sources = isFields(patterns) ? Object.keys(patterns) : []
  for (const [key, item] of Object.entries(value)) {
    if (isFields(properties) && Object.hasOwn(properties, key)) continue
    if (sources.some((source) => matches(source, key, at.run))) continue
    if (setting === false) fail(at, child(pointer, key), "is not allowed here")
    else apply(setting, item, child(pointer, key), at)
  }
}

const contains: Keyword = (value, pointer, setting, schema, at) => {
  if (!Array.isArray(value)) return
  const found = value.filter((item, index) => accepts(setting, item, child(pointer, index), at)).length
  const least = Number(own(schema, "minContains") ?? 1)
  const most = Number(own(schema, "maxContains") ?? Infinity)
  if (found < least) fail(at, pointer, `needs at least ${least} matching item${least === 1 ? "" : "s"}`)
  if (found > most) fail(at, pointer, `may have at most ${most} matching items`)
}

const required = (names: ReadonlyArray<Json>, value: Json, pointer: string, at: At): void => {
  if (!isFields(value)) return
  for (const key of names) if (!Object.hasOwn(value, String(key))) fail(at, pointer, `has no '${String(key)}'`)
}

const unique: Keyword = (value, pointer, setting, _, at) => {
  if (setting !== true || !Array.isArray(value)) return
  const seen = new Set<string>()
  for (const [index, item] of value.entries()) {
    const key = keyOf(item, at.run)
    if (seen.has(key)) return fail(at, child(pointer, index), "is there twice")
    seen.add(key)
  }
}

const properties = (setting: Json, value: Json, pointer: string, at: At): void => {
  if (!isFields(value) || !isFields(setting)) return
  for (const [key, schema] of Object.entries(setting)) {
    const item = own(value, key)
    if (item !== undefined) apply(schema, item, child(pointer, key), at)
  }
}

const patternProperties = (setting: Json, value: Json, pointer: string, at: At): void => {
  if (!isFields(value) || !isFields(setting)) return
  for (const [source, schema] of Object.entries(setting)) {
    for (const [key, item] of Object.entries(value)) {
      if (matches(source, key, at.run)) apply(schema, item, child(pointer, key), at)
    }
  }
}

const anyOf: Keyword = (value, pointer, setting, _, at) => {
  const branches = asList(setting).map((schema) => {
    const found: Array<Violation> = []
    apply(schema, value, pointer, { ...at, found })
    return found
  })
  if (branches.some((found) => found.length === 0)) return
  const only = branches.length === 1 ? branches[0] : undefined
  if (only !== undefined) {
    for (const violation of only) {
      fail(at, violation.pointer, "fits none of the allowed forms")
    }
  } else fail(at, pointer, "fits none of the allowed forms")
}

const oneOf: Keyword = (value, pointer, setting, _, at) => {
  const count = asList(setting).filter((schema) => accepts(schema, value, pointer, at)).length
  if (count === 0) fail(at, pointer, "fits none of the allowed forms")
  if (count > 1) fail(at, pointer, "fits more than one of the forms that exclude each other")
}

const condition: Keyword = (value, pointer, setting, schema, at) => {
  const next = own(schema, accepts(setting, value, pointer, at) ? "then" : "else")
  if (next !== undefined) apply(next, value, pointer, at)
}

const reference: Keyword = (value, pointer, setting, _, at) => {
  const key = String(setting)
  let target = at.run.references.get(key)
  if (target === undefined) {
    target = resolve(at.run.root, key) ?? false
    at.run.references.set(key, target)
  }
  apply(target, value, pointer, at)
}

const keywords: { readonly [keyword: string]: Keyword } = {
  $ref: reference,
  type: (value, pointer, setting, _, at) => {
    const types = Array.isArray(setting) ? setting.map(String) : [String(setting)]
    if (!types.some((type) => isType(value, type))) {
      fail(at, pointer, `should be ${types.join(" or ")}, not ${typeOf(value)}`)
    }
  },
  enum: (value, pointer, setting, _, at) => {
    const key = keyOf(value, at.run)
    const allowed = asList(setting).map((item) => keyOf(item, at.run))
    if (!allowed.includes(key)) fail(at, pointer, `should be one of ${allowed.join(", ").slice(0, 200)}`)
  },
  const: (value, pointer, setting, _, at) => {
    const key = keyOf(setting, at.run)
    if (keyOf(value, at.run) !== key) fail(at, pointer, `should be ${key.slice(0, 200)}`)
  },
  multipleOf: limit(isMultiple, "should be a multiple of"),
  maximum: limit(atMost, "should be at most"),
  minimum: limit(atLeast, "should be at least"),
  exclusiveMaximum: limit((value, most) => value < most, "should be below"),
  exclusiveMinimum: limit((value, least) => value > least, "should be above"),
  maxLength: size(textLength, atMost, (_) => `should have at most ${_} characters`),
  minLength: size(textLength, atLeast, (_) => `should have at least ${_} characters`),
  pattern: (value, pointer, setting, _, at) => {
    if (typeof value !== "string" || matches(String(setting), value, at.run)) return
    fail(at, pointer, `should match ${String(setting).slice(0, 100)}`)
  },
  maxItems: size(listLength, atMost, (_) => `should have at most ${_} items`),
  minItems: size(listLength, atLeast, (_) => `should have at least ${_} items`),
  uniqueItems: unique,
  contains,
  maxProperties: size(keyCount, atMost, (_) => `should have at most ${_} members`),
  minProperties: size(keyCount, atLeast, (_) => `should have at least ${_} members`),
  required: (value, pointer, setting, _, at) => required(asList(setting), value, pointer, at),
  dependentRequired: (value, pointer, setting, _, at) => {
    if (!isFields(value) || !isFields(setting)) return
    for (const [key, names] of Object.entries(setting)) {
      if (Object.hasOwn(value, key)) required(asList(names), value, pointer, at)
    }
  },
  dependentSchemas: (value, pointer, setting, _, at) => {
    if (!isFields(value) || !isFields(setting)) return
    for (const [key, schema] of Object.entries(setting)) {
      if (Object.hasOwn(value, key)) apply(schema, value, pointer, at)
    }
  },
  prefixItems: (value, pointer, setting, _, at) => {
    if (!Array.isArray(value)) return
    for (const [index, schema] of asList(setting).entries()) {
      const item = value[index]
      if (item !== undefined) apply(schema, item, child(pointer, index), at)
    }
  },
  items: (value, pointer, setting, schema, at) => {
    if (!Array.isArray(value)) return
    const from = asList(own(schema, "prefixItems") ?? null).length
    for (let index = from; index < value.length; index++) {
      apply(setting, value[index] ?? null, child(pointer, index), at)
    }
  },
  properties: (value, pointer, setting, _, at) => properties(setting, value, pointer, at),
  patternProperties: (value, pointer, setting, _, at) => patternProperties(setting, value, pointer, at),
  additionalProperties: additional,
  propertyNames: (value, pointer, setting, _, at) => {
    if (!isFields(value)) return
    for (const key of Object.keys(value)) apply(setting, key, child(pointer, key), at)
  },
  allOf: (value, pointer, setting, _, at) => {
    for (const schema of asList(setting)) apply(schema, value, pointer, at)
  },
  anyOf,
  oneOf,
  not: (value, pointer, setting, _, at) => {
    if (accepts(setting, value, pointer, at)) fail(at, pointer, "has a form that is excluded")
  },
  if: condition
}
