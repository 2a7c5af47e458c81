/** Receipts, for people. */
import { ClientError } from "@baton/contract/Client"
import { ReceiptsClient } from "@baton/contract/ReceiptsClient"
import type { ReceiptStore, ReceiptStoreError } from "@baton/engine/ReceiptStore"
import * as Effect from "effect/Effect"
import { tenant } from "./Parts.ts"

const refail = ({ message, reason }: ReceiptStoreError): ClientError =>
  new ClientError({ reason: "unavailable", code: `RECEIPTS_${reason.toUpperCase()}`, message })

export const make = (store: ReceiptStore["Service"]): ReceiptsClient["Service"] =>
  ReceiptsClient.of({
    stats: Effect.mapError(store.stats(tenant), refail),
    clear: (selection) => Effect.mapError(store.clear(tenant, selection), refail)
  })
