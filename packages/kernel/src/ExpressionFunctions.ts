/**
 * The functions of expressions. A name with a leading dot is a method: its receiver is the first argument.
 *
 * Of CEL's standard library everything is here that makes sense for JSON; of its extensions, the text, list and math
 * functions that flows use. There are no bytes, timestamps or durations, since JSON has none.
 */
import {
  absent,
  asList,
  asNumber,
  asText,
  elementsMax,
  equal,
  Fault,
  finite,
  isFields,
  isList,
  jsonText,
  type Meter,
  type Operand,
  Optional,
  plain,
  put,
  typeOf
} from "./ExpressionMeter.ts"
import * as Pattern from "./Pattern.ts"
import * as TextSearch from "./TextSearch.ts"
import type { Json } from "./Value.ts"

type Call = (args: ReadonlyArray<Operand>, meter: Meter) => Operand
const first = (args: ReadonlyArray<Operand>): Operand => args[0] ?? null
const second = (args: ReadonlyArray<Operand>): Operand => args[1] ?? null

const text = (args: ReadonlyArray<Operand>, index: number, meter: Meter, what: string): string => {
  const value = asText(args[index] ?? null, what)
  meter.read(value.length)
  return value
}

const size: Call = (args, meter) => {
  const value = first(args)
  if (typeof value === "string") {
    meter.read(value.length)
    return TextSearch.size(value)
  }
  if (isList(value)) return value.length
  if (!isFields(value)) throw new Fault(`size() needs a string, list or map, got ${typeOf(value)}.`)
  const count = Object.keys(value).length
  meter.visit(count)
  return count
}

const toNumber = (value: Operand, what: string, meter: Meter): number => {
  if (typeof value === "number") return value
  if (typeof value === "string") {
    meter.read(value.length)
    if (/^[+-]?(\d{1,400}(\.\d{0,400})?|\.\d{1,400})([eE][+-]?\d{1,4})?$/.test(value)) {
      return finite(Number(value), what)
    }
    throw new Fault(`${what} cannot read this text as a number.`)
  }
  throw new Fault(`${what} needs a number or a string, got ${typeOf(value)}.`)
}

const toText: Call = (args, meter) => {
  const value = first(args)
  return typeof value === "string" ? value : jsonText(plain(value), meter)
}

const toBoolean: Call = (args) => {
  const value = first(args)
  if (typeof value === "boolean") return value
  if (value === "true") return true
  if (value === "false") return false
  throw new Fault("bool() needs true, false, or one of them as text.")
}

const position = (args: ReadonlyArray<Operand>, index: number, otherwise: number, size: number): number => {
  if (args.length <= index) return otherwise
  const value = asNumber(args[index] ?? null, "A position")
  if (!Number.isInteger(value) || value < 0 || value > size) {
    throw new Fault(`Position ${value} is outside 0 to ${size}.`)
  }
  return value
}

type Search = (text: string, needle: string) => number

/** The position, in characters, that a search answers. */
const find = (search: Search, args: ReadonlyArray<Operand>, meter: Meter, what: string): number => {
  const value = text(args, 0, meter, what)
  const at = search(value, text(args, 1, meter, what))
  return at <= 0 ? at : TextSearch.size(value.slice(0, at))
}

const substring: Call = (args, meter) => {
  const value = text(args, 0, meter, "substring()")
  const size = TextSearch.size(value)
  const start = position(args, 1, 0, size)
  const end = position(args, 2, size, size)
  if (end < start) throw new Fault("substring() ends before it starts.")
  return TextSearch.substring(value, start, end)
}

const slice: Call = (args, meter) => {
  const list = asList(first(args), "slice()")
  const start = position(args, 1, 0, list.length)
  const end = position(args, 2, list.length, list.length)
  meter.visit(Math.max(0, end - start))
  return list.slice(start, end)
}

const split: Call = (args, meter) => {
  const value = text(args, 0, meter, "split()")
  const separator = text(args, 1, meter, "split()")
  const parts = TextSearch.split(value, separator, elementsMax)
  meter.visit(parts.length)
  return parts
}

const join: Call = (args, meter) => {
  const list = asList(first(args), "join()")
  const separator = args.length > 1 ? asText(second(args), "join()") : ""
  meter.visit(list.length)
  meter.read(separator.length * list.length)
  const parts = list.map((item) => {
    const part = asText(item, "join()")
    meter.read(part.length)
    return part
  })
  return parts.join(separator)
}

const replace: Call = (args, meter) => {
  const value = text(args, 0, meter, "replace()")
  const search = text(args, 1, meter, "replace()")
  const substitute = text(args, 2, meter, "replace()")
  const parts = TextSearch.split(value, search, elementsMax)
  meter.visit(parts.length)
  meter.read(value.length + parts.length * substitute.length)
  return parts.join(substitute)
}

const matches: Call = (args, meter) => {
  const value = text(args, 0, meter, "matches()")
  const compiled = Pattern.compile(text(args, 1, meter, "matches()"))
  if (typeof compiled === "string") throw new Fault(`matches(): ${compiled}`)
  meter.run(compiled.size)
  const answer = Pattern.test(compiled, value, meter.steps)
  if (answer === undefined) throw new Fault("matches() takes too many steps.", true)
  meter.run(answer.steps)
  return answer.found
}

const flatten: Call = (args, meter) => {
  const result: Array<Json> = []
  for (const item of asList(first(args), "flatten()")) {
    meter.visit(isList(item) ? item.length + 1 : 1)
    if (isList(item)) { for (const inner of item) result.push(inner) }
    else result.push(item)
  }
  return result
}

const distinct: Call = (args, meter) => {
  const list = asList(first(args), "distinct()")
  meter.visit(list.length)
  const seen = new Set<Json>()
  const result: Array<Json> = []
  for (const item of list) {
    const scalar = typeof item !== "object" || item === null
    if (typeof item === "string") meter.read(item.length)
    const known = scalar ? seen.has(item) : result.some((other) => equal(item, other, meter))
    if (known) continue
    seen.add(item)
    result.push(item)
  }
  return result
}

const sort: Call = (args, meter) => {
  const list = asList(first(args), "sort()")
  meter.visit(list.length)
  return list.toSorted((left, right) => {
    meter.run(1)
    return compare(left, right, meter)
  })
}

/** Order of two numbers, strings (by UTF-16 unit) or booleans. */
export const compare = (left: Operand, right: Operand, meter: Meter): number => {
  if (typeof left === "string" && typeof right === "string") {
    meter.read(Math.min(left.length, right.length))
    return left < right ? -1 : left > right ? 1 : 0
  }
  if (
    (typeof left === "number" && typeof right === "number") || (typeof left === "boolean" && typeof right === "boolean")
  ) return Number(left) - Number(right)
  throw new Fault(`${typeOf(left)} and ${typeOf(right)} have no order.`)
}

const numbers = (args: ReadonlyArray<Operand>, what: string, meter: Meter): ReadonlyArray<number> => {
  const only = first(args)
  const list: ReadonlyArray<Operand> = args.length === 1 && isList(only) ? only : args
  meter.visit(list.length)
  if (list.length === 0) throw new Fault(`${what} needs at least one number.`)
  return list.map((item) => asNumber(item, what))
}

const optional = (value: Operand, what: string): Optional => {
  if (value instanceof Optional) return value
  throw new Fault(`${what} needs an optional value, got ${typeOf(value)}.`)
}

const isZero = (value: Json): boolean =>
  value === null || value === 0 || value === "" || value === false ||
  (typeof value === "object" && Object.keys(value).length === 0)

/** Members of the second map replace those of the first. */
const merge: Call = (args, meter) => {
  const result: Record<string, Json> = {}
  for (const map of args) {
    if (!isFields(map)) throw new Fault(`merge() needs maps, got ${typeOf(map)}.`)
    const keys = Object.keys(map)
    meter.visit(keys.length)
    for (const key of keys) put(result, key, map[key] ?? null)
  }
  return result
}

const rounding = (what: string, round: (value: number) => number): Call => (args) =>
  finite(round(asNumber(first(args), what)), what)

const lower = (value: string): string => value.replace(/[A-Z]+/g, (_) => _.toLowerCase())
const upper = (value: string): string => value.replace(/[a-z]+/g, (_) => _.toUpperCase())

const table = {
  "size": [1, 1, size],
  ".size": [1, 1, size],
  "string": [1, 1, toText],
  "double": [1, 1, (args, meter) => toNumber(first(args), "double()", meter)],
  "int": [1, 1, (args, meter) => Math.trunc(toNumber(first(args), "int()", meter))],
  "bool": [1, 1, toBoolean],
  "dyn": [1, 1, first],
  "type": [1, 1, (args) => typeOf(first(args))],
  ".contains": [2, 2, (args, meter) => find(TextSearch.indexOf, args, meter, "contains()") !== -1],
  ".startsWith": [
    2,
    2,
    (args, meter) => asText(first(args), "startsWith()").startsWith(text(args, 1, meter, "startsWith()"))
  ],
  ".endsWith": [2, 2, (args, meter) => asText(first(args), "endsWith()").endsWith(text(args, 1, meter, "endsWith()"))],
  ".matches": [2, 2, matches],
  "matches": [2, 2, matches],
  ".lowerAscii": [1, 1, (args, meter) => lower(text(args, 0, meter, "lowerAscii()"))],
  ".upperAscii": [1, 1, (args, meter) => upper(text(args, 0, meter, "upperAscii()"))],
  ".trim": [1, 1, (args, meter) => text(args, 0, meter, "trim()").trim()],
  ".indexOf": [2, 2, (args, meter) => find(TextSearch.indexOf, args, meter, "indexOf()")],
  ".lastIndexOf": [2, 2, (args, meter) => find(TextSearch.lastIndexOf, args, meter, "lastIndexOf()")],
  ".substring": [2, 3, substring],
  ".split": [2, 2, split],
  ".replace": [3, 3, replace],
  ".join": [1, 2, join],
  ".slice": [2, 3, slice],
  ".flatten": [1, 1, flatten],
  ".distinct": [1, 1, distinct],
  ".sort": [1, 1, sort],
  ".merge": [2, 2, merge],
  "math.greatest": [1, 32, (args, meter) => numbers(args, "math.greatest()", meter).reduce((a, b) => Math.max(a, b))],
  "math.least": [1, 32, (args, meter) => numbers(args, "math.least()", meter).reduce((a, b) => Math.min(a, b))],
  "math.sum": [
    1,
    32,
    (args, meter) => finite(numbers(args, "math.sum()", meter).reduce((a, b) => a + b, 0), "math.sum()")
  ],
  "math.abs": [1, 1, rounding("math.abs()", Math.abs)],
  "math.ceil": [1, 1, rounding("math.ceil()", Math.ceil)],
  "math.floor": [1, 1, rounding("math.floor()", Math.floor)],
  "math.round": [1, 1, rounding("math.round()", (_) => Math.sign(_) * Math.round(Math.abs(_)))],
  "math.trunc": [1, 1, rounding("math.trunc()", Math.trunc)],
  "optional.of": [1, 1, (args) => new Optional(plain(first(args)))],
  "optional.none": [0, 0, () => absent],
  "optional.ofNonZeroValue": [1, 1, (args) => isZero(plain(first(args))) ? absent : new Optional(plain(first(args)))],
  ".hasValue": [1, 1, (args) => optional(first(args), "hasValue()").value !== undefined],
  ".value": [1, 1, (args) => {
    const value = optional(first(args), "value()").value
    if (value === undefined) throw new Fault("value() of an absent value; use orValue(…).")
    return value
  }],
  ".or": [2, 2, (args) => {
    const value = optional(first(args), "or()")
    return value.value === undefined ? optional(second(args), "or()") : value
  }],
  ".orValue": [2, 2, (args) => optional(first(args), "orValue()").value ?? orNull(first(args), second(args))]
} as const satisfies { readonly [name: string]: readonly [least: number, most: number, call: Call] }

/** A present `null` stays null. */
const orNull = (value: Operand, otherwise: Operand): Operand =>
  value instanceof Optional && value.value === null ? null : plain(otherwise)

export type FunctionName = keyof typeof table
const calls: { readonly [name in FunctionName]: readonly [number, number, Call] } = table

/** How many arguments each function takes, least and most; a method's receiver counts. */
export const arities: { readonly [name in FunctionName]: readonly [number, number, ...Array<unknown>] } = table

export const call = (name: FunctionName, args: ReadonlyArray<Operand>, meter: Meter): Operand =>
  calls[name][2](args, meter)
