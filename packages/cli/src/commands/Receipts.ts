/** `receipts stats|clear`. */
import { ReceiptsClient } from "@baton/contract/ReceiptsClient"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.ts"
import { exitCodes } from "../ExitCode.ts"
import { Printer } from "../Printer.ts"
import type { ReceiptsClear, ReceiptsStats } from "../ReceiptsTree.ts"
import * as Confirmation from "./Confirmation.ts"

/** Of all look-ups, those that were served. */
const share = (hits: number, misses: number): string =>
  hits + misses === 0 ? "" : `${Math.round((100 * hits) / (hits + misses))} %`

export const receiptsStats = Effect.fnUntraced(function*(_request: ReceiptsStats) {
  const printer = yield* Printer
  const items = yield* Backend.withPorts({}, Effect.flatMap(ReceiptsClient, (receipts) => receipts.stats))
  yield* printer.listing({
    document: { schema: "baton.receipts/1", nodes: items as ReadonlyArray<Json> },
    items: items as ReadonlyArray<Json>,
    empty: "no receipts",
    table: {
      header: ["flow", "node", "entries", "hits", "misses", "served"],
      rows: items.map(({ entries, flow, hits, misses, node }) => [
        flow,
        node,
        String(entries),
        String(hits),
        String(misses),
        share(hits, misses)
      ])
    }
  })
  return exitCodes.done
})

export const receiptsClear = Effect.fnUntraced(function*({ flow, node }: ReceiptsClear) {
  const printer = yield* Printer
  if (flow === undefined && node === undefined) yield* Confirmation.require("forget all receipts")
  const selection = { ...(flow === undefined ? {} : { flow }), ...(node === undefined ? {} : { node }) }
  const cleared = yield* Backend.withPorts({}, Effect.flatMap(ReceiptsClient, (receipts) => receipts.clear(selection)))
  yield* printer.isJson
    ? printer.document({ schema: "baton.receipt/1", action: "cleared", receipts: cleared })
    : printer.answer(`${cleared} receipt${cleared === 1 ? "" : "s"} forgotten`)
  return exitCodes.done
})
