/**
 * A decision in the making: a fork of the state that the events so far have already changed, and what is left to look at.
 * Nothing here recurses over the graph: nodes to examine wait in `todo`, so that a chain of 10,000 instant nodes is a loop.
 */
import * as Result from "effect/Result"
import type { Event } from "./Event.ts"
import { evolve } from "./Evolve.ts"
import type { CompiledExpression, ExpressionError, Scope, Template } from "./Expression.ts"
import type { PlanNode } from "./Plan.ts"
import type { RunState } from "./RunState.ts"
import { fork } from "./RunState.ts"
import type { Needs, Sight } from "./Scope.ts"
import * as ScopeOf from "./Scope.ts"
import type { BlobRef, Json, Value } from "./Value.ts"
import { refs, resolve } from "./Value.ts"

export interface Draft {
  readonly state: RunState
  readonly events: Array<Event>
  readonly at: number
  readonly blobs: ReadonlyMap<BlobRef, Json>
  /** Nodes whose join may have changed. */
  readonly todo: Array<number>
  /** Nodes that became ready in this decision, first come first served. */
  readonly fresh: Set<number>
  /** Nodes that must fail because the condition of an edge to them erred, with the reason. */
  readonly erred: Array<readonly [index: number, message: string]>
}

export const make = (state: RunState, at: number, blobs: ReadonlyMap<BlobRef, Json>): Draft => ({
  state: fork(state),
  events: [],
  at,
  blobs,
  todo: [],
  fresh: new Set(),
  erred: []
})

export const emit = (draft: Draft, event: Event): void => {
  evolve(draft.state, event)
  draft.events.push(event)
}

/** Raised inside one decision only, and caught by `decide`: the values it asks for come back with the next try. */
export class Lacking extends Error {
  readonly needs: Needs
  constructor(needs: Needs) {
    super("values are not at hand")
    this.needs = needs
  }
}

/** The blobs of a value that are not at hand, to be thrown. */
export const lacking = (draft: Draft, value: Value): Lacking =>
  new Lacking({ refs: refs(value).filter((ref) => !draft.blobs.has(ref)) })

/** The value's JSON; what is not at hand is asked for. */
export const read = (draft: Draft, value: Value): Json => {
  const json = resolve(value, draft.blobs)
  if (json === undefined) throw lacking(draft, value)
  return json
}

const scopeOf = (draft: Draft, expression: CompiledExpression | Template, sight: Sight): Scope => {
  const scope = ScopeOf.build(draft.state, expression.references, sight, draft.blobs)
  if (Result.isFailure(scope)) throw new Lacking(scope.failure)
  return scope.success
}

export const evaluate = (
  draft: Draft,
  expression: CompiledExpression | Template,
  sight: Sight
): Result.Result<Json, ExpressionError> => expression.evaluate(scopeOf(draft, expression, sight))

/** A condition: anything but `true` and `false` is an error, so that a slip never counts as yes. */
export const holds = (draft: Draft, expression: CompiledExpression, sight: Sight): Result.Result<boolean, string> => {
  const answer = evaluate(draft, expression, sight)
  if (Result.isFailure(answer)) return Result.fail(answer.failure.message)
  return typeof answer.success === "boolean"
    ? Result.succeed(answer.success)
    : Result.fail(
      `\`${expression.source}\` must be true or false, but is ${JSON.stringify(answer.success)?.slice(0, 80)}`
    )
}

export const planNode = (draft: Draft, index: number): PlanNode => {
  const node = draft.state.plan.nodes[index]
  if (node === undefined) throw new RangeError(`no node ${index}`)
  return node
}
