/** A key goes over https, or stays on this machine. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import { make, type RemoteOptions } from "../src/remote/Remote.ts"

const nobody = HttpClient.make(() => Effect.die("nothing is sent"))
const made = (url: string, more: Partial<RemoteOptions> = {}) =>
  make({ url, key: Redacted.make("baton_live_secret"), ...more }).pipe(
    Effect.as("made"),
    Effect.catch(({ code, message }) => Effect.succeed(`${code} ${message}`)),
    Effect.provideService(HttpClient.HttpClient, nobody)
  )

describe("A key", () => {
  it.effect("is refused to http on another machine, before anything is sent and without being told", () =>
    Effect.gen(function*() {
      const others = ["baton.example.com", "10.0.0.1", "localhost.example.com", "127.0.0.1.nip.io", "[::ffff:1.2.3.4]"]
      for (const host of others) {
        const answer = yield* made(`http://${host}:7377`)
        assert.match(answer, /^KEY_OVER_HTTP /, host)
        assert.notInclude(answer, "baton_live_secret")
      }
    }))

  it.effect("that cannot be a header is refused without being quoted; space around it is none of it", () =>
    Effect.gen(function*() {
      for (const text of ["baton_live_sec\nret", "baton_live_sécret", "baton live", "", " "]) {
        const answer = yield* made("http://localhost:1", { key: Redacted.make(text) })
        assert.strictEqual(answer, "KEY_MALFORMED the key holds characters that no key has")
      }
      assert.strictEqual(yield* made("http://localhost:1", { key: Redacted.make("baton_live_secret\r\n") }), "made")
    }))

  it.effect("goes over https, to this machine, and where the operator says so", () =>
    Effect.gen(function*() {
      for (
        const url of ["https://baton.example.com", "http://127.0.0.1:7377", "http://localhost:1", "http://[::1]:1"]
      ) {
        assert.strictEqual(yield* made(url), "made", url)
      }
      assert.strictEqual(yield* made("http://baton.example.com", { plain: true }), "made")
      assert.strictEqual(yield* made("http://baton.example.com", { key: undefined }), "made")
    }))
})
