/** What every run store promises about the audit log: an entry that a record brings is there when the record is. */
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { AuditLog } from "../AuditLog.ts"
import { RunStore } from "../RunStore.ts"
import { Sessions } from "../Sessions.ts"
import { creation, following, tenant } from "./Journals.ts"
import type { Ports } from "./RunStoreSuite.ts"

type Test = <A, E2>(title: string, body: () => Effect.Effect<A, E2, Ports>) => void

const entry = (object: string) => ({
  tenant,
  at: 1,
  actor: "ana",
  method: "key",
  action: "POST /api/v1/runs",
  object,
  outcome: "done" as const,
  status: 201,
  request: "req_1"
})

export const entries = (test: Test): void => {
  test("has what a record brings in the log exactly when the record is in the journal, in one chain with the others", () =>
    Effect.gen(function*() {
      const owner = (yield* Sessions).id
      const log = yield* AuditLog
      const store = yield* RunStore
      yield* log.append([entry("before")])
      yield* store.commit([
        creation("a", owner, { audit: [entry("a")] }),
        creation("a", owner, { audit: [entry("again")] }),
        creation("b", "somebody", { audit: [entry("b")] }),
        following("c", owner, { head: 3, hash: new Uint8Array(32) }, { audit: [entry("c")] })
      ])
      yield* log.append([entry("after")])
      const found = yield* log.list(tenant, { limit: 10 })
      assert.deepStrictEqual(found.map(({ object }) => object), ["after", "b", "a", "before"])
      assert.deepInclude(yield* log.verify(tenant), { entries: 4 })
      assert.isUndefined((yield* log.verify(tenant)).fault)
    }))
}
