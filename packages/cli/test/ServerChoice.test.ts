/** Which server, or none, a command works with: flags before the environment, that before what is found. */
import { ClientError } from "@baton/contract/Client"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { baton } from "./Harness.ts"

const found = "http://127.0.0.1:7377"

describe("where a command works", () => {
  it.effect("is the folder that a flag names, and no server that the environment names for others", () =>
    Effect.gen(function*() {
      const environment = { server: "http://elsewhere:1" }
      const named = yield* baton(["runs", "list", "--data", "here"], { environment })
      assert.isEmpty(named.connected)
      assert.lengthOf(named.opened, 1)
      const served = yield* baton(["runs", "list", "--data", "here"], { environment, found })
      assert.deepStrictEqual(served.connected.map(({ url }) => url), [found])
      const unnamed = yield* baton(["runs", "list"], { environment, found })
      assert.deepStrictEqual(unnamed.connected.map(({ url }) => url), ["http://elsewhere:1"])
    }))

  it.effect("is refused where it is said twice, and where it is empty", () =>
    Effect.gen(function*() {
      const both = yield* baton(["runs", "list", "--data", "here", "--server", found])
      assert.strictEqual(both.exit, 2)
      assert.include(both.err, "error[FLAGS_CONFLICT]: --data and --server exclude each other")
      assert.isEmpty(both.connected)
      const none = yield* baton(["runs", "list", "--data", "here", "--server", "none"], { found })
      assert.lengthOf(none.opened, 1)
      const empty = yield* baton(["runs", "list", "--data", ""])
      assert.include(empty.err, "error[INVALID_VALUE]: --data is empty")
      const server = yield* baton(["serve", "--server", found])
      assert.include(server.err, "error[FLAGS_CONFLICT]")
    }))

  it.effect("is told to whoever has no key for the server that was found", () =>
    Effect.gen(function*() {
      const missing = new ClientError({ reason: "denied", code: "CREDENTIAL_MISSING", message: "Show a key." })
      const server = () => Layer.effectContext(Effect.fail(missing))
      const answer = yield* baton(["runs", "list"], { found, server })
      assert.include(answer.err, `error[CREDENTIAL_MISSING]: ${found}, which serves this data folder, asks for a key`)
      assert.include(answer.err, "BATON_API_KEY=KEY, or --server none")
      const named = yield* baton(["runs", "list", "--server", found], { server })
      assert.include(named.err, `${found} asks for a key\n  try: BATON_API_KEY=KEY\n`)
    }))
})
