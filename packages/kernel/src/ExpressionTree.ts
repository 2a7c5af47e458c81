/**
 * Expression text to a checked tree. CEL's grammar is read by `@marcbachmann/cel-js`; the tree is ours, because meaning and
 * cost are ours: all numbers are doubles, values are JSON, and every loop is metered (SEMANTICS 8.6, ADR 0002).
 */
import { type ASTNode, Environment } from "@marcbachmann/cel-js"
import * as Result from "effect/Result"
import { arities, type FunctionName } from "./ExpressionFunctions.ts"
import type { Json } from "./Value.ts"

/** Longest source of one expression, in UTF-16 units. */
export const sourceMax = 4096
/** Most nodes of one expression's tree. */
export const nodesMax = 256
/** Deepest nesting of one expression's tree. */
export const depthMax = 64
/** How many comprehensions (`map`, `filter`, `all`, `exists`, `exists_one`) may stand inside each other. */
export const nestingMax = 2

const binaryOperators = ["==", "!=", "<", "<=", ">", ">=", "+", "-", "*", "/", "%", "in"] as const
export type BinaryOperator = typeof binaryOperators[number]
export type Comprehension = "map" | "filter" | "all" | "exists" | "exists_one"

/** `at` is the offset in the source; `slot` is where a comprehension keeps its variable. */
export type Tree =
  & { readonly at: number }
  & (
    | { readonly op: "value"; readonly value: Json }
    | { readonly op: "root"; readonly name: string }
    | { readonly op: "local"; readonly slot: number; readonly name: string }
    | { readonly op: "member"; readonly from: Tree; readonly key: string; readonly optional: boolean }
    | { readonly op: "index"; readonly from: Tree; readonly key: Tree; readonly optional: boolean }
    | { readonly op: "list"; readonly items: ReadonlyArray<Tree> }
    | { readonly op: "map"; readonly entries: ReadonlyArray<readonly [Tree, Tree]> }
    | { readonly op: "not" | "negate"; readonly value: Tree }
    | { readonly op: "and" | "or"; readonly left: Tree; readonly right: Tree }
    | { readonly op: "binary"; readonly operator: BinaryOperator; readonly left: Tree; readonly right: Tree }
    | { readonly op: "if"; readonly test: Tree; readonly yes: Tree; readonly no: Tree }
    | { readonly op: "has"; readonly of: Tree }
    | {
      readonly op: "each"
      readonly kind: Comprehension
      readonly over: Tree
      readonly slot: number
      readonly filter: Tree | undefined
      readonly body: Tree
    }
    | { readonly op: "bind"; readonly slot: number; readonly value: Tree; readonly body: Tree }
    | { readonly op: "call"; readonly name: FunctionName; readonly args: ReadonlyArray<Tree> }
  )

export interface SyntaxFault {
  readonly limit: boolean
  readonly message: string
  /** Offset in the source. */
  readonly at: number
}

const grammar = new Environment({
  unlistedVariablesAreDyn: true,
  homogeneousAggregateLiterals: false,
  enableOptionalTypes: true,
  limits: { maxAstNodes: nodesMax, maxDepth: depthMax, maxListElements: nodesMax, maxMapEntries: nodesMax }
})

/** Reads expression text. Never throws; the text may be anything. */
export const parse = (source: string): Result.Result<Tree, SyntaxFault> => {
  if (source.length > sourceMax) {
    return Result.fail({ limit: true, message: `The expression is longer than ${sourceMax} characters.`, at: 0 })
  }
  if (source.trim() === "") return Result.fail({ limit: false, message: "The expression is empty.", at: 0 })
  try {
    return Result.succeed(new Builder().build(grammar.parse(source).ast, [], 0, 1))
  } catch (cause) {
    return Result.fail(toFault(cause))
  }
}

/** Thrown only inside this file. */
class Fault extends Error {
  readonly at: number
  readonly limit: boolean
  constructor(message: string, at: number, limit = false) {
    super(message)
    this.at = at
    this.limit = limit
  }
}

const toFault = (cause: unknown): SyntaxFault => {
  if (cause instanceof Fault) return { limit: cause.limit, message: cause.message, at: cause.at }
  if (cause instanceof RangeError) return { limit: true, message: "The expression is nested too deeply.", at: 0 }
  const known = cause as { readonly code?: unknown; readonly summary?: unknown; readonly range?: { start?: unknown } }
  const at = typeof known.range?.start === "number" ? known.range.start : 0
  const limit = known.code === "limit_exceeded"
  const text = typeof known.summary === "string" ? known.summary : "The expression cannot be read"
  return { limit, message: limit ? limitText(text) : text.endsWith(".") ? text : `${text}.`, at }
}

const limitText = (text: string): string =>
  text.includes("maxDepth")
    ? `The expression is nested deeper than ${depthMax}.`
    : `The expression has more than ${nodesMax} nodes.`

interface Local {
  readonly name: string
  readonly slot: number
}

const comprehensions: ReadonlyArray<string> = ["map", "filter", "all", "exists", "exists_one"]

class Builder {
  slots = 0
  nodes = 0

  build(ast: ASTNode, locals: ReadonlyArray<Local>, nesting: number, depth: number): Tree {
    if (depth > depthMax) throw new Fault(`The expression is nested deeper than ${depthMax}.`, ast.start, true)
    if (++this.nodes > nodesMax) throw new Fault(`The expression has more than ${nodesMax} nodes.`, ast.start, true)
    const at = ast.op === "id" || ast.op === "value" ? ast.start : ast.pos
    const sub = (child: ASTNode): Tree => this.build(child, locals, nesting, depth + 1)
    switch (ast.op) {
      case "value":
        return { op: "value", at, value: literal(ast.args, at) }
      case "id": {
        const local = locals.findLast((_) => _.name === ast.args)
        return local === undefined
          ? { op: "root", at, name: ast.args }
          : { op: "local", at, slot: local.slot, name: local.name }
      }
      case ".":
      case ".?":
        return { op: "member", at, from: sub(ast.args[0]), key: ast.args[1], optional: ast.op === ".?" }
      case "[]":
      case "[?]":
        return index(at, sub(ast.args[0]), sub(ast.args[1]), ast.op === "[?]")
      case "list":
        return { op: "list", at, items: ast.args.map(sub) }
      case "map":
        return { op: "map", at, entries: ast.args.map(([key, value]) => [sub(key), sub(value)] as const) }
      case "!_":
        return { op: "not", at, value: sub(ast.args) }
      case "-_":
        return { op: "negate", at, value: sub(ast.args) }
      case "&&":
        return { op: "and", at, left: sub(ast.args[0]), right: sub(ast.args[1]) }
      case "||":
        return { op: "or", at, left: sub(ast.args[0]), right: sub(ast.args[1]) }
      case "?:":
        return { op: "if", at, test: sub(ast.args[0]), yes: sub(ast.args[1]), no: sub(ast.args[2]) }
      case "call":
        return this.call(ast.args[0], ast.args[1].map(sub), at)
      case "rcall":
        return this.method(ast.args[0], ast.args[1], ast.args[2], at, locals, nesting, depth)
      default:
        return { op: "binary", at, operator: ast.op, left: sub(ast.args[0]), right: sub(ast.args[1]) }
    }
  }

  call(name: string, args: ReadonlyArray<Tree>, at: number): Tree {
    if (name === "has") {
      const of = args[0]
      if (of === undefined || args.length !== 1 || (of.op !== "member" && of.op !== "index")) {
        throw new Fault("has() takes one member, such as has(input.files).", at)
      }
      return { op: "has", at, of }
    }
    return { op: "call", at, name: checkArity(name, args.length, at), args }
  }

  method(
    name: string,
    receiver: ASTNode,
    args: ReadonlyArray<ASTNode>,
    at: number,
    locals: ReadonlyArray<Local>,
    nesting: number,
    depth: number
  ): Tree {
    const sub = (child: ASTNode): Tree => this.build(child, locals, nesting, depth + 1)
    const space = receiver.op === "id" && !locals.some((_) => _.name === receiver.args) ? receiver.args : undefined
    if (space === "cel" && name === "bind") return this.bind(args, at, locals, nesting, depth)
    if (space === "optional" || space === "math") return this.call(`${space}.${name}`, args.map(sub), at)
    if (!comprehensions.includes(name)) return this.call(`.${name}`, [sub(receiver), ...args.map(sub)], at)
    if (nesting === nestingMax) {
      throw new Fault(`More than ${nestingMax} comprehensions stand inside each other.`, at, true)
    }
    const [variable, first, second] = args
    if (variable?.op !== "id" || first === undefined || args.length > (name === "map" ? 3 : 2)) {
      throw new Fault(`${name}() takes a variable and an expression, such as items.${name}(x, x.ok).`, at)
    }
    const over = sub(receiver)
    const slot = this.slots++
    const inner = [...locals, { name: variable.args, slot }]
    const within = (child: ASTNode): Tree => this.build(child, inner, nesting + 1, depth + 1)
    const filter = second === undefined ? undefined : within(first)
    return { op: "each", at, kind: name as Comprehension, over, slot, filter, body: within(second ?? first) }
  }

  bind(
    args: ReadonlyArray<ASTNode>,
    at: number,
    locals: ReadonlyArray<Local>,
    nesting: number,
    depth: number
  ): Tree {
    const [variable, value, body] = args
    if (variable?.op !== "id" || value === undefined || body === undefined || args.length !== 3) {
      throw new Fault("cel.bind() takes a variable, its value and an expression.", at)
    }
    const bound = this.build(value, locals, nesting, depth + 1)
    const slot = this.slots++
    const inner = [...locals, { name: variable.args, slot }]
    return { op: "bind", at, slot, value: bound, body: this.build(body, inner, nesting, depth + 1) }
  }
}

const checkArity = (name: string, count: number, at: number): FunctionName => {
  const arity = Object.hasOwn(arities, name) ? arities[name as FunctionName] : undefined
  const plain = name.startsWith(".") ? name.slice(1) : name
  if (arity === undefined) throw new Fault(`There is no function ${plain}().`, at)
  const [least, most] = arity
  if (count < least || count > most) {
    const given = name.startsWith(".") ? count - 1 : count
    throw new Fault(`${plain}() does not take ${given} argument${given === 1 ? "" : "s"}.`, at)
  }
  return name as FunctionName
}

/** `a['b']` is `a.b`, so that both are seen as the same reference. */
const index = (at: number, from: Tree, key: Tree, optional: boolean): Tree =>
  key.op === "value" && typeof key.value === "string"
    ? { op: "member", at, from, key: key.value, optional }
    : { op: "index", at, from, key, optional }

const literal = (value: unknown, at: number): Json => {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value
  if (value instanceof Uint8Array) throw new Fault("Bytes are not JSON; use a string.", at)
  const number = Number(typeof value === "object" && value !== null ? value.valueOf() : value)
  if (!Number.isFinite(number)) throw new Fault("The number is too large.", at)
  return number
}

/** The parts of a tree, in the order of the source. */
export const children = (tree: Tree): ReadonlyArray<Tree> => {
  switch (tree.op) {
    case "value":
    case "root":
    case "local":
      return []
    case "member":
      return [tree.from]
    case "index":
      return [tree.from, tree.key]
    case "list":
      return tree.items
    case "map":
      return tree.entries.flat()
    case "not":
    case "negate":
      return [tree.value]
    case "and":
    case "or":
    case "binary":
      return [tree.left, tree.right]
    case "if":
      return [tree.test, tree.yes, tree.no]
    case "has":
      return [tree.of]
    case "each":
      return tree.filter === undefined ? [tree.over, tree.body] : [tree.over, tree.filter, tree.body]
    case "bind":
      return [tree.value, tree.body]
    case "call":
      return tree.args
  }
}
