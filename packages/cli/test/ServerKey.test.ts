/** The key that a server is shown, and where it may come from. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { baton } from "./Harness.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-key-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const asked = (environment: NonNullable<Parameters<typeof baton>[1]>["environment"], server = "http://127.0.0.1:1") =>
  baton(["runs", "list", "--server", server], { environment: environment ?? {} })

describe("The key", () => {
  it.live("comes from the variable, or from a file that another one names, and not from both", () =>
    Effect.gen(function*() {
      const file = join(yield* folder, "key")
      writeFileSync(file, "baton_live_file\n")
      const apiKey = Redacted.make("baton_live_variable")
      const shown = (answer: Effect.Success<ReturnType<typeof baton>>) => {
        const [options] = answer.connected
        return options?.key === undefined ? undefined : Redacted.value(options.key).trim()
      }
      assert.strictEqual(shown(yield* asked({ apiKey })), "baton_live_variable")
      assert.strictEqual(shown(yield* asked({ apiKeyFile: file })), "baton_live_file")
      assert.isUndefined(shown(yield* asked({ apiKey: Redacted.make("") })))
      for (const wrong of [{ apiKey, apiKeyFile: file }, { apiKeyFile: `${file}.none` }]) {
        const { connected, err, exit } = yield* asked(wrong)
        assert.deepStrictEqual([exit, connected.length], [2, 0])
        assert.include(err, "BATON_API_KEY_FILE")
        assert.notInclude(err, "baton_live")
      }
    }).pipe(Effect.scoped))

  it.live("goes unencrypted to another machine only where the operator says so, and no address holds one", () =>
    Effect.gen(function*() {
      const other = "http://baton.example.com"
      assert.deepInclude((yield* asked({}, other)).connected[0], { plain: false })
      assert.deepInclude((yield* asked({ plainHttp: "true" }, other)).connected[0], { plain: true })
      const { connected, err } = yield* asked({}, "http://ana:hunter2@127.0.0.1:1")
      assert.lengthOf(connected, 0)
      assert.notInclude(err, "hunter2")
    }))
})
