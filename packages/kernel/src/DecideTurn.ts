/** Turns and tool calls that a worker hands in for the attempt it holds. */
import type { Command, Refusal } from "./Command.ts"
import * as Conversation from "./Conversation.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import { offered } from "./OfferedStep.ts"
import * as PatchPolicy from "./PatchPolicy.ts"

type Of<T extends Command["type"]> = Extract<Command, { readonly type: T }>

const stale = (path: string): Refusal => ({
  code: "ATTEMPT_STALE",
  message: `${path} is no longer offered as this attempt`
})

/** A turn counts once (K3): the one that is recorded already yields no event, any other number than the next is refused. */
export const record = (draft: Draft, command: Of<"RecordTurn">): Refusal | undefined => {
  const { type: _, ...turn } = command
  if (offered(draft, turn.path, turn.attempt) === undefined) return stale(turn.path)
  const known = draft.state.conversations?.get(turn.path) ?? Conversation.empty
  if (known.turns.some((before) => before.turn === turn.turn && before.ref === turn.ref)) return undefined
  if (turn.turn !== known.last + 1) {
    return { code: "TURN_STALE", message: `the next turn of ${turn.path} is ${known.last + 1}, not ${turn.turn}` }
  }
  if (known.last >= Conversation.turnsMax) {
    return { code: "TURNS_MAX", message: `${turn.path} has had ${Conversation.turnsMax} turns` }
  }
  Drafts.emit(draft, { ...turn, type: "TurnRecorded", v: 1, at: draft.at })
  return undefined
}

/** The first outcome of a call counts; a call that is open is ended, any other is recorded with its outcome at once. */
export const endCall = (draft: Draft, command: Of<"EndCall">): Refusal | undefined => {
  const { type: _, ...call } = command
  if (offered(draft, call.path, call.attempt) === undefined) return stale(call.path)
  const known = draft.state.conversations?.get(call.path) ?? Conversation.empty
  const before = known.calls.get(call.key)
  if (before?.result !== undefined) return undefined
  if (before === undefined && known.calls.size >= Conversation.callsMax) {
    return { code: "CALLS_MAX", message: `${call.path} has made ${Conversation.callsMax} calls` }
  }
  Drafts.emit(draft, { ...call, type: "CallEnded", v: 1, at: draft.at })
  return undefined
}

/** An irreversible tool is about to be called. */
export const startCall = (draft: Draft, command: Of<"StartCall">): Refusal | undefined => {
  if (!PatchPolicy.mayCallIrreversible(draft.state, command.path)) {
    const message = `an agent's patch brought ${command.path}, and the flow lets those call nothing irreversible`
    return { code: "EFFECT_NOT_ALLOWED", message: `${message}: ${String(command.tool)} is` }
  }
  const known = draft.state.conversations?.get(command.path) ?? Conversation.empty
  if (known.calls.has(command.key)) {
    return { code: "CALL_STARTED", message: `${command.path} has announced this call already` }
  }
  if (known.calls.size >= Conversation.callsMax) {
    return { code: "CALLS_MAX", message: `${command.path} has made ${Conversation.callsMax} calls` }
  }
  const { type: _, ...call } = command
  Drafts.emit(draft, { ...call, type: "CallStarted", v: 1, at: draft.at })
  return undefined
}
