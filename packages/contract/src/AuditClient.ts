/**
 * The audit log, as a program may read it: who asked for what, and what became of it. Nothing but Baton writes it.
 *
 * With `tenant` the log of another tenant (`system`: of requests that nobody proven has made); over HTTP that takes
 * `system:admin` (`denied`, `TENANT_NOT_YOURS`).
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ClientError } from "./Client.ts"

const text = Schema.NullOr(Schema.String)

/** One line of `audit list`. */
export const AuditItem = Schema.Struct({
  seq: Schema.Int,
  at: Schema.String,
  tenant: Schema.String,
  /** Empty when nobody proven. */
  actor: Schema.String,
  /** `key`, `jwt`, `session`, `link`, `local` or `none`. */
  method: Schema.String,
  key: text,
  /** Such as `POST /api/v1/runs/:id/cancel`. */
  action: Schema.String,
  object: Schema.String,
  /** `done`, `refused` (the request was wrong), `denied` (not allowed) or `failed`. */
  outcome: Schema.String,
  status: Schema.Int,
  code: text,
  request: Schema.String,
  address: text,
  /** Denied requests before this one that have no line of their own. */
  suppressed: Schema.Int,
  hash: Schema.String
})
export type AuditItem = typeof AuditItem.Type

export const AuditVerdict = Schema.Struct({
  entries: Schema.Int,
  head: Schema.Struct({ seq: Schema.Int, hash: Schema.String }),
  fault: Schema.NullOr(Schema.Struct({ seq: Schema.Int, problem: Schema.String }))
})
export type AuditVerdict = typeof AuditVerdict.Type

export class AuditClient extends Context.Service<AuditClient, {
  /** Newest first, before `before`. */
  readonly list: (
    query: { readonly before?: number; readonly limit: number; readonly tenant?: string }
  ) => Effect.Effect<ReadonlyArray<AuditItem>, ClientError>
  /** Checks the chain; `expected` is the end as it was seen before. */
  readonly verify: (
    query: { readonly expected?: { readonly seq: number; readonly hash: string }; readonly tenant?: string }
  ) => Effect.Effect<AuditVerdict, ClientError>
}>()("baton/contract/AuditClient") {}
