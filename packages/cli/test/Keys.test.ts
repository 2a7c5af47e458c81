/** `baton keys`, `baton audit` and `baton approvals link` as a person at a shell sees them. */
import { Scope, systemScopes } from "@baton/contract/http/Scope"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { exitCodes } from "../src/ExitCode.ts"
import * as FakeClient from "./FakeClient.ts"
import { keyItem, keyText } from "./FakeKeys.ts"
import { baton } from "./Harness.ts"

describe("baton keys", () => {
  it.live("prints a new key's text alone on stdout, once, and the rest on stderr", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      const { err, exit, out } = yield* baton([
        ...["keys", "create", "ci", "--scope", "runs:read", "--scope", "runs:write"],
        ...["--owner", "ana", "--group", "editors", "--expires", "7d", "--tenant", "acme"]
      ], { seen })
      assert.deepStrictEqual(seen.calls, [["keys.create", {
        name: "ci",
        scopes: ["runs:read", "runs:write"],
        groups: ["editors"],
        owner: "ana",
        lifetimeMs: 7 * 24 * 60 * 60 * 1000,
        tenant: "acme"
      }]])
      assert.strictEqual(out, `${keyText}\n`)
      assert.notInclude(err, keyText)
      assert.include(err, keyItem.id)
      assert.strictEqual(exit, exitCodes.done)
    }))

  it.live("--all is every scope of one tenant; no scope is refused before anything is asked", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      yield* baton(["keys", "create", "root", "--all", "--forever"], { seen })
      const [, request] = seen.calls[0] as readonly [string, { readonly scopes: unknown; readonly lifetimeMs: unknown }]
      assert.deepStrictEqual(request.scopes, Scope.literals.filter((scope) => !systemScopes.includes(scope)))
      assert.isNull(request.lifetimeMs)
      const wrong = [["keys", "create", "x"], ["keys", "create", "x", "--all", "--scope", "runs:read"]]
      for (const args of wrong) assert.strictEqual((yield* baton(args, { seen })).exit, exitCodes.usage)
      assert.strictEqual(seen.calls.length, 1)
    }))

  it.live("lists keys without their text, and ends one only when it is confirmed", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      const list = yield* baton(["keys", "list"], { seen })
      assert.include(list.out, keyItem.id)
      assert.notInclude(list.out, keyText)
      const refused = yield* baton(["keys", "revoke", keyItem.id, "--no-input"], { seen })
      assert.notStrictEqual(refused.exit, exitCodes.done)
      const revoked = yield* baton(["keys", "revoke", keyItem.id, "--yes"], { seen })
      assert.strictEqual(revoked.out, `${keyItem.id} revoked\n`)
      assert.deepStrictEqual(seen.calls.map(([name]) => name), ["keys.list", "keys.revoke"])
    }))
})

describe("baton audit", () => {
  it.live("lists what was asked, as a table that cannot steer the terminal", () =>
    Effect.gen(function*() {
      const { out } = yield* baton(["audit", "list"])
      assert.include(out, "POST /api/v1/runs/")
      assert.notInclude(out, "\u001b[2J")
    }))

  it.live("tells the end of a sound chain, and exits 11 for a broken one", () =>
    Effect.gen(function*() {
      const sound = yield* baton(["audit", "verify"])
      assert.deepStrictEqual([sound.exit, sound.out], [
        exitCodes.done,
        `1 entries, unbroken; end 1:${"0".repeat(64)}\n`
      ])
      const broken = yield* baton(["audit", "verify", "--expect", `1:${"1".repeat(64)}`])
      assert.strictEqual(broken.exit, exitCodes.problems)
      assert.strictEqual((yield* baton(["audit", "verify", "--expect", "1:x"])).exit, exitCodes.usage)
    }))
})

describe("baton approvals link", () => {
  it.live("prints the link alone on stdout, and in whose name it decides on stderr", () =>
    Effect.gen(function*() {
      const { err, out } = yield* baton(["approvals", "link", "apr_0001", "--expires", "2h", "--as", "ana"])
      assert.strictEqual(out, "/approve/abc\n")
      assert.include(err, "in the name of ana")
    }))
})
