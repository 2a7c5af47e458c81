/** Folding of what happens in conversations. Every function answers whether the event fits the plan. */
import * as Conversation from "./Conversation.ts"
import type { Event } from "./Event.ts"
import type { RunState } from "./RunState.ts"
import type { Usage } from "./Usage.ts"
import * as Usages from "./Usage.ts"

type Of<T extends Event["type"]> = Extract<Event, { readonly type: T }>

const edit = (
  state: RunState,
  path: string,
  change: (before: Conversation.Conversation) => Conversation.Conversation
): true => {
  state.conversations ??= Conversation.Conversations.make()
  state.conversations.set(path, change(state.conversations.get(path) ?? Conversation.empty))
  return true
}

const editKnown = (
  state: RunState,
  path: string,
  change: (before: Conversation.Conversation) => Conversation.Conversation
): void => {
  const known = state.conversations?.get(path)
  if (known !== undefined) state.conversations?.set(path, change(known))
}

export const recorded = (state: RunState, event: Of<"TurnRecorded">): boolean => {
  const { bytes, calls, candidate = 0, path, ref, turn, usage } = event
  return edit(state, path, (before) => Conversation.withTurn(before, { turn, candidate, calls, ref, bytes }, usage))
}

/** An announced call of a tool; one without `tool` is the attempt itself. */
export const announced = (state: RunState, event: Of<"CallStarted">): boolean =>
  edit(
    state,
    event.path,
    (before) => Conversation.withCall(before, event.key, { ordinal: event.ordinal ?? 0, tool: event.tool ?? "" })
  )

export const ended = (state: RunState, event: Of<"CallEnded">): boolean => {
  const { failed, key, ordinal, path, result, tool } = event
  const call = { ordinal, tool, result, ...(failed === undefined ? {} : { failed }) }
  return edit(state, path, (before) => Conversation.withCall(before, key, call))
}

/** The answer was at fault, not what led to it: the next attempt asks for another one. */
export const retried = (state: RunState, path: string, kind: string): void => {
  if (kind === "validation") editKnown(state, path, Conversation.withoutAnswers)
}

/** `restarts`: the step's input was changed, so that what was said about the old one means nothing. */
export const reopened = (state: RunState, path: string, restarts: boolean): void =>
  editKnown(state, path, restarts ? Conversation.restarted : Conversation.reopened)

/** The step settles: what all of its turns used and what its last answer adds. */
export const settled = (state: RunState, path: string, usage: Usage | undefined): Usage | undefined => {
  const known = state.conversations?.get(path)
  if (known === undefined) return usage
  state.conversations?.end(path)
  return Usages.add(known.usage, usage)
}
