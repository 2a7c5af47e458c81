/**
 * Receipts, as a program may ask about them: what is kept and how often it served, and forgetting it.
 *
 * In process this is the engine's `ReceiptStore` of the one tenant; `unavailable` answers a store that cannot be read.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ClientError } from "./Client.ts"

/** Of one node: receipts there are, and look-ups since they were cleared. */
export const ReceiptStatsItem = Schema.Struct({
  flow: Schema.String,
  node: Schema.String,
  entries: Schema.Int,
  hits: Schema.Int,
  misses: Schema.Int
})
export type ReceiptStatsItem = typeof ReceiptStatsItem.Type

/** Both absent: everything. */
export interface ReceiptSelection {
  readonly flow?: string
  readonly node?: string
}

export class ReceiptsClient extends Context.Service<ReceiptsClient, {
  readonly stats: Effect.Effect<ReadonlyArray<ReceiptStatsItem>, ClientError>
  /** Forgets receipts and their counts; answers how many receipts went. */
  readonly clear: (selection: ReceiptSelection) => Effect.Effect<number, ClientError>
}>()("baton/contract/ReceiptsClient") {}
