/** Folding of what people decided. Every function answers whether the event fits. */
import type { Answered } from "./Approval.ts"
import type { Event } from "./Event.ts"
import { locate } from "./EvolveStep.ts"
import type { RunState } from "./RunState.ts"
import { none } from "./Value.ts"
import type { ApprovalWait } from "./Wait.ts"
import { shownPart } from "./Wait.ts"

type Of<T extends Event["type"]> = Extract<Event, { readonly type: T }>

/** What the step waits for, if that is this approval. */
const waitOf = (state: RunState, path: string, id: string): ApprovalWait | undefined => {
  const address = locate(state, path)
  if (address === undefined) return undefined
  const { index, node } = address
  const wait = index === undefined
    ? state.nodes.get(node.index).wait
    : state.maps.get(node.index)?.note(index)?.wait
  return wait?.kind === "approval" && wait.id === id ? wait : undefined
}

const voted = (state: RunState, event: Of<"ApprovalVoted">): boolean => {
  const address = locate(state, event.path)
  const wait = waitOf(state, event.path, event.id)
  if (address === undefined || wait === undefined) return false
  const { at, by, comment, data, decision } = event
  const vote = {
    by,
    at,
    decision,
    ...(comment === undefined ? {} : { comment }),
    ...(data === undefined ? {} : { data })
  }
  const more = { ...wait, votes: [...wait.votes ?? [], vote] }
  const { index, node } = address
  if (index === undefined) state.nodes.edit(node.index).wait = more
  else {
    const table = state.maps.edit(node.index)
    table?.set(index, { status: "waiting", note: { ...table.note(index), wait: more } })
  }
  return true
}

const answered = (state: RunState, event: Of<"ApprovalDecided">, wait: ApprovalWait): void => {
  const answer: Answered = {
    id: event.id,
    question: shownPart(wait, "question") ?? none,
    answer: event.data ?? none,
    by: event.by,
    call: wait.call?.key
  }
  state.answers = new Map(state.answers).set(event.path, [...state.answers.get(event.path) ?? [], answer])
}

const decided = (state: RunState, event: Of<"ApprovalDecided">): boolean => {
  const wait = waitOf(state, event.path, event.id)
  if (wait === undefined) return false
  const { at, attempt, by, cause, comment, decision, id, path } = event
  state.decisions = new Map(state.decisions).set(id, { id, path, attempt, decision, cause, by, at, comment })
  if (wait.ask === "question" && event.data !== undefined) answered(state, event, wait)
  return true
}

export const apply = (state: RunState, event: Of<"ApprovalVoted" | "ApprovalDecided">): boolean =>
  event.type === "ApprovalVoted" ? voted(state, event) : decided(state, event)
