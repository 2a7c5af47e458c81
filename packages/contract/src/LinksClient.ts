/**
 * Links by which somebody without a key decides one approval once, in the name of whoever has made the link: so a link is
 * made by who may decide, and given to nobody they would not lend their vote to.
 *
 * A link is bound to the approval as it is asked now and ends by itself. Refusals: those of `ApprovalsClient.show`,
 * `conflict` (`ALREADY_DECIDED`, `APPROVAL_VOID`, `LINKS_MAX`), `invalid` (`LINK_INVALID`).
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Target } from "./ApprovalsClient.ts"
import type { ClientError } from "./Client.ts"

export const LinkDocument = Schema.Struct({
  approval: Schema.String,
  run: Schema.String,
  step: Schema.String,
  /** Below the server's address. It holds the token, which is told only here. */
  path: Schema.String,
  /** The whole address, where the server knows its own (`BATON_PUBLIC_URL`). */
  url: Schema.NullOr(Schema.String),
  /** In whose name the link decides. */
  by: Schema.String,
  /** RFC 3339 UTC text. */
  expiresAt: Schema.String
})
export type LinkDocument = typeof LinkDocument.Type

export interface LinkRequest {
  /** Milliseconds from now, at most 30 days; a day when absent. */
  readonly lifetimeMs?: number
  /** In whose name; the person at this machine when absent. */
  readonly by?: string
  readonly groups?: ReadonlyArray<string>
}

export class LinksClient extends Context.Service<LinksClient, {
  readonly create: (target: Target, request: LinkRequest) => Effect.Effect<LinkDocument, ClientError>
}>()("baton/contract/LinksClient") {}
