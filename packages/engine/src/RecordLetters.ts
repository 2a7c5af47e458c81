/** Which dead letters a record opens, and which it ends. */
import type { Event } from "@baton/kernel/Event"
import type { DeadLetter, LetterEnd } from "./DeadLetter.ts"
import type { Commit } from "./RunStore.ts"

/** What an operator may want to look at; what an operator has decided is not news to them. */
const letterOf = (event: Event): DeadLetter | undefined => {
  if (event.type === "StepFailed") {
    if (event.attempt === 0 || event.by !== undefined) return undefined
    if (event.handled !== "none" && event.error.kind !== "poison") return undefined
    const { at, attempt, error: { code, message }, path } = event
    return { path, attempt, code, message, at }
  }
  if (event.type !== "StepWaiting" || event.wait.kind !== "operator" || event.attempt === 0) return undefined
  const { at, attempt, path, wait: { error: { code, message } } } = event
  return { path, attempt, code, message, at }
}

const endOf = (event: Event): LetterEnd | undefined => {
  if (event.type === "StepReopened") {
    return { path: event.path, state: "reprocessed", by: event.by, note: event.note }
  }
  if ((event.type !== "StepSucceeded" && event.type !== "StepFailed") || event.by === undefined) return undefined
  return { path: event.path, state: "discarded", by: event.by, note: event.note }
}

type Letters = { -readonly [K in "deadLetters" | "lettersEnded"]?: Commit[K] }

/** Most records open none and end none, and cost nothing here. */
export const add = (commit: Letters, events: ReadonlyArray<Event>): void => {
  for (const event of events) {
    const letter = letterOf(event)
    if (letter !== undefined) commit.deadLetters = [...commit.deadLetters ?? [], letter]
    const end = endOf(event)
    if (end !== undefined) commit.lettersEnded = [...commit.lettersEnded ?? [], end]
  }
}
