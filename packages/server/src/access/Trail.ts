/** What becomes known about one request on its way, for the audit log. */
import type { Principal } from "@baton/contract/http/Access"
import { type AuditDraft, systemTenant } from "@baton/engine/AuditLog"
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
  /** Status with which it is in the log already, written together with what it did. */
  recorded?: number
}

/** What a request has done, or has been refused. */
export type Deed = Pick<AuditDraft, "at" | "action" | "object" | "outcome" | "status" | "code">

/** Who did it, and how that is known. */
export const entry = ({ actor, address, principal, request }: Trail, deed: Deed): AuditDraft => ({
  tenant: actor?.tenant ?? principal?.tenant ?? systemTenant,
  actor: actor?.subject ?? principal?.subject ?? "",
  method: actor?.method ?? principal?.method ?? "none",
  ...deed,
  request,
  ...(principal?.key === undefined ? {} : { key: principal.key }),
  ...(address === "" ? {} : { address })
})

export const Trail = Context.Reference<Trail | undefined>("baton/server/access/Trail", {
  defaultValue: () => undefined
})
