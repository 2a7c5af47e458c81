/** Folds a run from its journal, verifying the hash chain as it goes. */
import type { Event } from "@baton/kernel/Event"
import { evolve } from "@baton/kernel/Evolve"
import type { Plan } from "@baton/kernel/Plan"
import * as RunState from "@baton/kernel/RunState"
import * as Effect from "effect/Effect"
import * as RecordHash from "./RecordHash.ts"
import type { JournalRecord, RunStore } from "./RunStore.ts"
import { RunStoreError } from "./RunStore.ts"

/** Records read in one go. */
const pageRecords = 1000

export interface Loaded {
  readonly state: RunState.RunState
  readonly head: number
  readonly hash: Uint8Array
}

const isEvent = (value: unknown): boolean =>
  typeof value === "object" && value !== null && "type" in value && typeof value.type === "string" && "v" in value &&
  Number.isInteger(value.v) && "at" in value && Number.isInteger(value.at)

/** What every event has. Its own shape is asked when it is folded: one that does not fit seals the run. */
const isEvents = (value: unknown): value is ReadonlyArray<Event> => Array.isArray(value) && value.every(isEvent)

/** The events of a record; bytes that are no list of events are corruption. */
export const events = (record: JournalRecord): Effect.Effect<ReadonlyArray<Event>, RunStoreError> =>
  Effect.try({
    try: (): unknown => JSON.parse(Buffer.from(record.bytes).toString("utf8")),
    catch: () => corrupt(record)
  }).pipe(
    Effect.flatMap((parsed) => isEvents(parsed) ? Effect.succeed(parsed) : Effect.fail(corrupt(record)))
  )

const corrupt = (record: JournalRecord): RunStoreError =>
  new RunStoreError({ reason: "corrupt", message: `The record at sequence ${record.seq} is not a list of events.` })

export const load = Effect.fnUntraced(function*(
  store: RunStore["Service"],
  plan: Plan,
  tenant: string,
  run: string
): Effect.fn.Return<Loaded | undefined, RunStoreError> {
  const state = RunState.empty(plan)
  let hash: Uint8Array = new Uint8Array()
  for (;;) {
    const records = yield* store.records(tenant, run, state.seq, pageRecords)
    for (const record of records) {
      if (record.seq !== state.seq + 1 || !RecordHash.equals(RecordHash.next(hash, record.bytes), record.hash)) {
        return yield* new RunStoreError({
          reason: "corrupt",
          message: `The journal of ${run} does not hold together at sequence ${record.seq}.`
        })
      }
      hash = record.hash
      for (const event of yield* events(record)) evolve(state, event)
    }
    if (records.length < pageRecords) break
  }
  return state.seq === 0 ? undefined : { state, head: state.seq, hash }
})
