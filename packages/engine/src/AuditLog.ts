/**
 * Who asked for what, and what became of it: one chain of hashed entries per tenant, to which is only added.
 *
 * Promise. What `append` has acknowledged survives power loss. Entry n's hash is SHA-256(hash of n − 1 ‖ its JSON), so that
 * an entry that was changed, removed or put in between is found by `verify`. A cut-off end is found only by one who kept
 * the last hash: whoever can write the store can write a new chain.
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { createHash } from "node:crypto"

/** The chain of what nobody proven has asked for. No tenant has this name. */
export const systemTenant = "system"

export const AuditDraft = Schema.Struct({
  tenant: Schema.String,
  /** Milliseconds since 1970. */
  at: Schema.Number,
  /** Who; empty when nobody proven. */
  actor: Schema.String,
  /** How that was proven: `key`, `jwt`, `session`, `link`, `local`, or `none`; `engine`: nobody asked, Baton did it itself. */
  method: Schema.String,
  /** Id of the key. */
  key: Schema.optionalKey(Schema.String),
  /** Such as `POST /api/v1/runs/:id/cancel`. */
  action: Schema.String,
  /** The path that was asked for, or the id of what was made. */
  object: Schema.String,
  outcome: Schema.Literals(["done", "refused", "denied", "failed"]),
  /** HTTP status; 0 where there was no HTTP. */
  status: Schema.Number,
  code: Schema.optionalKey(Schema.String),
  request: Schema.String,
  address: Schema.optionalKey(Schema.String),
  /** How many alike went before without an entry of their own. */
  suppressed: Schema.optionalKey(Schema.Number)
})
export type AuditDraft = typeof AuditDraft.Type

export interface AuditEntry extends AuditDraft {
  /** From 1, unbroken, per tenant. */
  readonly seq: number
  /** 64 lower-case hex digits. */
  readonly hash: string
}

/** Bytes of an entry as they are hashed and stored. */
export const bodyOf = (draft: AuditDraft): string => JSON.stringify(draft)

/** `previous` is empty before the first entry. */
export const hashOf = (previous: string, seq: number, body: string): string =>
  createHash("sha256").update(`${previous}\n${seq}\n`).update(body).digest("hex")

export interface AuditHead {
  readonly seq: number
  readonly hash: string
}

export interface AuditVerdict {
  readonly entries: number
  /** The end of the chain: keep it elsewhere to find a cut-off end later. */
  readonly head: AuditHead
  /** The first entry that does not fit, and why. */
  readonly fault?: { readonly seq: number; readonly problem: string }
}

export class AuditLogError extends Schema.TaggedError<AuditLogError>()("AuditLogError", {
  reason: Schema.Literals(["unavailable", "corrupt"]),
  message: Schema.String
}) {}

export class AuditLog extends Context.Service<AuditLog, {
  readonly append: (drafts: ReadonlyArray<AuditDraft>) => Effect.Effect<void, AuditLogError>
  /** Newest first, before `before`. */
  readonly list: (
    tenant: string,
    query: { readonly before?: number; readonly limit: number }
  ) => Effect.Effect<ReadonlyArray<AuditEntry>, AuditLogError>
  /** `expected`: an entry that must be there with this hash. */
  readonly verify: (tenant: string, expected?: AuditHead) => Effect.Effect<AuditVerdict, AuditLogError>
}>()("baton/engine/AuditLog") {}

export interface StoredEntry {
  readonly seq: number
  readonly body: string
  readonly hash: string
}

/** Goes along a chain, page by page. */
export class ChainCheck {
  readonly #expected: AuditHead | undefined
  #head: AuditHead = { seq: 0, hash: "" }
  #met = false
  #fault: AuditVerdict["fault"]

  constructor(expected: AuditHead | undefined) {
    this.#expected = expected
  }

  /** The number of the last entry seen. */
  get seq(): number {
    return this.#head.seq
  }

  get isOver(): boolean {
    return this.#fault !== undefined
  }

  add(entry: StoredEntry): void {
    if (this.#fault !== undefined) return
    const seq = this.#head.seq + 1
    if (entry.seq !== seq) this.#fault = { seq, problem: `entry ${seq} is missing` }
    else if (hashOf(this.#head.hash, seq, entry.body) !== entry.hash) {
      this.#fault = { seq, problem: `entry ${seq} does not fit the chain: it or one before it was changed` }
    } else if (this.#expected?.seq === seq && this.#expected.hash !== entry.hash) {
      this.#fault = { seq, problem: `entry ${seq} is another one than the expected: the chain was written anew` }
    } else {
      this.#head = { seq, hash: entry.hash }
      if (this.#expected?.seq === seq) this.#met = true
    }
  }

  get verdict(): AuditVerdict {
    const fault = this.#fault ?? (this.#expected === undefined || this.#met || this.#expected.seq === 0
      ? undefined
      : { seq: this.#head.seq + 1, problem: `entry ${this.#expected.seq} is missing: the end was cut off` })
    return { entries: this.#head.seq, head: this.#head, ...(fault === undefined ? {} : { fault }) }
  }
}
