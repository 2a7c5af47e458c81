/** What is changed beside the server has its entry in the audit log too; over HTTP the request has one already. */
import { ClientError } from "@baton/contract/Client"
import * as Effect from "effect/Effect"
import type { Parts } from "../Parts.ts"

/** Such as `keys create`, of `key_01…`. */
export const note = (
  parts: Parts,
  tenant: string,
  action: string,
  object: string
): Effect.Effect<void, ClientError> =>
  parts.scopes !== undefined ? Effect.void : Effect.mapError(
    parts.audit.append([{
      tenant,
      at: parts.clock.currentTimeMillisUnsafe(),
      actor: parts.by,
      method: "local",
      action,
      object,
      outcome: "done",
      status: 0,
      request: ""
    }]),
    ({ message }) => new ClientError({ reason: "unavailable", code: "AUDIT_UNAVAILABLE", message })
  )
