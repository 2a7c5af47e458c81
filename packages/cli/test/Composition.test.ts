/** What commands of this process heed besides variables of the environment. */
import { SecretsClient } from "@baton/contract/SecretsClient"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { layer } from "../src/Composition.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-composed-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

describe("A command in this process", () => {
  it.live("seals secrets with the key that BATON_KEY_FILE names, and makes none of its own", () =>
    Effect.gen(function*() {
      const data = yield* folder
      const file = join(data, "sealing.key")
      const set = Effect.flatMap(
        SecretsClient,
        (secrets) => secrets.set("TOKEN", Redacted.make("value"), ["example.com"])
      )
      const options = { data, handlers: undefined, adopt: false, execute: false, outputRoot: data }
      const within = Effect.provideService(
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnv({ env: { BATON_KEY_FILE: file } })
      )
      writeFileSync(file, "0".repeat(63))
      const refused = yield* Effect.flip(within(Effect.provide(set, layer(options))))
      assert.include(JSON.stringify(refused), "BATON_KEY_FILE")
      writeFileSync(file, "0".repeat(64))
      yield* within(Effect.provide(set, layer(options)))
      assert.isFalse(existsSync(join(data, "key")))
    }).pipe(Effect.scoped))
})
