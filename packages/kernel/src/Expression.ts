/**
 * Expressions: CEL over JSON, parsed once and bounded in size and cost (SEMANTICS 8.6).
 *
 * To the author all numbers are doubles. A *template* is any JSON in which strings may hold `${ … }`: a lone expression
 * keeps its type, inside text it becomes text.
 */
import type * as Result from "effect/Result"
import type { Json, Value } from "./Value.ts"

/** Names an expression reads from outside: roots such as `input`, and nodes by id (through `nodes.ID` or `needs.ID`). */
export interface References {
  readonly roots: ReadonlySet<string>
  readonly nodes: ReadonlySet<string>
  readonly secrets: ReadonlySet<string>
  /**
   * The longest static member chains from each root, such as `["needs", "enrich", "failed"]`: lets a scope leave out what
   * is not read. Absent: unknown, everything under the roots may be read.
   */
  readonly paths?: ReadonlyArray<ReadonlyArray<string>>
  /** True when the whole of `needs` or `nodes` is read, not single members. */
  readonly allNeeds: boolean
}

export interface CompiledExpression {
  readonly source: string
  readonly references: References
  readonly evaluate: (scope: Scope) => Result.Result<Json, ExpressionError>
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
}

export type StoredScope = { readonly [root: string]: Value | undefined }
