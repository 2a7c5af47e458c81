/**
 * Results of steps, kept to be used again instead of running the step (SEMANTICS 8.11d).
 *
 * Promise. A receipt is given back as it was put, for its tenant only, until it is pushed out or cleared: at most
 * {@link receiptsMax} per tenant, those unused longest go first. It is a cache: losing one costs a run of the step, never a
 * fact. Whether a receipt still counts is for the reader to judge.
 */
import type { PartName } from "@baton/kernel/Receipt"
import type { Value } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** Receipts kept per tenant. */
export const receiptsMax = 2000

export interface Receipt {
  /** SHA-256 of everything that determines the result: `sha256:<hex>`. */
  readonly key: string
  readonly flow: string
  /** The node's id, without index. */
  readonly node: string
  /** A hash per part of the key, to tell what has changed. */
  readonly parts: { readonly [part in PartName]: string }
  readonly output: Value
  /** Which agent answered. */
  readonly agent?: string
  /** The step that made it. */
  readonly run: string
  readonly path: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly expiresAt: number
}

export interface ReceiptUse {
  readonly flow: string
  readonly node: string
  readonly key: string
  readonly hit: boolean
}

/** Of one node: receipts there are, and look-ups since they were cleared. */
export interface ReceiptStats {
  readonly flow: string
  readonly node: string
  readonly entries: number
  readonly hits: number
  readonly misses: number
}

export interface ReceiptQuery {
  readonly flow?: string
  readonly node?: string
}

export class ReceiptStoreError extends Schema.TaggedError<ReceiptStoreError>()("ReceiptStoreError", {
  reason: Schema.Literals(["unavailable", "corrupt"]),
  message: Schema.String
}) {}

export class ReceiptStore extends Context.Service<ReceiptStore, {
  /** The receipt under this key, whether or not it has run out. */
  readonly find: (tenant: string, key: string) => Effect.Effect<Receipt | undefined, ReceiptStoreError>
  /** The newest receipt of a node. */
  readonly last: (tenant: string, flow: string, node: string) => Effect.Effect<Receipt | undefined, ReceiptStoreError>
  /** Takes the place of one with the same key. */
  readonly put: (tenant: string, receipt: Receipt) => Effect.Effect<void, ReceiptStoreError>
  /** Counts a look-up; a hit is what keeps a receipt from being pushed out. */
  readonly use: (tenant: string, use: ReceiptUse) => Effect.Effect<void, ReceiptStoreError>
  /** By flow and node, in their order. */
  readonly stats: (tenant: string) => Effect.Effect<ReadonlyArray<ReceiptStats>, ReceiptStoreError>
  /** Forgets receipts and counts; answers how many receipts went. */
  readonly clear: (tenant: string, query: ReceiptQuery) => Effect.Effect<number, ReceiptStoreError>
}>()("baton/engine/ReceiptStore") {}
