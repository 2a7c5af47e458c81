/** Keys and an audit log that answer from a script. */
import { AuditClient, type AuditItem } from "@baton/contract/AuditClient"
import { type KeyItem, KeysClient } from "@baton/contract/KeysClient"
import { LinksClient } from "@baton/contract/LinksClient"
import * as Effect from "effect/Effect"

export const keyItem: KeyItem = {
  id: "key_00000000000000000000000001",
  tenant: "default",
  name: "ci",
  owner: null,
  groups: [],
  scopes: ["runs:read"],
  status: "live",
  createdAt: "2026-11-21T10:00:00.000Z",
  createdBy: "local",
  expiresAt: null,
  revokedAt: null,
  lastUsedAt: null,
  replaces: null
}

const entry: AuditItem = {
  seq: 1,
  at: "2026-11-21T10:00:00.000Z",
  tenant: "default",
  actor: "ci\u001b[2J",
  method: "key",
  key: keyItem.id,
  action: "POST /api/v1/runs/",
  object: "run_1",
  outcome: "done",
  status: 201,
  code: null,
  request: "req_1",
  address: "127.0.0.1",
  suppressed: 0,
  hash: "0".repeat(64)
}

export const keyText = `baton_live_${"0".repeat(26)}_${"a".repeat(49)}`

export const keys = (calls: Array<ReadonlyArray<unknown>>): KeysClient["Service"] => {
  const record = (...call: ReadonlyArray<unknown>) => Effect.sync(() => void calls.push(call))
  return KeysClient.of({
    create: (request) => Effect.as(record("keys.create", request), { item: keyItem, key: keyText }),
    list: (query) => Effect.as(record("keys.list", query), [keyItem]),
    rotate: (...call) => Effect.as(record("keys.rotate", ...call), { item: keyItem, key: keyText }),
    revoke: (...call) => Effect.as(record("keys.revoke", ...call), { ...keyItem, status: "revoked" as const })
  })
}

export const audit = AuditClient.of({
  list: () => Effect.succeed([entry]),
  verify: ({ expected }) =>
    Effect.succeed({
      entries: 1,
      head: { seq: 1, hash: "0".repeat(64) },
      fault: expected === undefined ? null : { seq: 1, problem: "entry 1 is another one" }
    })
})

export const links = LinksClient.of({
  create: ({ target }, { by = "local" }) =>
    Effect.succeed({
      approval: target,
      run: "run_1",
      step: "gate",
      path: "/approve/abc",
      url: null,
      by,
      expiresAt: "2026-11-22T10:00:00.000Z"
    })
})
