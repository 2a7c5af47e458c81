/** Idempotency keys in the store file; those of requests that come together are changed together. */
import { IdempotencyStore, type Reservation, type Reserved } from "@baton/engine/IdempotencyStore"
import * as Effect from "effect/Effect"
import * as Grouped from "./Grouped.ts"
import type * as IdempotencyTable from "./IdempotencyTable.ts"
import type { StoreAccess } from "./StoreAccess.ts"

/** A key that was asked for and not answered about is a bug of ours. */
const answered = (key: Reservation) => (found: Reserved | undefined): Effect.Effect<Reserved> =>
  found === undefined ? Effect.die(new Error(`nothing was said of the key ${key.key}`)) : Effect.succeed(found)

export const make = ({ write }: StoreAccess) =>
  Effect.map(
    Grouped.make((changes: ReadonlyArray<IdempotencyTable.Change>) => write("changeKeys", changes)),
    (change) =>
      IdempotencyStore.of({
        reserve: (tenant, key) => Effect.flatMap(change({ kind: "reserve", tenant, key }), answered(key)),
        settle: (tenant, key, answer) => Effect.asVoid(change({ kind: "settle", tenant, key, answer })),
        release: (tenant, key) => Effect.asVoid(change({ kind: "release", tenant, key })),
        sweep: (now, keysMax) => write("sweepKeys", now, keysMax)
      })
  )
