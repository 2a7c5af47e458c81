/** Receipts in memory, one store per layer. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Receipt, ReceiptQuery, ReceiptStats } from "./ReceiptStore.ts"
import { receiptsMax, ReceiptStore } from "./ReceiptStore.ts"

interface Shelf {
  /** By key, those unused longest first. */
  readonly receipts: Map<string, Receipt>
  readonly counts: Map<string, { readonly flow: string; readonly node: string; hits: number; misses: number }>
}

const nodeKey = (flow: string, node: string): string => JSON.stringify([flow, node])

const isAsked = ({ flow, node }: ReceiptQuery, one: { readonly flow: string; readonly node: string }): boolean =>
  (flow === undefined || flow === one.flow) && (node === undefined || node === one.node)

const put = ({ receipts }: Shelf, receipt: Receipt): void => {
  receipts.delete(receipt.key)
  receipts.set(receipt.key, receipt)
  for (const key of receipts.keys()) {
    if (receipts.size <= receiptsMax) break
    receipts.delete(key)
  }
}

const last = ({ receipts }: Shelf, flow: string, node: string): Receipt | undefined => {
  let found: Receipt | undefined
  for (const one of receipts.values()) {
    if (one.flow === flow && one.node === node && (found === undefined || one.at >= found.at)) found = one
  }
  return found
}

const stats = ({ counts, receipts }: Shelf): ReadonlyArray<ReceiptStats> => {
  const all = new Map<string, ReceiptStats>()
  for (const [key, count] of counts) all.set(key, { ...count, entries: 0 })
  for (const { flow, node } of receipts.values()) {
    const before = all.get(nodeKey(flow, node)) ?? { flow, node, entries: 0, hits: 0, misses: 0 }
    all.set(nodeKey(flow, node), { ...before, entries: before.entries + 1 })
  }
  return [...all.values()].sort((a, b) => a.flow === b.flow ? (a.node < b.node ? -1 : 1) : a.flow < b.flow ? -1 : 1)
}

const clear = ({ counts, receipts }: Shelf, query: ReceiptQuery): number => {
  const before = receipts.size
  for (const [key, one] of receipts) if (isAsked(query, one)) receipts.delete(key)
  for (const [key, one] of counts) if (isAsked(query, one)) counts.delete(key)
  return before - receipts.size
}

export const layer: Layer.Layer<ReceiptStore> = Layer.sync(ReceiptStore, () => {
  const shelves = new Map<string, Shelf>()
  const shelf = (tenant: string): Shelf => {
    const known = shelves.get(tenant) ?? { receipts: new Map(), counts: new Map() }
    shelves.set(tenant, known)
    return known
  }
  return ReceiptStore.of({
    find: (tenant, key) => Effect.sync(() => shelf(tenant).receipts.get(key)),
    last: (tenant, flow, node) => Effect.sync(() => last(shelf(tenant), flow, node)),
    put: (tenant, receipt) => Effect.sync(() => put(shelf(tenant), receipt)),
    use: (tenant, { flow, hit, key, node }) =>
      Effect.sync(() => {
        const { counts, receipts } = shelf(tenant)
        const count = counts.get(nodeKey(flow, node)) ?? { flow, node, hits: 0, misses: 0 }
        if (hit) count.hits++
        else count.misses++
        counts.set(nodeKey(flow, node), count)
        const used = hit ? receipts.get(key) : undefined
        if (used === undefined) return
        receipts.delete(key)
        receipts.set(key, used)
      }),
    stats: (tenant) => Effect.sync(() => stats(shelf(tenant))),
    clear: (tenant, query) => Effect.sync(() => clear(shelf(tenant), query))
  })
})
