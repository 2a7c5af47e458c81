/**
 * The one order of settings: flag, environment, file, default. Flags are the command's; this is the rest. What is unknown
 * or cannot be is refused at the start, with its name, the form it should have, and what was probably meant.
 */
import { ClientError } from "@baton/contract/Client"
import * as JsonLoss from "@baton/kernel/JsonLoss"
import type { Json } from "@baton/kernel/Value"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { existsSync, readFileSync, statSync } from "node:fs"
import { dirname, join, resolve } from "node:path"
import * as Environment from "./Environment.ts"
import type { Setting } from "./Setting.ts"
import * as Settings from "./Settings.ts"
import * as Spelling from "./Spelling.ts"

/** Bytes that a file of settings, or of a secret, has at most. */
const fileBytesMax = 1024 * 1024
/** In the data folder, one of them. */
const fileNames = ["baton.json", "baton.config.json"]

export type Source = "environment" | "file" | "default"

export interface Found {
  readonly setting: Setting
  /** As text; absent: the default holds. */
  readonly value: string | undefined
  readonly source: Source
  /** Where exactly: the variable, or the file and key. */
  readonly place: string | undefined
}

export interface Configuration {
  readonly found: ReadonlyArray<Found>
  readonly file: string | undefined
  readonly provider: ConfigProvider.ConfigProvider
}

export interface Options {
  /** Data folder, where a file of settings is looked for. */
  readonly data: string
  /** What `--config` says. */
  readonly file: string | undefined
}

const invalid = (message: string, hint?: string, code = "CONFIG_INVALID"): ClientError =>
  new ClientError({ reason: "invalid", code, message, ...(hint === undefined ? {} : { hint }) })

const meant = (name: string, among: ReadonlyArray<string>): string => {
  const near = Spelling.nearest(name, among)
  return near === undefined ? "baton config lists what there is" : `did you mean ${near}?`
}

const read = (path: string, of: string): Effect.Effect<string, ClientError> =>
  Effect.try({
    try: () => {
      if (statSync(path).size > fileBytesMax) throw new Error(`it has more than ${fileBytesMax} bytes`)
      return readFileSync(path, "utf8")
    },
    catch: (error) => invalid(`${of}: ${path} cannot be read: ${error instanceof Error ? error.message : error}`)
  })

const isPart = (value: unknown): value is { readonly [key: string]: unknown } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const textOf = (value: unknown): string | undefined => {
  if (typeof value === "string") return value
  if (typeof value === "number" || typeof value === "boolean") return String(value)
  return Array.isArray(value) && value.every((one) => typeof one === "string" || typeof one === "number")
    ? value.join(",")
    : undefined
}

const keyed = new Map(Settings.all.flatMap((setting) => setting.key === undefined ? [] : [[setting.key, setting]]))
const variables = new Map(Settings.all.map((setting) => [setting.variable, setting]))

/** A relative path in a file is meant from where the file is. */
const placed = ({ form }: Setting, value: string, file: string): string =>
  form.words === "a path" ? resolve(dirname(file), value) : value

const unknownKey = (file: string, key: string): ClientError => {
  const bySecret = Settings.all.find((one) => one.secret === true && one.variable === key)
  return bySecret === undefined
    ? invalid(`${file}: there is no setting ${key}`, meant(key, [...keyed.keys()]), "CONFIG_UNKNOWN")
    : invalid(`${file}: ${key} is a secret and does not belong here`, `set ${key}, or ${key}_FILE=FILE`)
}

/** Values of a file by variable; every key must be known. */
const flatten = (
  file: string,
  document: { readonly [key: string]: unknown },
  prefix: string
): Effect.Effect<ReadonlyMap<string, string>, ClientError> =>
  Effect.gen(function*() {
    const found = new Map<string, string>()
    for (const [name, value] of Object.entries(document)) {
      const key = prefix === "" ? name : `${prefix}.${name}`
      const setting = keyed.get(key)
      if (setting === undefined && isPart(value)) {
        for (const entry of yield* flatten(file, value, key)) found.set(...entry)
        continue
      }
      if (setting === undefined) return yield* Effect.fail(unknownKey(file, key))
      const text = textOf(value)
      if (text === undefined) {
        return yield* Effect.fail(invalid(`${file}: ${key}: expected ${setting.form.words}`))
      }
      found.set(setting.variable, placed(setting, text, file))
    }
    return found
  })

const fileOf = ({ data, file }: Options, environment: Environment.Variables) =>
  Effect.gen(function*(): Effect.fn.Return<string | undefined, ClientError> {
    const named = file ?? environment.get("BATON_CONFIG")
    if (named !== undefined) return resolve(named)
    const there = fileNames.map((name) => join(data, name)).filter((path) => existsSync(path))
    if (there.length > 1) {
      return yield* Effect.fail(invalid(`${there.join(" and ")} are both there`, "keep one of them"))
    }
    return there[0]
  })

const parsed = Effect.fnUntraced(function*(file: string) {
  const text = yield* read(file, "settings")
  const document = yield* Effect.try({
    try: (): unknown => JSON.parse(text),
    catch: (error) => invalid(`${file} is no JSON: ${error instanceof Error ? error.message : error}`)
  })
  const loss = JsonLoss.find(text, document as Json)
  if (loss !== undefined) {
    return yield* Effect.fail(invalid(`${file}, line ${loss.line}, column ${loss.column}: ${loss.message}`))
  }
  if (!isPart(document)) return yield* Effect.fail(invalid(`${file}: expected a JSON object`))
  const { $schema: _, ...settings } = document
  return yield* flatten(file, settings, "")
})

const suffix = "_FILE"

const isSecret = (variable: string): boolean =>
  variables.get(variable)?.secret === true || (Settings.isDynamic(variable) && !variable.endsWith("_HOSTS"))

/** Secrets that stand in files of their own, by the variable that they are the value of. */
const secretFiles = Effect.fnUntraced(function*(environment: Environment.Variables) {
  const found = new Map<string, { readonly value: string; readonly variable: string }>()
  for (const [name, path] of environment) {
    if (!name.endsWith(suffix) || variables.has(name)) continue
    const variable = name.slice(0, -suffix.length)
    if (!isSecret(variable)) continue
    if (environment.has(variable)) {
      return yield* Effect.fail(invalid(`${variable} and ${name} are both set`, "unset one of them"))
    }
    found.set(variable, { value: (yield* read(path, name)).replace(/\r?\n$/, ""), variable: name })
  }
  return found
})

const unknownVariable = (environment: Environment.Variables): ClientError | undefined => {
  for (const name of environment.keys()) {
    const owner = name.endsWith(suffix) ? name.slice(0, -suffix.length) : name
    if (!name.startsWith("BATON_") || variables.has(name) || Settings.isDynamic(name) || isSecret(owner)) continue
    return invalid(`there is no setting ${name}`, meant(name, [...variables.keys()]), "CONFIG_UNKNOWN")
  }
  return undefined
}

/** A secret's value is in no message. */
const unfit = ({ place, setting, value }: Found): ClientError | undefined =>
  value === undefined || setting.form.fits(value.trim())
    ? undefined
    : invalid(
      `${place}: ${
        setting.secret === true ? "" : `${JSON.stringify(value.slice(0, 100))}: `
      }expected ${setting.form.words}`
    )

/** Reads everything, or tells the first thing that is wrong. */
export const load = Effect.fnUntraced(function*(options: Options): Effect.fn.Return<Configuration, ClientError> {
  const base = yield* ConfigProvider.ConfigProvider
  const environment = yield* Environment.read(base, [...variables.keys()])
  const stray = unknownVariable(environment)
  if (stray !== undefined) return yield* Effect.fail(stray)
  const file = yield* fileOf(options, environment)
  const inFile = file === undefined ? new Map<string, string>() : yield* parsed(file)
  const secrets = yield* secretFiles(environment)
  const found = Settings.all.map((setting): Found => {
    const { key, variable } = setting
    const said = environment.get(variable)
    if (said !== undefined) return { setting, value: said, source: "environment", place: variable }
    const held = secrets.get(variable)
    if (held !== undefined) return { setting, value: held.value, source: "environment", place: held.variable }
    const written = inFile.get(variable)
    return written === undefined
      ? { setting, value: undefined, source: "default", place: undefined }
      : { setting, value: written, source: "file", place: `${file}: ${key}` }
  })
  for (const one of found) {
    const fault = unfit(one)
    if (fault !== undefined) return yield* Effect.fail(fault)
  }
  const record = Object.fromEntries([
    ...inFile,
    ...[...secrets].map(([name, { value }]) => [name, value] as const),
    ...[...environment].filter(([name]) => !secrets.has(name.slice(0, -suffix.length)))
  ])
  return { found, file, provider: ConfigProvider.orElse(ConfigProvider.fromEnvRecord(record), base) }
})

/** Whether anything is said elsewhere than in variables of the environment themselves. */
export const isAsked = (data: string): Effect.Effect<boolean> =>
  isThere(data) ? Effect.succeed(true) : Effect.gen(function*() {
    const environment = yield* Environment.read(yield* ConfigProvider.ConfigProvider, [...variables.keys()])
    return [...environment.keys()].some((name) =>
      name === "BATON_CONFIG" || (name.endsWith(suffix) && isSecret(name.slice(0, -suffix.length)))
    )
  })

/** Whether the data folder has a file of settings. */
const isThere = (data: string): boolean => fileNames.some((name) => existsSync(join(data, name)))

/** All settings for what is built on it. */
export const layer = (options: Options): Layer.Layer<never, ClientError> =>
  ConfigProvider.layer(Effect.map(load(options), ({ provider }) => provider))

/** A setting as people are shown it. */
export interface Shown {
  readonly name: string
  readonly key: string | null
  readonly value: string
  readonly source: Source
  readonly place: string | null
  readonly meaning: string
}

const masked = "********"

export const shown = ({ found }: Configuration): ReadonlyArray<Shown> =>
  found.map(({ place, setting, source, value }) => ({
    name: setting.variable,
    key: setting.key ?? null,
    value: value === undefined ? setting.otherwise : setting.secret === true ? masked : value,
    source,
    place: place ?? null,
    meaning: setting.meaning
  }))
