/** `baton approvals` as a person at a shell sees it, over a scripted client. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { exitCodes } from "../src/ExitCode.ts"
import * as FakeClient from "./FakeClient.ts"
import { baton } from "./Harness.ts"

describe("baton approvals", () => {
  it.live("lists what waits, as a table that cannot steer the terminal, and as one document", () =>
    Effect.gen(function*() {
      const { out } = yield* baton(["approvals", "list"])
      assert.include(out, "apr_0001")
      assert.notInclude(out, "\u001b[2J")
      const document = JSON.parse((yield* baton(["approvals", "list", "--json"])).out)
      assert.strictEqual(document.schema, "baton.approvals/1")
      assert.deepInclude(document.approvals[0], { id: "apr_0001", kind: "approval", path: "gate" })
    }))

  it.live("asks the client for what the flags say", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      yield* baton(["approvals", "list", "--kind", "approval", "--kind", "question", "--all", "--limit", "7"], { seen })
      assert.deepStrictEqual(seen.calls, [
        ["approvals.list", { limit: 7, closed: true, kinds: ["approval", "question"] }]
      ])
    }))

  it.live("shows what is asked, who may decide it, and what to type", () =>
    Effect.gen(function*() {
      const { out } = yield* baton(["approvals", "show", "apr_0001"])
      assert.include(out, "decided by ana; not by local")
      assert.include(out, "\"text\": \"draft\"")
      assert.include(out, "baton approvals approve|reject apr_0001")
    }))

  it.live("approves with everything a decision may carry, in one stable line, and says how the run goes on", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      const { err, exit, out } = yield* baton([
        ...["approvals", "approve", "@last", "gate", "--as", "ana", "--group", "editors", "-m", "fine"],
        ...["-i", "n=1", "--modify", "{\"text\":\"new\"}", "--hash", "abc"]
      ], { seen })
      assert.deepStrictEqual(seen.calls.at(-1), ["approvals.decide", { target: "@last", step: "gate" }, {
        decision: "approve",
        by: "ana",
        groups: ["editors"],
        comment: "fine",
        data: { n: 1 },
        modifications: { text: "new" },
        hash: "abc"
      }])
      assert.strictEqual(out, "apr_0001 approved run=run_0001 step=gate by=ana\n")
      assert.include(err, "baton runs resume run_0001")
      assert.strictEqual(exit, exitCodes.done)
    }))

  it.live("refuses a rejection without a reason and an answer without words, before anything is asked", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      const rejected = yield* baton(["approvals", "reject", "apr_0001"], { seen })
      assert.include(rejected.err, "error[COMMENT_REQUIRED]")
      assert.strictEqual(rejected.exit, exitCodes.usage)
      const answered = yield* baton(["approvals", "answer", "apr_0001"], { seen })
      assert.include(answered.err, "error[ANSWER_REQUIRED]")
      assert.deepStrictEqual(seen.calls, [])
    }))

  it.live("decides by an option, sends back with a change, answers in words", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      yield* baton(["approvals", "approve", "apr_0001", "--option", "later"], { seen })
      yield* baton(["approvals", "retry", "apr_0001", "--modify", "{\"a\":1}"], { seen })
      yield* baton(["approvals", "answer", "apr_0001", "--text", "blue"], { seen })
      assert.deepStrictEqual(seen.calls.map((call) => call[2]), [
        { decision: "later" },
        { decision: "retry", modifications: { a: 1 } },
        { decision: "answer", data: "blue" }
      ])
    }))

  it.live("is shown where a person sits, with what to type elsewhere, and waited for", () =>
    Effect.gen(function*() {
      const { err, exit } = yield* baton(["run", "asked"], {
        terminals: ["stdin", "stdout", "stderr"],
        environment: { term: "xterm", lang: "C.UTF-8" },
        interruptAt: "in another terminal"
      })
      assert.strictEqual(exit, undefined)
      assert.include(err, "needs you: Ship")
      assert.include(err, "in another terminal: baton approvals approve|reject apr_0001")
      assert.notInclude(err, "\u001b[2J")
    }))

  it.live("ends the command with exit 5 where nobody can be asked, with the line to type", () =>
    Effect.gen(function*() {
      const { err, exit } = yield* baton(["run", "asked"])
      assert.strictEqual(exit, exitCodes.humanNeeded)
      assert.include(err, "greet needs-you Ship")
      assert.include(err, "  try: baton approvals approve|reject run_0001 greet\n")
    }))

  it.live("tells by its exit code who may not decide (8) and who comes too late (7)", () =>
    Effect.gen(function*() {
      const denied = yield* baton(["approvals", "approve", "apr_0001", "--as", "mallory"])
      assert.strictEqual(denied.exit, exitCodes.denied)
      const late = yield* baton(["approvals", "approve", "apr_0001", "--as", "late"])
      assert.strictEqual(late.exit, exitCodes.notFound)
      assert.include(late.err, "error[ALREADY_DECIDED]: ana approved")
    }))
})
