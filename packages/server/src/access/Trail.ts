/** What becomes known about one request on its way, for the audit log. */
import type { Principal } from "@baton/contract/http/Access"
import * as Context from "effect/Context"

export interface Trail {
  /** Id of the request. */
  readonly request: string
  readonly address: string
  principal?: Principal
  /** Who acts without being a principal: the maker of a link. */
  actor?: { readonly tenant: string; readonly subject: string; readonly method: string }
  /** Such as `POST /api/v1/runs/:id/cancel`. */
  action?: string
  object?: string
}

export const Trail = Context.Reference<Trail | undefined>("baton/server/access/Trail", {
  defaultValue: () => undefined
})
