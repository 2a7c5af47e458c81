/** The patch commands, against a client that plays one patch. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { nothingSeen } from "./FakeClient.ts"
import { baton } from "./Harness.ts"

describe("patches", () => {
  it.effect("list, show and diff tell what a patch does; an unknown cost is called unknown", () =>
    Effect.gen(function*() {
      const list = yield* baton(["patches", "list"])
      assert.match(list.out, /pat_01k8 +1 +review .*adds 1 node \(check\), adds 2 edges/)
      const shown = yield* baton(["patches", "show", "pat_01k8"])
      for (const text of ["by the agent of plan: two sources disagree", "new hosts: api.example.com", "cost unknown"]) {
        assert.include(shown.out, text)
      }
      assert.match(shown.out, /^\+ check/m)
      assert.match(shown.out, /^~ write/m)
      const diff = yield* baton(["patches", "diff", "1"])
      assert.include(diff.out, "+ edge {\"from\":\"plan\",\"to\":\"check\"}")
      const graph = yield* baton(["patches", "show", "1", "--format", "mermaid"])
      assert.include(graph.out, "class n2 added")
    }))

  it.effect("approve and reject hand the decision in; a patch that came too late is void, with exit 7", () =>
    Effect.gen(function*() {
      const seen = nothingSeen()
      const approved = yield* baton(["patches", "approve", "1", "--as", "ana", "--group", "editors"], { seen })
      assert.deepStrictEqual([approved.exit, approved.out], [0, "pat_01k8 applied run=run_1 n=1\n"])
      assert.deepStrictEqual(seen.calls.at(-1), ["decide", { patch: "1" }, "approve", {
        by: "ana",
        groups: ["editors"]
      }])
      const late = yield* baton(["patches", "approve", "1", "--comment", "late"])
      assert.strictEqual(late.exit, 7)
      assert.include(late.err, "error[PATCH_VOID]")
      assert.strictEqual((yield* baton(["patches", "reject", "1"])).exit, 0)
    }))

  it.live("runs patch reads JSON, YAML and an envelope, and --dry-run only rehearses", () =>
    Effect.gen(function*() {
      const seen = nothingSeen()
      const operations = [{ op: "remove", path: "/nodes/x" }]
      const patch = (stdin: string, ...more: ReadonlyArray<string>) =>
        baton(["runs", "patch", "@last", "-", ...more], { seen, stdin })
      yield* baton(["run", "hello"], { seen })
      yield* patch(JSON.stringify(operations), "--base", "3")
      assert.deepStrictEqual(seen.calls.at(-1)?.[2], { operations, base: 3 })
      yield* patch("base: 2\nreason: why\noperations:\n  - { op: remove, path: /nodes/x }\n")
      assert.deepStrictEqual(seen.calls.at(-1)?.[2], { operations, base: 2, reason: "why" })
      yield* patch("- { op: remove, path: /nodes/x }", "--dry-run")
      assert.strictEqual(seen.calls.at(-1)?.[0], "rehearse")
      const bad = yield* patch("{ not: [a patch")
      assert.deepStrictEqual([bad.exit, /error\[(\w+)/.exec(bad.err)?.[1]], [2, "PATCH_MALFORMED"])
    }))
})
