/** A run of a flow with a concurrency key asks for its place, and starts with it. */
import * as Result from "effect/Result"
import { failErred } from "./Activate.ts"
import type { Command, Refusal } from "./Command.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import * as Finish from "./Finish.ts"
import { keyLengthMax } from "./FlowConcurrency.ts"
import type { PlaceTerms } from "./Place.ts"
import { isQueued } from "./Place.ts"
import { isSettled } from "./RunState.ts"
import type { Json } from "./Value.ts"

const textOf = (value: Json): string | undefined =>
  typeof value === "string"
    ? value
    : typeof value === "number" || typeof value === "boolean"
    ? String(value)
    : undefined

/** Nobody is let in on a key that cannot be told: it would count together what has nothing to do with one another. */
export const terms = (
  draft: Draft,
  { at, input, run, tags = {} }: Extract<Command, { type: "CreateRun" }>
): Result.Result<PlaceTerms, Refusal> | undefined => {
  const { concurrency } = draft.state.plan
  if (concurrency === undefined) return undefined
  // What the first event is about to say, seen by the expression.
  Object.assign(draft.state, { createdAt: at, input, run, tags })
  const { max, whenFull } = concurrency
  const invalid = (message: string): Result.Result<never, Refusal> =>
    Result.fail({ code: "CONCURRENCY_KEY_INVALID", message: `limits.concurrency.key: ${message}` })
  const value = Drafts.evaluate(draft, concurrency.key, {})
  if (Result.isFailure(value)) return invalid(value.failure.message)
  const key = textOf(value.success)
  return key === undefined || key.length === 0 || key.length > keyLengthMax
    ? invalid(`it must be text of 1 to ${keyLengthMax} characters, a number or a boolean`)
    : Result.succeed({ key, max, whenFull })
}

const taken = (draft: Draft): void => Drafts.emit(draft, { type: "PlaceTaken", v: 1, at: draft.at })

/** A run that is refused when there is no place takes it as it is created: one record holds both. */
export const takeAtOnce = (draft: Draft): void => {
  if (draft.state.place?.whenFull === "refuse") taken(draft)
}

/** Everything that could not begin is looked at now. A pause keeps the run from taking a place that it could not use. */
export const take = (draft: Draft): undefined => {
  const { state } = draft
  if (!isQueued(state) || state.paused) return undefined
  taken(draft)
  for (const node of state.plan.nodes) {
    const { status } = state.nodes.get(node.index)
    if (status === "open") Finish.checkMap(draft, node)
    else if (!isSettled(status)) draft.todo.push(node.index)
  }
  return undefined
}

/** Whether all that follows has to wait for a place. What has failed already says so, and may end the run. */
export const holdsBack = (draft: Draft): boolean => {
  if (!isQueued(draft.state)) return false
  failErred(draft)
  return isQueued(draft.state)
}
