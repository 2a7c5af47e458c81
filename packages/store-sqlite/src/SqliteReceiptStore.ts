/** Receipts in the store file. */
import { ReceiptStore, ReceiptStoreError } from "@baton/engine/ReceiptStore"
import type { RunStoreError } from "@baton/engine/RunStore"
import * as Effect from "effect/Effect"
import * as ReceiptTable from "./ReceiptTable.ts"
import type { StoreAccess } from "./StoreAccess.ts"

const refail = <A>(effect: Effect.Effect<A, RunStoreError>): Effect.Effect<A, ReceiptStoreError> =>
  Effect.mapError(
    effect,
    ({ message, reason }) =>
      new ReceiptStoreError({ reason: reason === "corrupt" ? "corrupt" : "unavailable", message })
  )

export const make = ({ read, write }: StoreAccess) =>
  ReceiptStore.of({
    find: (tenant, key) => refail(read((connection) => ReceiptTable.find(connection, tenant, key))),
    last: (tenant, flow, node) => refail(read((connection) => ReceiptTable.last(connection, tenant, flow, node))),
    put: (tenant, receipt) => refail(write("putReceipt", tenant, receipt)),
    use: (tenant, use) => refail(write("useReceipt", tenant, use)),
    stats: (tenant) => refail(read((connection) => ReceiptTable.stats(connection, tenant))),
    clear: (tenant, query) => refail(write("clearReceipts", tenant, query))
  })
