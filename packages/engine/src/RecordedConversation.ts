/** The conversation of an attempt over the run's own coordinator. See `AgentConversation` for what it promises. */
import type { Command } from "@baton/kernel/Command"
import type { Conversation } from "@baton/kernel/Conversation"
import type { RunState } from "@baton/kernel/RunState"
import type { BlobRef, Json, Value } from "@baton/kernel/Value"
import * as Values from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { AgentConversation, CallResult, ToolCall } from "./AgentConversation.ts"
import { callKey, ordinalsPerCandidate, Turn } from "./AgentConversation.ts"
import { AgentError } from "./Agents.ts"
import type { BlobStoreError } from "./BlobStore.ts"
import type { Failpoint } from "./Failpoint.ts"
import type { Settled } from "./RunSlot.ts"
import type { NewBlob } from "./StoredValue.ts"
import * as StoredValue from "./StoredValue.ts"

/** What a conversation needs of the machine; one per attempt. */
export interface ConversationMachine {
  readonly command: (command: Command, blobs?: ReadonlyArray<NewBlob>) => Effect.Effect<Settled>
  readonly state: Effect.Effect<RunState | undefined>
  readonly json: (ref: BlobRef) => Effect.Effect<Json, BlobStoreError>
  /** What the run knows of the conversation as the attempt begins. */
  readonly recorded: Conversation | undefined
  readonly now: () => number
  readonly reach: (point: Failpoint) => Effect.Effect<void>
}

export interface ConversationPlace {
  readonly run: string
  readonly path: string
  readonly attempt: number
  readonly generation: number
}

/** What all candidates of an attempt share. */
export interface AttemptConversation {
  /** The number of the last turn of the step. */
  last: number
  /** Results by key, as far as this attempt knows them. */
  readonly results: Map<string, { readonly result: Value; readonly failed: boolean }>
  /** An irreversible call has been made in this step. */
  announced: boolean
}

export const open = (recorded: Conversation | undefined): AttemptConversation => {
  const results = new Map<string, { readonly result: Value; readonly failed: boolean }>()
  let announced = false
  for (const [key, call] of recorded?.calls ?? []) {
    announced ||= call.announced === true
    if (call.result !== undefined) results.set(key, { result: call.result, failed: call.failed === true })
  }
  return { last: recorded?.last ?? 0, results, announced }
}

/** Scrubs what is recorded: a model or a tool may have repeated a secret. */
export type Scrub = (json: Json) => Json

/** One candidate's part of an attempt. */
interface Talk {
  readonly place: ConversationPlace
  readonly machine: ConversationMachine
  readonly shared: AttemptConversation
  readonly candidate: number
  readonly scrub: Scrub
}

export const make = (
  place: ConversationPlace,
  machine: ConversationMachine,
  shared: AttemptConversation,
  candidate: number,
  scrub: Scrub
): AgentConversation => {
  const talk: Talk = { place, machine, shared, candidate, scrub }
  const { generation, path, run } = place
  const ordinalsBefore = candidate * ordinalsPerCandidate
  return {
    settlesUsage: true,
    command: machine.command,
    state: machine.state,
    key: (tool, ordinal, input) => callKey(run, path, generation, ordinalsBefore + ordinal, tool, input),
    turns: turns(talk),
    record: (turn, reserve) => record(talk, turn, reserve),
    result: (key) => result(talk, key),
    begin: (call) => begin(talk, call),
    end: (call, ended) => end(talk, call, ended)
  }
}

const ask = (
  { machine }: Talk,
  command: Command,
  blobs: ReadonlyArray<NewBlob>,
  what: string
): Effect.Effect<void, AgentError> =>
  Effect.flatMap(
    machine.command(command, blobs),
    (settled) => settled.kind === "accepted" ? Effect.void : Effect.fail(notRecorded(what, settled))
  )

const now = ({ machine, place }: Talk) => ({ at: machine.now(), path: place.path, attempt: place.attempt })

const turns = ({ candidate, machine }: Talk): AgentConversation["turns"] =>
  Effect.suspend(() =>
    Effect.forEach(
      (machine.recorded?.turns ?? []).filter((turn) => turn.candidate === candidate),
      ({ ref }) => Effect.flatMap(Effect.mapError(machine.json(ref), unreadable), decodeTurn)
    )
  )

const record = Effect.fnUntraced(function*(talk: Talk, turn: Turn, reserve: Json | undefined) {
  const { candidate, machine, scrub, shared } = talk
  const blob = blobOf(scrub(turn as unknown as Json))
  const number = shared.last + 1
  const command: Command = {
    type: "RecordTurn",
    ...now(talk),
    turn: number,
    ref: blob.ref,
    bytes: blob.bytes.length,
    calls: turn.calls.length,
    ...(candidate === 0 ? {} : { candidate }),
    usage: turn.usage,
    ...(reserve === undefined ? {} : { reserve })
  }
  yield* ask(talk, command, [blob], "A turn")
  shared.last = number
  yield* machine.reach("agent.after-turn-recorded")
})

const result = ({ machine, shared }: Talk, key: string): Effect.Effect<CallResult | undefined, AgentError> => {
  const known = shared.results.get(key)
  return known === undefined
    ? Effect.undefined
    : Effect.map(readValue(machine, known.result), (output): CallResult => ({ output, failed: known.failed }))
}

const begin = (talk: Talk, call: ToolCall): Effect.Effect<void, AgentError> =>
  Effect.suspend(() => {
    talk.shared.announced = true
    return ask(talk, { type: "StartCall", ...now(talk), ...call }, [], `The call of ${call.tool}`)
  }).pipe(Effect.andThen(talk.machine.reach("agent.after-call-announced")))

const end = Effect.fnUntraced(function*(talk: Talk, call: ToolCall, { failed, output }: CallResult) {
  const { machine, scrub, shared } = talk
  yield* machine.reach("agent.after-call-before-result")
  const blobs: Array<NewBlob> = []
  const stored = StoredValue.store(scrub(output), blobs)
  const command: Command = {
    type: "EndCall",
    ...now(talk),
    ...call,
    result: stored,
    ...(failed ? { failed: true as const } : {})
  }
  yield* ask(talk, command, blobs, `The result of ${call.tool}`)
  shared.results.set(call.key, { result: stored, failed })
  yield* machine.reach("agent.after-result-recorded")
})

const blobOf = (json: Json): NewBlob => {
  const bytes = Buffer.from(JSON.stringify(json))
  return { ref: StoredValue.refOf(bytes), bytes, json }
}

const decode = Schema.decodeUnknownEffect(Turn)

const decodeTurn = (json: Json): Effect.Effect<Turn, AgentError> =>
  Effect.mapError(decode(json), () => unreadable({ message: "a recorded turn is not one this program knows" }))

const readValue = (machine: ConversationMachine, value: Value): Effect.Effect<Json, AgentError> =>
  Effect.gen(function*() {
    const blobs = new Map<BlobRef, Json>()
    for (const ref of Values.refs(value)) blobs.set(ref, yield* Effect.mapError(machine.json(ref), unreadable))
    return Values.resolve(value, blobs) ?? null
  })

const unreadable = ({ message }: { readonly message: string }): AgentError =>
  new AgentError({
    reason: "store",
    code: "CONVERSATION_UNREADABLE",
    message: `The recorded conversation cannot be read: ${message}`,
    retryable: true,
    sent: false
  })

const notRecorded = (what: string, settled: Exclude<Settled, { readonly kind: "accepted" }>): AgentError =>
  new AgentError({
    reason: "store",
    code: "CONVERSATION_NOT_RECORDED",
    message: `${what} could not be recorded: ${settled.message}`,
    retryable: settled.kind === "lost",
    sent: true
  })
