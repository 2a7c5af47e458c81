/** One order of settings; what is unknown or cannot be is refused by name. */
import * as DurationText from "@baton/kernel/DurationText"
import * as Configuration from "@baton/server/gate/Configuration"
import * as ServerLimits from "@baton/server/gate/ServerLimits"
import * as Settings from "@baton/server/gate/Settings"
import * as LiveLimits from "@baton/server/live/LiveLimits"
import * as WebhookLimits from "@baton/server/webhooks/WebhookLimits"
import { assert, describe, it } from "@effect/vitest"
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-config-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

interface Setup {
  readonly env?: { readonly [name: string]: string }
  readonly file?: unknown
}

const within = <A, E>(
  { env = {}, file }: Setup,
  body: (data: string) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.gen(function*() {
    const data = yield* folder
    const text = typeof file === "string" ? file : JSON.stringify(file)
    if (file !== undefined) writeFileSync(join(data, "baton.json"), text)
    const named = Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value.replace("DATA", data)]))
    return yield* Effect.provide(body(data), ConfigProvider.layer(ConfigProvider.fromEnvRecord(named)))
  }).pipe(Effect.scoped)

const load = (setup: Setup) => within(setup, (data) => Configuration.load({ data, file: undefined }))

const refusal = (setup: Setup) => Effect.flip(load(setup))

const valueOf = ({ found }: Configuration.Configuration, variable: string) =>
  found.find(({ setting }) => setting.variable === variable)

describe("the order of settings", () => {
  it.effect("is environment, file, default, and what reads them hears the same", () =>
    within({
      env: { BATON_LIMITS_BODY_BYTES: "1000" },
      file: { limits: { bodyBytes: 2000, jsonDepth: 64 }, net: { allow: ["a.internal", "b.internal"] } }
    }, (data) =>
      Effect.gen(function*() {
        const loaded = yield* Configuration.load({ data, file: undefined })
        assert.deepInclude(valueOf(loaded, "BATON_LIMITS_BODY_BYTES"), { value: "1000", source: "environment" })
        assert.deepInclude(valueOf(loaded, "BATON_LIMITS_JSON_DEPTH"), { value: "64", source: "file" })
        assert.deepInclude(valueOf(loaded, "BATON_LIMITS_URL_CHARS"), { value: undefined, source: "default" })
        assert.deepInclude(valueOf(loaded, "BATON_NET_ALLOW"), { value: "a.internal,b.internal" })
        const limits = yield* ServerLimits.ServerLimits.pipe(
          Effect.provide(ServerLimits.layer.pipe(Layer.provide(Configuration.layer({ data, file: undefined })))),
          Effect.orDie
        )
        assert.deepInclude(limits, { bodyBytes: 1000, jsonDepth: 64, urlChars: 8192 })
      })))

  it.effect("takes the file that is named instead of the one in the data folder", () =>
    within({ file: { rate: { user: 1 } } }, (data) =>
      Effect.gen(function*() {
        const other = join(data, "other.json")
        writeFileSync(other, JSON.stringify({ rate: { user: 2 } }))
        const loaded = yield* Configuration.load({ data, file: other })
        assert.strictEqual(valueOf(loaded, "BATON_RATE_USER")?.value, "2")
        const missing = yield* Effect.flip(Configuration.load({ data, file: join(data, "none.json") }))
        assert.match(missing.message, /none\.json/)
      })))
})

describe("a setting", () => {
  it.effect("that is unknown is refused with its name and the nearest one", () =>
    Effect.gen(function*() {
      const variable = yield* refusal({ env: { BATON_LIMIT_BODY_BYTES: "1" } })
      assert.deepInclude(variable, { code: "CONFIG_UNKNOWN", hint: "did you mean BATON_LIMITS_BODY_BYTES?" })
      assert.match(variable.message, /BATON_LIMIT_BODY_BYTES/)
      const key = yield* refusal({ file: { limits: { bodybytes: 1 } } })
      assert.deepInclude(key, { code: "CONFIG_UNKNOWN", hint: "did you mean limits.bodyBytes?" })
      assert.match((yield* refusal({ file: [] })).message, /JSON object/)
    }))

  it.effect("that cannot be is refused with the form it should have", () =>
    Effect.gen(function*() {
      const variable = yield* refusal({ env: { BATON_STOP_GRACE: "soon" } })
      assert.match(variable.message, /BATON_STOP_GRACE: "soon": expected a duration from 0ms to 1h/)
      const key = yield* refusal({ file: { server: { port: 99_999 } } })
      assert.match(key.message, /baton\.json: server\.port: "99999": expected a port/)
      assert.match((yield* refusal({ file: { server: { port: {} } } })).message, /server\.port/)
    }))
})

describe("a secret", () => {
  it.effect("may stand in a file of its own, and is shown to nobody", () =>
    within(
      { env: { BATON_API_KEY_FILE: "DATA/key.txt", BATON_SECRET_TOKEN_FILE: "DATA/key.txt" } },
      (data) =>
        Effect.gen(function*() {
          writeFileSync(join(data, "key.txt"), "s3cret\n")
          const loaded = yield* Configuration.load({ data, file: undefined })
          const [key, token] = yield* Effect.all([
            Config.Redacted("BATON_API_KEY"),
            Config.String("BATON_SECRET_TOKEN")
          ])
            .pipe(Effect.provide(ConfigProvider.layer(loaded.provider)), Effect.orDie)
          assert.strictEqual(Redacted.value(key), "s3cret")
          assert.strictEqual(token, "s3cret")
          assert.notInclude(JSON.stringify(Configuration.shown(loaded)), "s3cret")
        })
    ))

  it.effect("does not stand in the file of settings, and is not said twice", () =>
    Effect.gen(function*() {
      assert.match((yield* refusal({ file: { OPENAI_API_KEY: "x" } })).hint ?? "", /OPENAI_API_KEY_FILE/)
      const twice = yield* refusal({ env: { BATON_KEY: "a", BATON_KEY_FILE: "b" } })
      assert.match(twice.message, /BATON_KEY and BATON_KEY_FILE are both set/)
    }))
})

it("has one name, one key, and a form that its default fits, each", () => {
  const names = Settings.all.map(({ variable }) => variable)
  const keys = Settings.all.flatMap(({ key }) => key ?? [])
  assert.strictEqual(new Set(names).size, names.length)
  assert.strictEqual(new Set(keys).size, keys.length)
  for (const { form, otherwise, variable } of Settings.all) {
    if (/^[\d.]+(ms|s|m)?$/.test(otherwise)) assert.isTrue(form.fits(otherwise), variable)
  }
})

/** What the program has where nobody says otherwise, by the variable that says it. */
const limitsOf = {
  BATON_LIVE_KEEP_ALIVE: (live: LiveLimits.LiveLimits) => live.keepAliveEvery,
  BATON_LIVE_PING: (live: LiveLimits.LiveLimits) => live.pingEvery,
  BATON_LIVE_STALL_AFTER: (live: LiveLimits.LiveLimits) => live.stallAfter,
  BATON_LIVE_CONNECTION_FOR: (live: LiveLimits.LiveLimits) => live.connectionFor,
  BATON_LIVE_BUFFER_BYTES: (live: LiveLimits.LiveLimits) => live.ringsBytesMax,
  BATON_LIVE_PENDING_BYTES: (live: LiveLimits.LiveLimits) => live.pendingBytesMax
}
const hooksOf = {
  BATON_WEBHOOK_TIMEOUT: (hooks: WebhookLimits.Limits) => hooks.timeout,
  BATON_WEBHOOK_BODY_BYTES: (hooks: WebhookLimits.Limits) => hooks.bodyBytesMax,
  BATON_WEBHOOK_CONCURRENCY: (hooks: WebhookLimits.Limits) => hooks.lanesMax,
  BATON_WEBHOOK_CONCURRENCY_EACH: (hooks: WebhookLimits.Limits) => hooks.lanesOfOneMax,
  BATON_WEBHOOK_RETRY_FIRST: (hooks: WebhookLimits.Limits) => hooks.retryFirst,
  BATON_WEBHOOK_RETRY_MAX: (hooks: WebhookLimits.Limits) => hooks.retryMax,
  BATON_WEBHOOK_GIVE_UP_AFTER: (hooks: WebhookLimits.Limits) => hooks.giveUpAfter
}

const shownAs = (value: Duration.Duration | number) =>
  typeof value === "number" ? String(value) : DurationText.format(Duration.toMillis(value))

it.effect("stands in the file once: of two values nobody says which counts", () =>
  Effect.gen(function*() {
    const { code, message } = yield* refusal({ file: `{"server":{"port":1},\n"server":{"port":2}}` })
    assert.strictEqual(code, "CONFIG_INVALID")
    assert.match(message, /baton\.json, line 2, column 1: .*server/)
  }))

describe("a limit of streams and webhooks", () => {
  it.effect("is told with the default that it has, and is what the setting says", () =>
    Effect.gen(function*() {
      const rows = new Map(Settings.all.map((setting) => [setting.variable, setting]))
      const check = Effect.fnUntraced(function*<L>(
        of: { readonly [variable: string]: (limits: L) => Duration.Duration | number },
        defaults: L,
        load: Effect.Effect<L, Config.ConfigError>
      ) {
        for (const [variable, read] of Object.entries(of)) {
          assert.strictEqual(rows.get(variable)?.otherwise, shownAs(read(defaults)), variable)
          const said = typeof read(defaults) === "number" ? "32768" : "7m"
          const provider = ConfigProvider.layer(ConfigProvider.fromEnvRecord({ [variable]: said }))
          const loaded = yield* Effect.provide(load, provider)
          assert.strictEqual(shownAs(read(loaded)), said, variable)
        }
      })
      yield* check(limitsOf, LiveLimits.defaults, LiveLimits.load)
      yield* check(hooksOf, WebhookLimits.defaults, WebhookLimits.load)
    }))

  it.effect("is bounded: what no timer can wait for, or would shut everybody out, is refused with its name", () =>
    Effect.gen(function*() {
      const wrong = {
        BATON_LIMITS_KEEP_ALIVE: "9999h",
        BATON_LIMITS_HEADERS_TIMEOUT: "25d",
        BATON_LIMITS_CHECK_EVERY: "0s",
        BATON_LIMITS_HEADER_BYTES: "1",
        BATON_LIMITS_JSON_DEPTH: "100000",
        BATON_RATE_WINDOW: "0s",
        BATON_LIVE_KEEP_ALIVE: "0s",
        BATON_LIVE_CONNECTION_FOR: "30d",
        BATON_WEBHOOK_TIMEOUT: "1h",
        BATON_WEBHOOK_CONCURRENCY: "0"
      }
      for (const [variable, value] of Object.entries(wrong)) {
        const { code, message } = yield* refusal({ env: { [variable]: value } })
        assert.strictEqual(code, "CONFIG_INVALID", variable)
        assert.match(message, new RegExp(`^${variable}: "${value}": expected a .* from .* to `), variable)
      }
    }))
})
