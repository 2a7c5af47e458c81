import { assert, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import { promisify } from "node:util"

const run = promisify(execFile)

it("the embedded example runs as it is", async () => {
  const { stderr, stdout } = await run(process.execPath, ["examples/embedded.ts"])
  assert.strictEqual(stdout.trim(), "{\"status\":\"succeeded\",\"output\":{\"letter\":\"hello Ada, hello Grace\"}}")
  assert.strictEqual(stderr, "")
}, 60_000)
