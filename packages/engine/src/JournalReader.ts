/** A run's events in order, each given once to whoever folds them; the hash chain is verified on the way. */
import type { Event } from "@baton/kernel/Event"
import * as Effect from "effect/Effect"
import * as RecordHash from "./RecordHash.ts"
import * as RunLoader from "./RunLoader.ts"
import type { RunStore } from "./RunStore.ts"
import { RunStoreError } from "./RunStore.ts"

/** Records read in one go. */
const pageRecords = 1000

/** How many events there were. A journal whose beginning is gone is `corrupt`, as one that does not hold together. */
export const read = Effect.fnUntraced(function*(
  store: RunStore["Service"],
  tenant: string,
  run: string,
  fold: (event: Event) => void
): Effect.fn.Return<number, RunStoreError> {
  let seq = 0
  let hash: Uint8Array = new Uint8Array()
  for (;;) {
    const records = yield* store.records(tenant, run, seq, pageRecords)
    for (const record of records) {
      if (record.seq !== seq + 1 || !RecordHash.equals(RecordHash.next(hash, record.bytes), record.hash)) {
        const message = `The journal of ${run} does not hold together at sequence ${record.seq}.`
        return yield* new RunStoreError({ reason: "corrupt", message })
      }
      hash = record.hash
      seq += record.n
      for (const event of yield* RunLoader.events(record)) fold(event)
    }
    if (records.length < pageRecords) return seq
  }
})
