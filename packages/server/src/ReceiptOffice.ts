/** Receipts, for people. */
import { ClientError } from "@baton/contract/Client"
import { ReceiptsClient } from "@baton/contract/ReceiptsClient"
import type { ReceiptStoreError } from "@baton/engine/ReceiptStore"
import * as Effect from "effect/Effect"
import type { Parts } from "./Parts.ts"

const refail = ({ message, reason }: ReceiptStoreError): ClientError =>
  new ClientError({ reason: "unavailable", code: `RECEIPTS_${reason.toUpperCase()}`, message })

export const make = (parts: Parts): ReceiptsClient["Service"] =>
  ReceiptsClient.of({
    stats: Effect.mapError(parts.receipts.stats(parts.tenant), refail),
    clear: (selection) => Effect.mapError(parts.receipts.clear(parts.tenant, selection), refail)
  })
