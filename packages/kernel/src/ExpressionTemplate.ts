/**
 * Templates: any JSON in which strings may hold `${ … }`. A lone expression keeps its type; inside text it becomes text,
 * strings as they are and anything else as JSON. `$${` writes a literal `${`.
 *
 * An absent optional, such as `${ input.?files }`, leaves its key out of an object and is null in a list or alone.
 */
import * as Result from "effect/Result"
import * as Expression from "./Expression.ts"
import { Fault, jsonText, Meter, put } from "./ExpressionMeter.ts"
import * as References from "./ExpressionReferences.ts"
import type { Json } from "./Value.ts"

/** What is wrong with an expression of a template, and where in the template. */
export interface TemplateProblem {
  /** JSON pointer inside the template. */
  readonly pointer: string
  readonly error: Expression.ExpressionError
}

type Piece = string | Expression.CompiledExpression
type Part =
  | { readonly kind: "constant"; readonly value: Json }
  | { readonly kind: "lone"; readonly expression: Expression.CompiledExpression }
  | { readonly kind: "text"; readonly pieces: ReadonlyArray<Piece> }
  | { readonly kind: "list"; readonly items: ReadonlyArray<Part> }
  | { readonly kind: "object"; readonly fields: ReadonlyArray<readonly [string, Part]> }

/** Deepest nesting of a template. */
export const depthMax = 128

/** Reads a template once; all faulty expressions are reported together. */
export const compile = (value: Json): Result.Result<Expression.Template, ReadonlyArray<TemplateProblem>> => {
  const problems: Array<TemplateProblem> = []
  const found: Array<Expression.CompiledExpression> = []
  const part = read(value, "", 0, problems, found)
  if (problems.length > 0) return Result.fail(problems)
  return Result.succeed({
    references: found.length === 0 ? References.none : References.union(found.map((_) => _.references)),
    constant: found.length === 0,
    lone: part.kind === "lone" ? part.expression.lone : undefined,
    evaluate: (scope) => evaluate(part, scope)
  })
}

/** The text of a control field (`when`, `until`, a choice's rule), where the braces may be left out. */
export const bare = (source: string): string => {
  const trimmed = source.trim()
  if (!trimmed.startsWith("${")) return source
  const end = closing(trimmed, 2)
  return end === trimmed.length - 1 ? trimmed.slice(2, end) : source
}

export const escapePointer = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1")

const read = (
  value: Json,
  pointer: string,
  depth: number,
  problems: Array<TemplateProblem>,
  found: Array<Expression.CompiledExpression>
): Part => {
  if (typeof value === "string") return readText(value, pointer, problems, found)
  if (typeof value !== "object" || value === null) return { kind: "constant", value }
  if (depth >= depthMax) {
    const message = `The value is nested deeper than ${depthMax}.`
    problems.push({ pointer, error: { code: "EXPRESSION_LIMIT", message, source: "" } })
    return { kind: "constant", value: null }
  }
  const before = found.length
  const inner = (child: Json, key: string): Part =>
    read(child, `${pointer}/${escapePointer(key)}`, depth + 1, problems, found)
  const part: Part = isArray(value)
    ? { kind: "list", items: value.map((item, index) => inner(item, String(index))) }
    : { kind: "object", fields: Object.keys(value).map((key) => [key, inner(value[key] ?? null, key)] as const) }
  const changed = found.length > before || hasEscape(part)
  return changed ? part : { kind: "constant", value }
}

const isArray = (value: Json): value is ReadonlyArray<Json> => Array.isArray(value)

const hasEscape = (part: Part): boolean =>
  part.kind === "text" ||
  (part.kind === "list" && part.items.some(hasEscape)) ||
  (part.kind === "object" && part.fields.some(([, _]) => hasEscape(_)))

const readText = (
  text: string,
  pointer: string,
  problems: Array<TemplateProblem>,
  found: Array<Expression.CompiledExpression>
): Part => {
  if (!text.includes("${")) return { kind: "constant", value: text }
  const pieces: Array<Piece> = []
  let literal = ""
  let at = 0
  while (at < text.length) {
    if (text.startsWith("$${", at)) {
      literal += "${"
      at += 3
    } else if (text.startsWith("${", at)) {
      const end = closing(text, at + 2)
      if (end === -1) {
        problems.push({ pointer, error: unclosed(text, at) })
        return { kind: "constant", value: text }
      }
      const compiled = Expression.compile(text.slice(at + 2, end))
      if (Result.isFailure(compiled)) problems.push({ pointer, error: shifted(compiled.failure, at + 2) })
      else {
        if (literal !== "") pieces.push(literal)
        literal = ""
        pieces.push(compiled.success)
        found.push(compiled.success)
      }
      at = end + 1
    } else {
      const next = text.indexOf("$", at + 1)
      literal += text.slice(at, next === -1 ? text.length : next)
      at = next === -1 ? text.length : next
    }
  }
  if (literal !== "" || pieces.length === 0) pieces.push(literal)
  const only = pieces[0]
  if (pieces.length === 1 && only !== undefined && typeof only !== "string") return { kind: "lone", expression: only }
  return { kind: "text", pieces }
}

const unclosed = (text: string, at: number): Expression.ExpressionError => ({
  code: "EXPRESSION_SYNTAX",
  message: "${ is not closed by }. Write $${ for a literal ${.",
  source: text.slice(at, at + 80),
  at
})

/** `at` counted from the start of the template's text. */
const shifted = (error: Expression.ExpressionError, by: number): Expression.ExpressionError => ({
  ...error,
  at: (error.at ?? 0) + by
})

/** Where the `}` is that closes an expression starting at `from`; braces and quotes inside it are skipped. */
const closing = (text: string, from: number): number => {
  let depth = 0
  let at = from
  while (at < text.length) {
    const character = text[at]
    if (character === "\"" || character === "'") {
      const end = quoteEnd(text, at)
      if (end === -1) return -1
      at = end
    } else if (character === "{") depth++
    else if (character === "}") {
      if (depth === 0) return at
      depth--
    }
    at++
  }
  return -1
}

/** The last character of the string literal that begins at `start`. */
const quoteEnd = (text: string, start: number): number => {
  const quote = text[start] ?? ""
  const triple = text.startsWith(quote.repeat(3), start)
  const mark = triple ? quote.repeat(3) : quote
  for (let at = start + mark.length; at < text.length; at++) {
    if (text[at] === "\\") at++
    else if (text.startsWith(mark, at)) return at + mark.length - 1
  }
  return -1
}

const evaluate = (part: Part, scope: Expression.Scope): Result.Result<Json, Expression.ExpressionError> => {
  const meter = new Meter()
  const value = resolve(part, scope, meter)
  return Result.map(value, (_) => _ ?? null)
}

type Resolved = Result.Result<Json | undefined, Expression.ExpressionError>

const resolve = (part: Part, scope: Expression.Scope, meter: Meter): Resolved => {
  switch (part.kind) {
    case "constant":
      return Result.succeed(part.value)
    case "lone":
      return part.expression.evaluateWith(scope, meter)
    case "text":
      return resolveText(part.pieces, scope, meter)
    case "list": {
      const items: Array<Json> = []
      for (const item of part.items) {
        const value = resolve(item, scope, meter)
        if (Result.isFailure(value)) return value
        items.push(value.success ?? null)
      }
      return Result.succeed(items)
    }
    case "object": {
      const object: Record<string, Json> = {}
      for (const [key, field] of part.fields) {
        const value = resolve(field, scope, meter)
        if (Result.isFailure(value)) return value
        if (value.success !== undefined) put(object, key, value.success)
      }
      return Result.succeed(object)
    }
  }
}

const resolveText = (pieces: ReadonlyArray<Piece>, scope: Expression.Scope, meter: Meter): Resolved => {
  let text = ""
  for (const piece of pieces) {
    if (typeof piece === "string") {
      text += piece
      continue
    }
    const value = piece.evaluateWith(scope, meter)
    if (Result.isFailure(value)) return value
    if (value.success === undefined) {
      const message = "An absent value cannot become text; give one with .orValue(…)."
      return Result.fail({ code: "EXPRESSION_FAILED", message, source: piece.source })
    }
    try {
      const added = typeof value.success === "string" ? value.success : jsonText(value.success, meter)
      meter.read(added.length)
      text += added
    } catch (cause) {
      const message = cause instanceof Fault ? cause.message : "The value cannot become text."
      return Result.fail({ code: "EXPRESSION_LIMIT", message, source: piece.source })
    }
  }
  return Result.succeed(text)
}
