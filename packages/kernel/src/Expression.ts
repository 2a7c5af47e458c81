/**
 * Expressions: CEL over JSON, parsed once and bounded in size and cost (SEMANTICS 8.6).
 *
 * To the author all numbers are doubles. A *template* is any JSON in which strings may hold `${ … }`: a lone expression
 * keeps its type, inside text it becomes text.
 */
import * as Result from "effect/Result"
import * as Evaluator from "./ExpressionEvaluator.ts"
import { Fault, Meter } from "./ExpressionMeter.ts"
import * as Reader from "./ExpressionReferences.ts"
import type { References } from "./ExpressionReferences.ts"
import * as Tree from "./ExpressionTree.ts"
import type { Json } from "./Value.ts"

export type { References } from "./ExpressionReferences.ts"

export interface CompiledExpression {
  readonly source: string
  readonly references: References
  readonly evaluate: (scope: Scope) => Result.Result<Json, ExpressionError>
  /** When the expression is nothing but a reference, its path. */
  readonly lone: ReadonlyArray<string> | undefined
  /** As `evaluate`, on a meter shared with other expressions of the same field; `undefined` is an absent optional. */
  readonly evaluateWith: (scope: Scope, meter: Meter) => Result.Result<Json | undefined, ExpressionError>
}

export interface Template {
  readonly references: References
  /** True when no part of the template is an expression. */
  readonly constant: boolean
  /** When the template is one lone reference (`${ needs.a.b }`), its path: lets a large value pass unread (8.6f). */
  readonly lone: ReadonlyArray<string> | undefined
  readonly evaluate: (scope: Scope) => Result.Result<Json, ExpressionError>
}

/** What an expression sees. Every member is plain JSON. */
export type Scope = { readonly [root: string]: Json | undefined }

export interface ExpressionError {
  readonly code: "EXPRESSION_FAILED" | "EXPRESSION_LIMIT" | "EXPRESSION_SYNTAX"
  readonly message: string
  readonly source: string
  /** Where in `source` it went wrong, 0-based. */
  readonly at?: number
}

/** Reads an expression once. The text may be anything: what is wrong with it comes back as an error. */
export const compile = (source: string): Result.Result<CompiledExpression, ExpressionError> => {
  const parsed = Tree.parse(source)
  if (Result.isFailure(parsed)) {
    const { at, limit, message } = parsed.failure
    return Result.fail({ code: limit ? "EXPRESSION_LIMIT" : "EXPRESSION_SYNTAX", message, source, at })
  }
  const tree = parsed.success
  const program = Evaluator.program(tree)
  const evaluateWith = (scope: Scope, meter: Meter): Result.Result<Json | undefined, ExpressionError> => {
    try {
      return Result.succeed(program.run(scope, meter))
    } catch (cause) {
      return Result.fail(failure(cause, source))
    }
  }
  const evaluate = (scope: Scope) => Result.map(evaluateWith(scope, new Meter()), (value) => value ?? null)
  return Result.succeed({
    source,
    references: Reader.references(tree),
    lone: Reader.lonePath(tree),
    evaluate,
    evaluateWith
  })
}

const failure = (cause: unknown, source: string): ExpressionError => {
  if (!(cause instanceof Fault)) return { code: "EXPRESSION_FAILED", message: "The expression failed.", source }
  const code = cause.limit ? "EXPRESSION_LIMIT" : "EXPRESSION_FAILED"
  return cause.at === undefined
    ? { code, message: cause.message, source }
    : { code, message: cause.message, source, at: cause.at }
}
