/**
 * JSON Patch (RFC 6902) over plain JSON, with JSON pointers (RFC 6901): all six operations, budgets for everything that can
 * grow, and only own members: `__proto__` and `constructor` are keys like any other.
 *
 * Total: any value yields a patch or a fault, and applying one a new document or a fault. Neither the document nor the
 * patch is changed; what the patch leaves alone is shared between the old document and the new one.
 */
import * as Result from "effect/Result"
import { put } from "./ExpressionMeter.ts"
import * as JsonBounds from "./JsonBounds.ts"
import type { Json } from "./Value.ts"

export interface Bounds {
  /** Most operations of one patch. */
  readonly operationsMax: number
  /** Most values that one patch brings in, copies included; scalars, lists and objects each count one. */
  readonly valuesMax: number
  /** Most text that one patch brings in, keys and copies included, in UTF-16 units. */
  readonly textMax: number
  /** Deepest nesting of the result where the patch has put something; a scalar has depth 0. */
  readonly depthMax: number
  /** Longest pointer, in UTF-16 units. */
  readonly pointerLengthMax: number
}

export const defaultBounds: Bounds = {
  operationsMax: 500,
  valuesMax: 100_000,
  textMax: 4 * 1024 * 1024,
  depthMax: 128,
  pointerLengthMax: 4096
}

export type Tokens = ReadonlyArray<string>

export type Operation =
  | { readonly op: "add" | "replace" | "test"; readonly path: Tokens; readonly value: Json }
  | { readonly op: "remove"; readonly path: Tokens }
  | { readonly op: "move" | "copy"; readonly from: Tokens; readonly path: Tokens }

export interface Fault {
  /**
   * `PATCH_MALFORMED`: no patch at all · `PATCH_TOO_LARGE`: over a budget · `PATCH_TARGET`: a pointer leads nowhere ·
   * `PATCH_TEST_FAILED`: a `test` found something else.
   */
  readonly code: "PATCH_MALFORMED" | "PATCH_TOO_LARGE" | "PATCH_TARGET" | "PATCH_TEST_FAILED"
  /** Where in the patch: a JSON pointer such as `/3/path`. */
  readonly pointer: string
  readonly message: string
  readonly expected?: string
}

const fault = (code: Fault["code"], pointer: string, message: string, expected?: string): Result.Result<never, Fault> =>
  Result.fail({ code, pointer, message, ...(expected === undefined ? {} : { expected }) })

const names = ["add", "remove", "replace", "move", "copy", "test"] as const

type Fields = { readonly [key: string]: Json }
const isFields = (value: Json | undefined): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)
const own = (fields: Fields, key: string): Json | undefined => Object.hasOwn(fields, key) ? fields[key] : undefined

/** The tokens of a pointer; `undefined` when it is none. */
export const tokens = (pointer: string): Tokens | undefined => {
  if (pointer === "") return []
  if (!pointer.startsWith("/") || /~(?![01])/.test(pointer)) return undefined
  return pointer.slice(1).split("/").map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"))
}

export const pointer = (path: Tokens): string =>
  path.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("")

/** Reads a patch: a list of operations, each complete. Members that an operation does not have are ignored (RFC 6902, 4). */
export const decode = (
  value: unknown,
  bounds: Bounds = defaultBounds
): Result.Result<ReadonlyArray<Operation>, Fault> => {
  if (!Array.isArray(value)) return fault("PATCH_MALFORMED", "", "A patch is a list of operations.", "a list")
  if (value.length > bounds.operationsMax) {
    return fault("PATCH_TOO_LARGE", "", `The patch has ${value.length} operations, more than ${bounds.operationsMax}.`)
  }
  const { depthMax, textMax, valuesMax } = bounds
  // Operation, list and members around the value add two levels and a few values each.
  const most = { depthMax: depthMax + 2, valuesMax: valuesMax + 5 * bounds.operationsMax, textMax: 2 * textMax }
  const violation = JsonBounds.check(value, most)
  if (violation !== undefined) {
    const large = /more than|more text|deeper/.test(violation.message)
    return fault(large ? "PATCH_TOO_LARGE" : "PATCH_MALFORMED", violation.pointer, violation.message)
  }
  const operations: Array<Operation> = []
  for (const [index, item] of value.entries()) {
    const operation = decodeOperation(item as Json, `/${index}`, bounds)
    if (Result.isFailure(operation)) return Result.fail(operation.failure)
    operations.push(operation.success)
  }
  return Result.succeed(operations)
}

const decodeOperation = (item: Json, at: string, bounds: Bounds): Result.Result<Operation, Fault> => {
  if (!isFields(item)) return fault("PATCH_MALFORMED", at, "An operation is an object.", "{op, path, …}")
  const name = own(item, "op")
  const op = names.find((known) => known === name)
  if (op === undefined) {
    const what = name === undefined
      ? "The operation does not say what it does."
      : `There is no operation ${short(name)}.`
    return fault("PATCH_MALFORMED", name === undefined ? at : `${at}/op`, what, names.join(", "))
  }
  const path = decodePointer(item, "path", at, bounds)
  if (Result.isFailure(path)) return Result.fail(path.failure)
  if (op === "remove") return Result.succeed({ op, path: path.success })
  if (op === "move" || op === "copy") {
    const from = decodePointer(item, "from", at, bounds)
    return Result.isFailure(from)
      ? Result.fail(from.failure)
      : Result.succeed({ op, from: from.success, path: path.success })
  }
  const value = own(item, "value")
  if (value === undefined) return fault("PATCH_MALFORMED", at, `${op} needs a value.`, "value")
  return Result.succeed({ op, path: path.success, value })
}

const decodePointer = (
  item: Fields,
  name: "path" | "from",
  at: string,
  bounds: Bounds
): Result.Result<Tokens, Fault> => {
  const text = own(item, name)
  if (text === undefined) return fault("PATCH_MALFORMED", at, `The operation has no ${name}.`, name)
  if (typeof text === "string" && text.length > bounds.pointerLengthMax) {
    return fault(
      "PATCH_TOO_LARGE",
      `${at}/${name}`,
      `The pointer is longer than ${bounds.pointerLengthMax} characters.`
    )
  }
  const read = typeof text === "string" ? tokens(text) : undefined
  return read === undefined
    ? fault("PATCH_MALFORMED", `${at}/${name}`, `${short(text)} is no JSON pointer.`, "a pointer such as /nodes/-")
    : Result.succeed(read)
}

const short = (value: Json): string => {
  const text = typeof value === "string" ? `'${value}'` : JSON.stringify(value)
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

export interface Application {
  readonly bounds?: Bounds
  /** Gives tokens another meaning, just before an operation looks them up; `undefined` leaves them as they are. */
  readonly resolve?: (document: Json, path: Tokens) => Tokens
}

/** The document after all operations, or the first fault. */
export const apply = (
  document: Json,
  operations: ReadonlyArray<Operation>,
  { bounds = defaultBounds, resolve = (_, path) => path }: Application = {}
): Result.Result<Json, Fault> => {
  const work = new Work(document, bounds, resolve)
  for (const [index, operation] of operations.entries()) {
    const failed = work.perform(operation, `/${index}`)
    if (failed !== undefined) return Result.fail(failed)
  }
  return Result.succeed(work.document)
}

/** Raised inside one application only, and caught there. */
class Stop extends Error {
  readonly fault: Fault
  constructor(code: Fault["code"], pointer: string, message: string) {
    super(message)
    this.fault = { code, pointer, message }
  }
}

type Container = Array<Json> | { [key: string]: Json }

class Work {
  document: Json
  readonly #bounds: Bounds
  readonly #resolve: (document: Json, path: Tokens) => Tokens
  /** Containers made here and seen by nobody else: they may be changed in place. */
  #mine = new Set<Json>()
  #values = 0
  #text = 0

  constructor(document: Json, bounds: Bounds, resolve: (document: Json, path: Tokens) => Tokens) {
    this.document = document
    this.#bounds = bounds
    this.#resolve = resolve
  }

  perform(operation: Operation, at: string): Fault | undefined {
    try {
      switch (operation.op) {
        case "add":
          this.#take(operation.value, operation.path.length, at)
          this.#add(operation.path, operation.value, `${at}/path`)
          return undefined
        case "replace":
          this.#take(operation.value, operation.path.length, at)
          this.#replace(operation.path, operation.value, `${at}/path`)
          return undefined
        case "remove":
          this.#remove(operation.path, `${at}/path`)
          return undefined
        case "move":
          return this.#move(operation.from, operation.path, at)
        case "copy": {
          const value = this.#find(this.#resolve(this.document, operation.from), `${at}/from`)
          this.#take(value, operation.path.length, at)
          // From here on the copied part is in two places.
          this.#mine = new Set()
          this.#add(operation.path, value, `${at}/path`)
          return undefined
        }
        case "test": {
          const found = this.#find(this.#resolve(this.document, operation.path), `${at}/path`)
          if (equal(found, operation.value)) return undefined
          const message = `The value at ${pointer(operation.path)} is ${short(found)}, not ${short(operation.value)}.`
          return { code: "PATCH_TEST_FAILED", pointer: at, message }
        }
      }
    } catch (stop) {
      if (stop instanceof Stop) return stop.fault
      throw stop
    }
  }

  #move(from: Tokens, path: Tokens, at: string): Fault | undefined {
    const source = this.#resolve(this.document, from)
    const value = this.#find(source, `${at}/from`)
    if (from.length === path.length && from.every((token, index) => token === path[index])) return undefined
    if (path.length > from.length && from.every((token, index) => token === path[index])) {
      throw new Stop("PATCH_TARGET", `${at}/path`, "A value cannot be moved into itself.")
    }
    if (source.length === 0) throw new Stop("PATCH_TARGET", `${at}/from`, "The whole document cannot be moved.")
    this.#take(value, path.length, at)
    this.#remove(source, `${at}/from`)
    this.#add(path, value, `${at}/path`)
    return undefined
  }

  /** Charges what comes in to the patch's budgets. */
  #take(value: Json, depth: number, at: string): void {
    const { depthMax, textMax, valuesMax } = this.#bounds
    const stack: Array<readonly [Json, number]> = [[value, depth]]
    for (let visit = stack.pop(); visit !== undefined; visit = stack.pop()) {
      const [json, level] = visit
      if (++this.#values > valuesMax) {
        throw new Stop("PATCH_TOO_LARGE", at, `It brings in more than ${valuesMax} values.`)
      }
      if (typeof json === "string") this.#text += json.length
      else if (typeof json === "object" && json !== null) {
        if (level >= depthMax) throw new Stop("PATCH_TOO_LARGE", at, `It nests deeper than ${depthMax}.`)
        if (Array.isArray(json)) { for (const item of json) stack.push([item, level + 1]) }
        else {
          for (const [key, item] of Object.entries(json)) {
            this.#text += key.length
            stack.push([item, level + 1])
          }
        }
      }
      if (this.#text > textMax) {
        throw new Stop("PATCH_TOO_LARGE", at, `It brings in more text than ${textMax} characters.`)
      }
    }
  }

  #find(path: Tokens, at: string): Json {
    let value = this.document
    for (const [depth, token] of path.entries()) {
      const next = member(value, token)
      if (next === undefined) {
        throw new Stop("PATCH_TARGET", at, `There is nothing at ${pointer(path.slice(0, depth + 1))}.`)
      }
      value = next
    }
    return value
  }

  /** The container of a pointer's last token, to be changed: all on the way to it are made ours. */
  #parent(path: Tokens, at: string): Container {
    this.document = this.#owned(this.document, path, at)
    let container = this.document as Container
    for (const token of path.slice(0, -1)) {
      const inner = this.#owned(member(container, token) ?? null, path, at)
      if (Array.isArray(container)) container[Number(token)] = inner
      else put(container, token, inner)
      container = inner as Container
    }
    return container
  }

  #owned(value: Json, path: Tokens, at: string): Json {
    if (typeof value !== "object" || value === null) {
      throw new Stop("PATCH_TARGET", at, `${pointer(path)} leads into a value that is neither a list nor an object.`)
    }
    if (this.#mine.has(value)) return value
    const copy: Json = Array.isArray(value) ? [...value] : { ...value }
    this.#mine.add(copy)
    return copy
  }

  #add(given: Tokens, value: Json, at: string): void {
    const path = this.#resolve(this.document, given)
    const last = path.at(-1)
    if (last === undefined) {
      this.document = value
      return
    }
    // Looked up first: a pointer that leads nowhere must not copy anything on its way.
    const target = this.#find(path.slice(0, -1), at)
    if (Array.isArray(target) && last !== "-" && !(isIndex(last) && Number(last) <= target.length)) {
      throw new Stop("PATCH_TARGET", at, `${short(last)} is no position in a list of ${target.length}.`)
    }
    const container = this.#parent(path, at)
    if (!Array.isArray(container)) put(container, last, value)
    else if (last === "-") container.push(value)
    else container.splice(Number(last), 0, value)
  }

  #replace(given: Tokens, value: Json, at: string): void {
    const path = this.#resolve(this.document, given)
    this.#find(path, at)
    const last = path.at(-1)
    if (last === undefined) {
      this.document = value
      return
    }
    const container = this.#parent(path, at)
    if (Array.isArray(container)) container[Number(last)] = value
    else put(container, last, value)
  }

  #remove(given: Tokens, at: string): void {
    const path = this.#resolve(this.document, given)
    this.#find(path, at)
    const last = path.at(-1)
    if (last === undefined) {
      this.document = null
      return
    }
    const container = this.#parent(path, at)
    if (Array.isArray(container)) container.splice(Number(last), 1)
    else delete container[last]
  }
}

const isIndex = (token: string): boolean => /^(?:0|[1-9]\d{0,8})$/.test(token)

/** An own member, or an item that is there. */
const member = (value: Json, token: string): Json | undefined => {
  if (Array.isArray(value)) return isIndex(token) ? value[Number(token)] : undefined
  return isFields(value) ? own(value, token) : undefined
}

/** Equality as RFC 6902, 4.6 defines it: members in any order, numbers by value. */
export const equal = (one: Json, other: Json): boolean => {
  const stack: Array<readonly [Json, Json]> = [[one, other]]
  for (let pair = stack.pop(); pair !== undefined; pair = stack.pop()) {
    const [a, b] = pair
    if (a === b) continue
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false
    if (Array.isArray(a) || Array.isArray(b)) {
      if (!Array.isArray(a) || !Array.isArray(b) || a.length !== b.length) return false
      for (const [index, item] of a.entries()) stack.push([item, b[index] ?? null])
      continue
    }
    const keys = Object.keys(a)
    if (keys.length !== Object.keys(b).length) return false
    for (const key of keys) {
      if (!Object.hasOwn(b, key)) return false
      stack.push([(a as Fields)[key] ?? null, (b as Fields)[key] ?? null])
    }
  }
  return true
}
