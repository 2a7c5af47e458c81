/** What runs have used and cost: over all runs, and corrected for one attempt. */
import type { Usage } from "@baton/kernel/Usage"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ClientError } from "./Client.ts"

export const UsageBy = Schema.Literals(["flow", "model", "run", "day", "agent"])
export type UsageBy = typeof UsageBy.Type

const used = {
  runs: Schema.Int,
  calls: Schema.Int,
  tokens: Schema.Int,
  inputTokens: Schema.Int,
  outputTokens: Schema.Int,
  cachedTokens: Schema.Int,
  /** US dollars; null when some of it has no known price. */
  costUsd: Schema.NullOr(Schema.Number),
  /** US dollars of what has a known price. */
  knownCostUsd: Schema.Number,
  /** Some of it is, or was, a guess, because an attempt did not say what it used. */
  estimated: Schema.Boolean
}

export const UsageDocument = Schema.Struct({
  schema: Schema.Literal("baton.usage/1"),
  by: UsageBy,
  /** RFC 3339 UTC text; null: from the start. */
  since: Schema.NullOr(Schema.String),
  groups: Schema.Array(Schema.Struct({ key: Schema.String, ...used })),
  /** Of all groups, listed or not; without `runs`, which may be in several. */
  total: Schema.Struct(used)
})
export type UsageDocument = typeof UsageDocument.Type

export interface UsageRequest {
  readonly by: UsageBy
  /** Milliseconds since 1970. */
  readonly since?: number
  readonly run?: string
  readonly flow?: string
  readonly limit: number
}

export class UsageClient extends Context.Service<UsageClient, {
  readonly summary: (request: UsageRequest) => Effect.Effect<UsageDocument, ClientError>
  /**
   * Tells what an attempt has really used that was settled by a guess, also after the run has ended; `conflict` with code
   * `USAGE_SETTLED` when it was no guess.
   */
  readonly report: (run: string, path: string, attempt: number, usage: Usage) => Effect.Effect<void, ClientError>
}>()("baton/contract/UsageClient") {}
