/** The audit log in the store file: who edits a row is found out, and the file itself refuses the edit. */
import { type AuditDraft, AuditLog } from "@baton/engine/AuditLog"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"

const draft = (object: string): AuditDraft => ({
  tenant: "acme",
  at: 5,
  actor: "ci",
  method: "key",
  action: "POST /api/v1/runs",
  object,
  outcome: "done",
  status: 201,
  request: "req_1"
})

const edits: ReadonlyArray<readonly [what: string, sql: string]> = [
  ["changed", "UPDATE audit SET body = replace(body, 'run_2', 'run_9') WHERE seq = 2"],
  ["removed", "DELETE FROM audit WHERE seq = 2"],
  [
    "changed with its hash",
    `UPDATE audit SET body = replace(body, 'run_2', 'run_9'), hash = '${"a".repeat(64)}' WHERE seq = 2`
  ]
]

describe("the audit log in a store file", () => {
  for (const [what, sql] of edits) {
    it.live(`a row that was ${what} is found by the verifier`, () =>
      Effect.gen(function*() {
        const data = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-audit-"))),
          (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
        )
        yield* Effect.gen(function*() {
          const audit = yield* AuditLog
          yield* audit.append([draft("run_1"), draft("run_2"), draft("run_3")])
          assert.isUndefined((yield* audit.verify("acme")).fault)
          const db = new DatabaseSync(join(data, "baton.db"))
          assert.throws(() => db.exec(sql), /only added to/)
          db.exec(`DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_deleted; ${sql}`)
          db.close()
          assert.strictEqual((yield* audit.verify("acme")).fault?.seq, 2)
        }).pipe(Effect.provide(SqliteStore.layer({ data, commits: "inline" })))
      }), 60_000)
  }
})
