/** The audit log, for who may read it. */
import { AuditClient, type AuditItem } from "@baton/contract/AuditClient"
import { ClientError } from "@baton/contract/Client"
import { timeText } from "@baton/contract/Wire"
import type { AuditEntry, AuditLogError } from "@baton/engine/AuditLog"
import * as Effect from "effect/Effect"
import type { Parts } from "../Parts.ts"
import { tenantOf } from "./KeyOffice.ts"

const fromAudit = ({ message, reason }: AuditLogError): ClientError =>
  new ClientError({ reason: "unavailable", code: `AUDIT_${reason.toUpperCase()}`, message })

const item = ({ address, at, code, key, suppressed, ...entry }: AuditEntry): AuditItem => ({
  ...entry,
  at: timeText(at),
  key: key ?? null,
  code: code ?? null,
  address: address ?? null,
  suppressed: suppressed ?? 0
})

export const make = (parts: Parts): AuditClient["Service"] =>
  AuditClient.of({
    list: Effect.fnUntraced(function*({ tenant, ...query }) {
      const entries = yield* Effect.mapError(parts.audit.list(yield* tenantOf(parts, tenant), query), fromAudit)
      return entries.map(item)
    }),
    verify: Effect.fnUntraced(function*({ expected, tenant }) {
      const verdict = yield* Effect.mapError(parts.audit.verify(yield* tenantOf(parts, tenant), expected), fromAudit)
      return { ...verdict, fault: verdict.fault ?? null }
    })
  })
