/** Access keys, access tokens and the audit log in the store file. */
import { AccessKeys, AccessKeysError } from "@baton/engine/AccessKeys"
import { AccessTokens, AccessTokensError, tokensMax } from "@baton/engine/AccessTokens"
import { AuditLog, AuditLogError } from "@baton/engine/AuditLog"
import type { RunStoreError } from "@baton/engine/RunStore"
import * as Effect from "effect/Effect"
import * as AccessKeyTable from "./AccessKeyTable.ts"
import * as AccessTokenTable from "./AccessTokenTable.ts"
import * as AuditTable from "./AuditTable.ts"
import type { StoreAccess } from "./StoreAccess.ts"

const keysFail = ({ message }: RunStoreError) => new AccessKeysError({ reason: "unavailable", message })
const tokensFail = ({ message }: RunStoreError) => new AccessTokensError({ reason: "unavailable", message })
const auditFail = ({ message, reason }: RunStoreError) =>
  new AuditLogError({ reason: reason === "corrupt" ? "corrupt" : "unavailable", message })

const settle = (added: AccessKeyTable.Added): Effect.Effect<void, AccessKeysError> => {
  if (added === "added") return Effect.void
  const message = added === "full" ? "The tenant has as many keys as it may have." : "The key is there already."
  return Effect.fail(new AccessKeysError({ reason: added, message }))
}

export const keys = ({ read, write }: StoreAccess) =>
  AccessKeys.of({
    add: (key) => Effect.flatMap(Effect.mapError(write("addAccessKey", key), keysFail), settle),
    replace: (key, until) => Effect.flatMap(Effect.mapError(write("replaceAccessKey", key, until), keysFail), settle),
    find: (id) => Effect.mapError(read((connection) => AccessKeyTable.find(connection, id)), keysFail),
    list: (tenant, { after = "", limit }) =>
      Effect.mapError(read((connection) => AccessKeyTable.list(connection, tenant, after, limit)), keysFail),
    revoke: (tenant, id, at) => Effect.mapError(write("revokeAccessKey", tenant, id, at), keysFail),
    noteUse: (id, at) => Effect.mapError(write("noteAccessKeyUse", id, at), keysFail)
  })

export const tokens = ({ read, write }: StoreAccess) =>
  AccessTokens.of({
    put: (token) =>
      Effect.flatMap(Effect.mapError(write("putAccessToken", token), tokensFail), (isPut) =>
        isPut ? Effect.void : Effect.fail(
          new AccessTokensError({ reason: "full", message: `The tenant has ${tokensMax} open tokens of this kind.` })
        )),
    find: (kind, digest) =>
      Effect.mapError(
        read((connection) =>
          AccessTokenTable.find(connection, kind, digest)
        ),
        tokensFail
      ),
    claim: (digest, at) => Effect.mapError(write("claimAccessToken", digest, at), tokensFail),
    unclaim: (digest) => Effect.mapError(write("unclaimAccessToken", digest), tokensFail),
    remove: (digest) => Effect.mapError(write("removeAccessToken", digest), tokensFail)
  })

export const audit = ({ read, write }: StoreAccess) =>
  AuditLog.of({
    append: (drafts) => Effect.mapError(write("appendAudit", drafts), auditFail),
    list: (tenant, { before = Number.MAX_SAFE_INTEGER, limit }) =>
      Effect.mapError(read((connection) => AuditTable.list(connection, tenant, before, limit)), auditFail),
    verify: (tenant, expected) =>
      Effect.mapError(read((connection) => AuditTable.verify(connection, tenant, expected)), auditFail)
  })
