/**
 * What one evaluation may cost, and the faults that end it. Every loop of the evaluator asks the meter first, so the limits
 * bound the time, whatever the expression and the data are.
 */
import type { Json } from "./Value.ts"

/** Most list elements and map keys that one evaluation visits, nested loops multiplied out. */
export const elementsMax = 100_000
/** Most tree nodes that one evaluation runs: bounds what is done to each element. */
export const stepsMax = 1_000_000
/** Most text that one evaluation reads or makes, in UTF-16 units, and most weight of its result. */
export const readMax = 4 * 1024 * 1024
/** Deepest nesting of a result. */
export const resultDepthMax = 128

/** Ends one evaluation; caught where the evaluation began. */
export class Fault extends Error {
  readonly limit: boolean
  at: number | undefined
  constructor(message: string, limit = false) {
    super(message)
    this.limit = limit
  }
}

export class Meter {
  elements = elementsMax
  steps = stepsMax
  units = readMax

  visit(count: number): void {
    this.elements -= count
    if (this.elements < 0) throw new Fault(`The expression visits more than ${elementsMax} elements.`, true)
  }

  run(count: number): void {
    this.steps -= count
    if (this.steps < 0) throw new Fault(`The expression takes more than ${stepsMax} steps.`, true)
  }

  read(count: number): void {
    this.units -= count
    if (this.units < 0) throw new Fault("The expression reads more than 4 MiB.", true)
  }
}

/** A value that may be absent: what `a.?b` gives. `undefined` is absence. */
export class Optional {
  readonly value: Json | undefined
  constructor(value: Json | undefined) {
    this.value = value
  }
}

export const absent = new Optional(undefined)
export type Operand = Json | Optional
export type Fields = { readonly [key: string]: Json }

export const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Optional)

export const isList = (value: unknown): value is ReadonlyArray<Json> => Array.isArray(value)

/** CEL's name of a value's type, for messages and `type()`. */
export const typeOf = (value: Operand): string => {
  if (value === null) return "null"
  if (value instanceof Optional) return "optional"
  if (isList(value)) return "list"
  switch (typeof value) {
    case "boolean":
      return "bool"
    case "number":
      return "double"
    case "string":
      return "string"
    default:
      return "map"
  }
}

/** The plain value of an operand; an optional one has to be settled with `.orValue()` first. */
export const plain = (value: Operand): Json => {
  if (value instanceof Optional) {
    throw new Fault("An optional value stands where a plain one is needed; settle it with .orValue(…).")
  }
  return value
}

export const asText = (value: Operand, what: string): string => {
  if (typeof value === "string") return value
  throw new Fault(`${what} needs a string, got ${typeOf(value)}.`)
}

export const asNumber = (value: Operand, what: string): number => {
  if (typeof value === "number") return value
  throw new Fault(`${what} needs a number, got ${typeOf(value)}.`)
}

export const asList = (value: Operand, what: string): ReadonlyArray<Json> => {
  if (isList(value)) return value
  throw new Fault(`${what} needs a list, got ${typeOf(value)}.`)
}

export const asBoolean = (value: Operand, what: string): boolean => {
  if (typeof value === "boolean") return value
  throw new Fault(`${what} needs a bool, got ${typeOf(value)}.`)
}

/** Numbers in JSON are finite. */
export const finite = (value: number, what: string): number => {
  if (Number.isFinite(value)) return value
  throw new Fault(`${what} does not give a number.`)
}

/** Sets an own member, whatever its name is: `__proto__` is a name like any other. */
export const put = (target: Record<string, Json>, key: string, value: Json): void => {
  if (key === "__proto__") {
    Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
  } else target[key] = value
}

/** Deep equality; values of different types are unequal. */
export const equal = (left: Json, right: Json, meter: Meter): boolean => {
  meter.run(1)
  if (typeof left === "string" && typeof right === "string") {
    if (left.length !== right.length) return false
    meter.read(left.length)
    return left === right
  }
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) return left === right
  if (isList(left)) {
    if (!isList(right) || left.length !== right.length) return false
    return left.every((item, index) => equal(item, right[index] ?? null, meter))
  }
  if (!isFields(left) || !isFields(right)) return false
  const keys = Object.keys(left)
  meter.run(keys.length)
  if (keys.length !== Object.keys(right).length) return false
  return keys.every((key) => Object.hasOwn(right, key) && equal(left[key] ?? null, right[key] ?? null, meter))
}

/** What a number, bracket or word weighs in units of text. */
const scalarWeight = 4

/** Refuses results that are too large or too deep to be stored: shared parts count once for each use. */
export const weigh = (value: Json, meter: Meter, depth = 0): void => {
  if (depth > resultDepthMax) throw new Fault(`The result is nested deeper than ${resultDepthMax}.`, true)
  if (typeof value === "string") return meter.read(value.length + scalarWeight)
  meter.read(scalarWeight)
  if (typeof value === "number") return void finite(value, "The result")
  if (typeof value !== "object" || value === null) return
  if (isList(value)) { for (const item of value) weigh(item, meter, depth + 1) }
  else if (isFields(value)) {
    for (const key of Object.keys(value)) {
      meter.read(key.length)
      weigh(value[key] ?? null, meter, depth + 1)
    }
  }
}

/** JSON text of a value, refused before it grows past the meter. */
export const jsonText = (value: Json, meter: Meter): string => {
  weigh(value, meter)
  return JSON.stringify(value)
}
