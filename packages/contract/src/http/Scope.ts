/** What a credential may do, by name. */
import * as Schema from "effect/Schema"

/** Scopes that reach over all tenants: a key gets them by their names only. */
export const systemScopes: ReadonlyArray<string> = ["metrics:read", "system:admin"]

export const Scope = Schema.Literals([
  "runs:read",
  "runs:write",
  "runs:patch",
  "flows:read",
  "flows:write",
  "approvals:read",
  "approvals:decide",
  "secrets:write",
  "webhooks:write",
  "usage:read",
  "metrics:read",
  "keys:admin",
  "audit:read",
  "system:admin"
])
export type Scope = typeof Scope.Type
