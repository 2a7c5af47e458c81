/** What is still to be sent, as the store knows it: derived from the journal, whatever was removed meanwhile. */
import * as RecordHash from "@baton/engine/RecordHash"
import type { Commit } from "@baton/engine/RunStore"
import { RunStore } from "@baton/engine/RunStore"
import { Sessions } from "@baton/engine/Sessions"
import type { Webhook, WebhookSecret } from "@baton/engine/WebhookStore"
import { WebhookStore } from "@baton/engine/WebhookStore"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import * as DataFolder from "./DataFolder.ts"

const hook = (more: Partial<Webhook> = {}): Webhook => ({
  tenant: "t",
  id: "whk_1",
  scope: "tenant",
  run: undefined,
  url: "https://x.test/",
  events: ["*"],
  flow: undefined,
  tags: {},
  body: "event",
  forms: ["standard"],
  issuer: undefined,
  audience: undefined,
  state: "active",
  reason: undefined,
  createdAt: 1,
  createdBy: "local",
  updatedAt: 1,
  ...more
})

const secret: WebhookSecret = {
  id: "wks_1",
  form: "standard",
  value: Redacted.make("whsec_a-secret-nobody-may-read"),
  createdAt: 1,
  expiresAt: undefined
}

const bytes = (n: number) => new Uint8Array(Buffer.from(JSON.stringify(Array.from({ length: n }, () => ({})))))

const record = (run: string, more: Partial<Commit> = {}): Commit => ({
  tenant: "t",
  run,
  expected: 0,
  previous: new Uint8Array(),
  owner: undefined,
  n: 2,
  bytes: bytes(2),
  at: 1,
  summary: {
    flow: "f",
    version: "1",
    flowHash: "h",
    status: "succeeded",
    paused: false,
    code: undefined,
    reason: undefined,
    semantics: 1,
    createdAt: 1,
    endedAt: 1,
    tags: { team: "a" }
  },
  ...more
})

const commit = (...records: readonly [Commit, ...Array<Commit>]) =>
  Effect.gen(function*() {
    const store = yield* RunStore
    const outcomes = yield* store.commit(records)
    assert.isTrue(outcomes.every(({ ok }) => ok), JSON.stringify(outcomes))
  })

/** Everything the journal has, noted. */
const lanes = Effect.gen(function*() {
  const webhooks = yield* WebhookStore
  while ((yield* webhooks.relay(2, 5)) > 0);
  return (yield* webhooks.due(9, 100, { webhooks: [], tenants: [] })).map(({ head, run, sent, webhook }) =>
    `${webhook} ${run} ${sent}-${head}`
  )
})

const test = (
  name: string,
  body: Effect.Effect<void, unknown, RunStore | WebhookStore | Sessions | DataFolder.DataFolder>
) =>
  it.live(
    name,
    () => body.pipe(Effect.provide(Layer.provideMerge(DataFolder.process({}), DataFolder.DataFolder.layer)))
  )

describe("what is to be sent", () => {
  test(
    "begins with the first record after a webhook was put, and holds what its filters ask for",
    Effect.gen(function*() {
      const { put } = yield* WebhookStore
      yield* commit(record("before"))
      yield* put(hook(), [secret])
      yield* put(hook({ id: "whk_flow", flow: "other" }), [secret])
      yield* put(hook({ id: "whk_tag", tags: { team: "a" } }), [secret])
      yield* put(hook({ id: "whk_tags", tags: { team: "a", stage: "b" } }), [secret])
      yield* put(hook({ id: "whk_run", scope: "run", run: "two" }), [secret])
      yield* put(hook({ id: "whk_else", tenant: "u" }), [secret])
      yield* put(hook({ id: "environment-progress", tenant: "u", scope: "environment" }), [secret])
      yield* commit(record("one"))
      yield* commit(record("two"))
      assert.sameMembers([...yield* lanes], [
        "whk_1 one 0-2",
        "whk_1 two 0-2",
        "whk_tag one 0-2",
        "whk_tag two 0-2",
        "whk_run two 0-2",
        "environment-progress one 0-2",
        "environment-progress two 0-2"
      ])
    })
  )

  test(
    "is not lost when the newest records have been removed and their numbers are given out again",
    Effect.gen(function*() {
      const { put } = yield* WebhookStore
      const store = yield* RunStore
      yield* put(hook(), [secret])
      yield* commit(record("one"))
      yield* commit(record("two"))
      assert.lengthOf(yield* lanes, 2)
      yield* put(hook({ id: "whk_2" }), [secret])
      assert.isTrue(yield* store.remove("t", "two"))
      yield* commit(record("three"))
      assert.sameMembers([...yield* lanes], ["whk_1 one 0-2", "whk_1 three 0-2", "whk_2 three 0-2"])
    })
  )

  test(
    "goes on from where it was sent to, and a record of a lane that waits does not make it due",
    Effect.gen(function*() {
      const { due, progress, put } = yield* WebhookStore
      yield* put(hook(), [secret])
      yield* commit(record("one"))
      yield* lanes
      const lane = { webhook: "whk_1", tenant: "t", run: "one" }
      const rest = { failingSince: 6, delivery: undefined, ended: false }
      yield* progress({ lane, sent: 1, attempts: 1, dueAt: 100, ...rest })
      yield* commit(
        record("one", { expected: 2, n: 1, bytes: bytes(1), previous: RecordHash.next(new Uint8Array(), bytes(2)) })
      )
      assert.deepStrictEqual(yield* lanes, [])
      const [found] = yield* due(100, 10, { webhooks: [], tenants: [] })
      assert.deepInclude(found, { sent: 1, head: 3, attempts: 1, failingSince: 6 })
      assert.deepStrictEqual(yield* due(100, 10, { webhooks: ["whk_1"], tenants: [] }), [])
    })
  )

  test(
    "ends with the webhook's own end, and begins anew with what comes after",
    Effect.gen(function*() {
      const { change, put } = yield* WebhookStore
      yield* put(hook(), [secret])
      yield* commit(record("one"))
      yield* lanes
      assert.isTrue(yield* change("t", "whk_1", { state: "disabled", reason: "410" }, 7))
      yield* commit(record("two"))
      assert.deepStrictEqual(yield* lanes, [])
      assert.isFalse(yield* change("u", "whk_1", { state: "active" }, 8))
      assert.isTrue(yield* change("t", "whk_1", { state: "active" }, 8))
      yield* commit(record("three"))
      assert.deepStrictEqual(yield* lanes, ["whk_1 three 0-2"])
    })
  )
})

describe("the seat of the sender", () => {
  it.live("is one session's at a time, and another's once that one has gone", () =>
    Effect.gen(function*() {
      const take = Effect.flatMap(WebhookStore, ({ takeSeat }) => takeSeat)
      yield* Effect.gen(function*() {
        assert.isTrue(yield* take)
        assert.isTrue(yield* take)
        yield* Effect.provide(Effect.map(take, (taken) => assert.isFalse(taken)), DataFolder.process({}))
      }).pipe(Effect.provide(DataFolder.process({})))
      yield* Effect.provide(Effect.map(take, (taken) => assert.isTrue(taken)), DataFolder.process({}))
    }).pipe(Effect.provide(DataFolder.DataFolder.layer)))
})

describe("secrets of webhooks", () => {
  test(
    "are sealed for their URL, and go with it to another",
    Effect.gen(function*() {
      const { change, put, secrets } = yield* WebhookStore
      const { path } = yield* DataFolder.DataFolder
      yield* put(hook(), [secret])
      yield* change("t", "whk_1", { url: "https://y.test/" }, 2)
      const [found] = yield* secrets("t", "whk_1")
      assert.strictEqual(Redacted.value(found!.value), Redacted.value(secret.value))
      for (const file of ["baton.db", "baton.db-wal"]) {
        assert.isFalse(readFileSync(join(path, file)).includes("a-secret-nobody-may-read"), file)
      }
    })
  )
})
