/** What stores with dispatch rows promise about claims. Each process that `process` builds is a session. */
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import { RunStore } from "../RunStore.ts"
import { Sessions } from "../Sessions.ts"
import { accepted, creation, fate, following, tenant } from "./Journals.ts"
import type { Stores } from "./SessionsSuite.ts"

const offered = { path: "work", attempt: 1, type: "http" }

const offer = accepted(creation("run", undefined, { dispatches: { add: [offered], remove: [] } }))

type Ports = RunStore | Sessions

export const suite = <S, E>(name: string, { process, store }: Stores<S, E>): void => {
  const test = <A, E2>(title: string, body: () => Effect.Effect<A, E2, Ports>) =>
    it.effect(
      title,
      () => Effect.suspend(body).pipe(Effect.provide(Layer.fresh(process)), Effect.provide(store)),
      30_000
    )

  describe(`claims (${name})`, () => {
    test("gives an offered attempt to exactly one of many concurrent claimers", () =>
      Effect.gen(function*() {
        const runs = yield* RunStore
        const { id } = yield* Sessions
        yield* offer
        const claims = yield* Effect.forEach(
          Array.from({ length: 20 }),
          () => runs.claim(tenant, "run", "work", 1, id),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(claims.filter(Boolean).length, 1)
        assert.deepStrictEqual(yield* runs.dispatches(tenant, "run"), [{ ...offered, session: id, deliveries: 1 }])
      }))

    test("claims nothing that is not offered, or no longer", () =>
      Effect.gen(function*() {
        const runs = yield* RunStore
        const { id } = yield* Sessions
        const made = yield* offer
        assert.isFalse(yield* runs.claim(tenant, "run", "work", 2, id))
        assert.isFalse(yield* runs.claim(tenant, "nowhere", "work", 1, id))
        yield* accepted(following("run", undefined, made, {
          dispatches: { add: [], remove: [{ path: "work", attempt: 1 }] }
        }))
        assert.isFalse(yield* runs.claim(tenant, "run", "work", 1, id))
        assert.deepStrictEqual(yield* runs.dispatches(tenant, "run"), [])
      }))

    test("writes no dispatch row of a record whose fence is lost", () =>
      Effect.gen(function*() {
        const runs = yield* RunStore
        const made = yield* offer
        const lost = following("run", undefined, { ...made, head: 7 }, {
          dispatches: { add: [{ ...offered, path: "never" }], remove: [{ path: "work", attempt: 1 }] }
        })
        assert.strictEqual(yield* fate(lost), "conflict")
        assert.deepStrictEqual((yield* runs.dispatches(tenant, "run")).map(({ path }) => path), ["work"])
      }))

    test("offers the claims of a session that stopped beating again, once, and counts the deliveries", () =>
      Effect.gen(function*() {
        const runs = yield* RunStore
        const sessions = yield* Sessions
        yield* offer
        yield* sessions.heartbeat(yield* Clock.currentTimeMillis)
        assert.isTrue(yield* runs.claim(tenant, "run", "work", 1, sessions.id))
        yield* TestClock.adjust("29 seconds")
        assert.deepStrictEqual(yield* runs.releaseExpired(yield* Clock.currentTimeMillis), [])
        yield* TestClock.adjust("2 seconds")
        const now = yield* Clock.currentTimeMillis
        assert.deepStrictEqual(yield* runs.releaseExpired(now), [{ tenant, run: "run", ...offered }])
        assert.deepStrictEqual(yield* runs.releaseExpired(now), [])
        yield* sessions.heartbeat(now)
        assert.isTrue(yield* runs.claim(tenant, "run", "work", 1, sessions.id))
        assert.strictEqual((yield* runs.dispatches(tenant, "run"))[0]?.deliveries, 2)
      }))
  })
}
