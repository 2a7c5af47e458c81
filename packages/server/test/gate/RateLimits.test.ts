/** Starts are counted in three limits at once: a refusal by one leaves the others as they were. */
import * as Bypass from "@baton/server/gate/Bypass"
import * as RateLimits from "@baton/server/gate/RateLimits"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { createHmac } from "node:crypto"
import * as GateServer from "./GateServer.ts"

const settings = (limits: Partial<RateLimits.RateLimitSettings["limits"]>): RateLimits.RateLimitSettings => ({
  enabled: true,
  window: Duration.minutes(1),
  limits: { ...RateLimits.defaults.limits, ...limits }
})

const limiter = (limits: Partial<RateLimits.RateLimitSettings["limits"]>) =>
  Effect.map(Clock.Clock, (clock) => RateLimits.make(settings(limits), clock))

const ada = { tenant: "t", user: "ada" }
const bob = { tenant: "t", user: "bob" }

const countsOf = ({ usages }: RateLimits.Verdict) => usages.map(({ count, name }) => `${name} ${count}`)

describe("starts", () => {
  it("have the tier of their flow's agents", () => {
    assert.deepStrictEqual([0, 1, 2, 3, 99].map(RateLimits.tierOf), [
      "simple",
      "standard",
      "standard",
      "heavy",
      "heavy"
    ])
  })

  it.effect("take a place in each limit, and a refused one takes none", () =>
    Effect.gen(function*() {
      const { peek, take } = yield* limiter({ heavy: 1, user: 3 })
      assert.deepStrictEqual(countsOf(yield* take(ada, "heavy")), ["global 1", "user 1", "heavy 1"])
      const refused = yield* take(ada, "heavy")
      assert.isFalse(refused.allowed)
      assert.deepStrictEqual(countsOf(refused), ["global 1", "user 1", "heavy 1"])
      assert.isTrue((yield* take(bob, "heavy")).allowed)
      yield* take(ada, "simple")
      yield* take(ada, "simple")
      const user = yield* take(ada, "standard")
      assert.deepStrictEqual(user.allowed ? undefined : user.refused.name, "user")
      assert.deepStrictEqual(countsOf(user), ["global 4", "user 3", "standard 0"])
      assert.isFalse((yield* peek(ada)).allowed)
      assert.isTrue((yield* peek(bob)).allowed)
    }))

  it.effect("are refused by the global limit first, whoever asks", () =>
    Effect.gen(function*() {
      const { take } = yield* limiter({ global: 2, user: 1 })
      yield* take(ada, "simple")
      yield* take(bob, "simple")
      const refused = yield* take(ada, "simple")
      assert.deepStrictEqual(refused.allowed ? undefined : refused.refused.name, "global")
    }))

  it.effect("are counted anew when the window has ended", () =>
    Effect.gen(function*() {
      const { take } = yield* limiter({ user: 1 })
      yield* take(ada, "simple")
      yield* TestClock.adjust("59 seconds")
      const refused = yield* take(ada, "simple")
      assert.deepStrictEqual(refused.allowed ? undefined : refused.refused.resetMs, 1_000)
      yield* TestClock.adjust("1 second")
      assert.isTrue((yield* take(ada, "simple")).allowed)
    }))

  it.effect("are counted anew when the clock is put back, not refused until it has caught up", () =>
    Effect.gen(function*() {
      const { take } = yield* limiter({ user: 1 })
      yield* TestClock.setTime(10_000_000)
      yield* take(ada, "simple")
      yield* TestClock.setTime(1_000_000)
      assert.isTrue((yield* take(ada, "simple")).allowed)
      const refused = yield* take(ada, "simple")
      assert.deepStrictEqual(refused.allowed ? undefined : refused.refused.resetMs, 60_000)
    }))

  it.effect("of any number of people take bounded memory, and the global limit is not forgotten", () =>
    Effect.gen(function*() {
      const many = RateLimits.windowsMax + 500
      const { size, take } = yield* limiter({ global: many })
      for (let index = 0; index < many; index++) yield* take({ tenant: "t", user: String(index) }, "simple")
      assert.isAtMost(size(), RateLimits.windowsMax)
      assert.isFalse((yield* take(ada, "simple")).allowed)
    }))
})

describe("a signed request", () => {
  it.effect("is let through within a minute of its time, and no other", () =>
    Effect.gen(function*() {
      const secret = Option.some(Redacted.make("shared"))
      const signed = (time: number, key: string) =>
        Headers.fromInput({
          "baton-internal": `t=${time},v1=${createHmac("sha256", key).update(String(time)).digest("hex")}`
        })
      yield* TestClock.setTime(1_000_000_000)
      assert.isTrue(yield* Bypass.holds(secret, signed(1_000_060, "shared")))
      assert.isFalse(yield* Bypass.holds(secret, signed(1_000_061, "shared")))
      assert.isFalse(yield* Bypass.holds(secret, signed(1_000_000, "other")))
      assert.isFalse(yield* Bypass.holds(Option.none(), signed(1_000_000, "shared")))
      assert.isFalse(yield* Bypass.holds(secret, Headers.empty))
    }))
})

const simple = { name: "simple", nodes: { greet: { value: "hello" } } }
const standard = {
  name: "standard",
  agents: { helper: { instructions: "Help.", model: "ollama/none" } },
  nodes: { ask: { wait: { event: "go" } }, answer: { agent: "helper", input: "x", needs: ["ask"] } }
}

describe("a server with limits", () => {
  it.live("tells what is left, refuses with the tier that bit, and takes what is signed", () =>
    Effect.gen(function*() {
      const server = yield* GateServer.make({
        env: {
          BATON_RATE_ENABLED: "true",
          BATON_RATE_USER: "3",
          BATON_RATE_STANDARD: "1",
          BATON_RATE_BYPASS_SECRET: "shared"
        }
      })
      const start = (flow: object, headers: Record<string, string> = {}) =>
        GateServer.ask(server, "/api/v1/runs", {
          method: "POST",
          headers: { "content-type": "application/json", ...headers },
          body: JSON.stringify({ flow })
        })
      const first = yield* start(simple)
      assert.strictEqual(first.status, 201)
      assert.strictEqual(
        first.headers.get("ratelimit-policy"),
        `"global";q=100;w=60, "user";q=3;w=60, "simple";q=100;w=60`
      )
      assert.match(first.headers.get("ratelimit") ?? "", /^"user";r=2;t=\d+$/)
      assert.strictEqual((yield* start(standard)).status, 201)
      const refused = yield* start(standard)
      assert.strictEqual(refused.status, 429)
      assert.match(refused.headers.get("retry-after") ?? "", /^\d+$/)
      const { code, details } = yield* GateServer.json(refused)
      assert.strictEqual(code, "rate_limit_exceeded")
      assert.deepInclude(details, { tier: "standard", limit: 1, window: 60, current_count: 1 })
      assert.strictEqual((yield* start(simple)).status, 201)
      assert.strictEqual((yield* GateServer.json(yield* start(simple)))["code"], "user_rate_limit_exceeded")
      const time = Math.floor((yield* Clock.currentTimeMillis) / 1_000)
      const signature = createHmac("sha256", "shared").update(String(time)).digest("hex")
      assert.strictEqual((yield* start(simple, { "baton-internal": `t=${time},v1=${signature}` })).status, 201)
      assert.strictEqual((yield* GateServer.ask(server, "/api/v1/runs")).status, 200)
    }).pipe(Effect.scoped), 60_000)

  it.live(
    "counts forks, retries and dead letters that become runs, each once for its key",
    () =>
      Effect.gen(function*() {
        const server = yield* GateServer.make({ env: { BATON_RATE_ENABLED: "true", BATON_RATE_USER: "5" } })
        const post = (path: string, body: object, headers: Record<string, string> = {}) =>
          GateServer.ask(server, `/api/v1/${path}`, {
            method: "POST",
            headers: { "content-type": "application/json", ...headers },
            body: JSON.stringify(body)
          })
        const left = (response: Response) => /;r=(\d+)/.exec(response.headers.get("ratelimit") ?? "")?.[1]
        const failing = { name: "failing", nodes: { a: { value: "${ input.missing }" } } }
        const started = yield* post("runs", { flow: failing, input: {} })
        assert.strictEqual(left(started), "4")
        const run = String((yield* GateServer.json(started))["id"])
        for (let tries = 0; tries < 500; tries++) {
          const { endedAt } = yield* GateServer.json(yield* GateServer.ask(server, `/api/v1/runs/${run}`))
          if (endedAt !== null) break
          yield* Effect.sleep("10 millis")
        }
        const key = { "idempotency-key": "fork" }
        assert.strictEqual(left(yield* post(`runs/${run}/fork`, {}, key)), "3")
        assert.strictEqual(left(yield* post(`runs/${run}/fork`, {}, key)), undefined)
        assert.strictEqual(left(yield* post(`runs/${run}/retry`, {})), "2")
        const { items } = yield* GateServer.json(yield* GateServer.ask(server, `/api/v1/deadletters?run=${run}`))
        const [letter] = items as ReadonlyArray<{ readonly id: string }>
        assert.strictEqual(left(yield* post(`deadletters/${letter?.id}/reprocess`, {})), "1")
        assert.strictEqual(left(yield* post("runs/run_nobody/fork", {})), "0")
        for (const path of [`runs/${run}/fork`, `runs/${run}/retry`]) {
          const refused = yield* post(path, {}, { "idempotency-key": path })
          assert.strictEqual(refused.status, 429, path)
          assert.strictEqual((yield* GateServer.json(refused))["code"], "user_rate_limit_exceeded", path)
          // The key of a refused request is free: another request may have it.
          const other = yield* post(path, { note: "another" }, { "idempotency-key": path })
          assert.strictEqual(other.status, 429, path)
        }
      }).pipe(Effect.scoped),
    60_000
  )
})
