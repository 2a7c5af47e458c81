/** `baton webhooks …` over a Baton that has one webhook, with one delivery that was given up. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as FakeClient from "./FakeClient.ts"
import { baton } from "./Harness.ts"

const secret = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3"

describe("baton webhooks", () => {
  it.effect("lists what is still to be sent, and never a secret", () =>
    Effect.gen(function*() {
      const { exit, out } = yield* baton(["webhooks", "list"])
      assert.strictEqual(exit, 0)
      assert.match(out, /whk_1 +active +https:\/\/x\.test\/hook +\* .*2 runs, failing since 2026-01-01/)
      const shown = yield* baton(["webhooks", "show", "whk_1", "--json"])
      assert.strictEqual(JSON.parse(shown.out).schema, "baton.webhook/1")
      assert.notInclude(shown.out, "whsec_")
    }))

  it.effect("adds one with filters, and shows the secret that was made, once", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      const flags = ["--event", "orchestration.run.failed", "--flow", "report", "--tag", "team=a"]
      const { err, exit, out } = yield* baton(["webhooks", "add", "https://x.test/new", ...flags], { seen })
      assert.strictEqual(exit, 0)
      assert.strictEqual(out, "whk_1\nsecret standard whsec_made\n")
      assert.include(err, "shown this once")
      assert.deepStrictEqual(seen.calls, [["webhooks.add", {
        url: "https://x.test/new",
        signatures: ["standard"],
        tags: { team: "a" },
        events: ["orchestration.run.failed"],
        flow: "report"
      }]])
    }))

  it.effect("takes a secret from stdin and never repeats it", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      const answer = yield* baton(["webhooks", "add", "https://x.test/", "--own-secret"], {
        seen,
        stdin: `${secret}\n`
      })
      assert.deepStrictEqual([answer.exit, answer.out], [0, "whk_1\n"])
      assert.notInclude(answer.err, secret)
      const [, request] = seen.calls[0] as [
        string,
        { readonly secrets: { readonly standard: Redacted.Redacted<string> } }
      ]
      assert.strictEqual(Redacted.value(request.secrets.standard), secret)
    }))

  it.effect("refuses what is no event type and no tag before anything is asked", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      const type = yield* baton(["webhooks", "add", "https://x.test/", "--event", "run.failed"], { seen })
      assert.deepStrictEqual([type.exit, seen.calls], [2, []])
      assert.include(type.err, "no event has this type")
      const tag = yield* baton(["webhooks", "add", "https://x.test/", "--tag", "team"], { seen })
      assert.deepStrictEqual([tag.exit, seen.calls], [2, []])
    }))

  it.effect("tests, enables, rotates, removes and sends again", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      const ask = (...args: ReadonlyArray<string>) => baton(["webhooks", ...args], { seen })
      assert.strictEqual((yield* ask("test", "whk_1")).exit, 3)
      assert.strictEqual((yield* ask("enable", "whk_1")).exit, 0)
      assert.include((yield* ask("rotate", "whk_1", "--overlap", "1h")).out, "whsec_new")
      const log = yield* ask("deliveries", "whk_1", "--state", "given_up")
      assert.match(log.out, /dlv_1 +run_1\/3 +orchestration\.run\.failed .*given_up 503 12ms 9 attempts HTTP_STATUS/)
      assert.include((yield* ask("resend", "dlv_1")).out, "queued")
      assert.strictEqual((yield* ask("remove", "whk_1", "--yes")).out, "whk_1 removed\n")
      assert.deepStrictEqual(seen.calls, [
        ["webhooks.change", "whk_1", { state: "active" }],
        ["webhooks.rotate", "whk_1", { overlapSeconds: 3600 }],
        ["webhooks.deliveries", "whk_1", { limit: 50, state: "given_up" }],
        ["webhooks.resend", "dlv_1"],
        ["webhooks.remove", "whk_1"]
      ])
    }))

  it.effect("says when there is none of this name", () =>
    Effect.gen(function*() {
      const { err, exit } = yield* baton(["webhooks", "show", "whk_9"])
      assert.strictEqual(exit, 7)
      assert.include(err, "WEBHOOK_NOT_FOUND")
    }))
})
