/** Files and stdin as commands take them: bounded, decoded as UTF-8, with errors that say what to do. */
import * as JsonLoss from "@baton/kernel/JsonLoss"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import { constants } from "node:fs"
import { access, open } from "node:fs/promises"
import * as Failure from "./Failure.ts"
import { Screen } from "./Screen.ts"

/** Largest flow document or input read, in bytes. */
export const documentBytesMax = 16 * 1024 * 1024

export interface FlowText {
  readonly text: string
  readonly file: string
}

const decode = (bytes: Uint8Array, name: string): Effect.Effect<string, Failure.Failure> =>
  Effect.try({
    try: () => new TextDecoder("utf-8", { fatal: true }).decode(bytes),
    catch: () => Failure.usage("NOT_UTF8", `${name} is not UTF-8 text`)
  })

const readStdin: Effect.Effect<string, Failure.Failure, Screen> = Effect.gen(function*() {
  const { stdin } = yield* Screen
  return yield* decode(yield* stdin.readAll(documentBytesMax), "stdin")
})

/** Reads at most one byte more than allowed, so that a file that grows, or never ends, is refused all the same. */
const readBytes = async (path: string): Promise<Buffer | undefined> => {
  const file = await open(path, "r")
  try {
    const chunks: Array<Buffer> = []
    let bytes = 0
    while (bytes <= documentBytesMax) {
      const { buffer, bytesRead } = await file.read(Buffer.allocUnsafe(65_536), 0, 65_536, null)
      if (bytesRead === 0) return Buffer.concat(chunks)
      chunks.push(buffer.subarray(0, bytesRead))
      bytes += bytesRead
    }
    return undefined
  } finally {
    await file.close()
  }
}

const reasonOf = (error: unknown): string => {
  const code = error instanceof Error && "code" in error ? String(error.code) : ""
  const known: { readonly [code: string]: string } = {
    ENOENT: "there is no such file",
    EACCES: "this user may not read it",
    EISDIR: "it is a directory"
  }
  return known[code] ?? (error instanceof Error ? error.message : String(error))
}

const readFile = (path: string): Effect.Effect<string, Failure.Failure> =>
  Effect.tryPromise({
    try: () => readBytes(path),
    catch: (error) =>
      Failure.usage(
        "FILE_UNREADABLE",
        `cannot read ${path}: ${reasonOf(error)}`,
        "give the path of a file, or - for stdin"
      )
  }).pipe(
    Effect.flatMap((bytes) =>
      bytes === undefined
        ? Effect.fail(Failure.usage("INPUT_TOO_LARGE", `${path} has more than ${documentBytesMax} bytes`))
        : decode(bytes, path)
    )
  )

/** A file's text, or stdin's for `-`. */
export const read = (path: string): Effect.Effect<string, Failure.Failure, Screen> =>
  path === "-" ? readStdin : readFile(path)

export const readFlow = (path: string): Effect.Effect<FlowText, Failure.Failure, Screen> =>
  Effect.map(read(path), (text) => ({ text, file: path === "-" ? "<stdin>" : path }))

const exists = (path: string): Effect.Effect<boolean> =>
  Effect.promise(() => access(path, constants.F_OK).then(() => true, () => false))

export interface FlowName {
  readonly name: string
  readonly version?: string
}
export type FlowReference = FlowText | FlowName

/** NAME[@VERSION] of a published flow; `undefined` for stdin and files. */
export const flowName = (flow: string): Effect.Effect<FlowName | undefined> =>
  Effect.gen(function*() {
    const isPath = flow === "-" || flow.includes("/") || /\.(ya?ml|json)$/i.test(flow)
    if (isPath || (yield* exists(flow))) return undefined
    const [name = "", version] = flow.split("@", 2)
    return version === undefined ? { name } : { name, version }
  })

/** What `baton run FLOW` means: stdin, a file, or the name of a published flow. */
export const flowReference = (flow: string): Effect.Effect<FlowReference, Failure.Failure, Screen> =>
  Effect.gen(function*() {
    const named = yield* flowName(flow)
    return named ?? (yield* readFlow(flow))
  })

const parseJson = (text: string, where: string): Effect.Effect<Json, Failure.Failure> =>
  Effect.try({
    try: (): Json => JSON.parse(text),
    catch: (error) =>
      Failure.usage("INPUT_NOT_JSON", `${where} is not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }).pipe(
    Effect.flatMap((value) => {
      const loss = JsonLoss.find(text, value)
      return loss === undefined ? Effect.succeed(value) : Effect.fail(
        Failure.usage("INPUT_AMBIGUOUS", `${where}, line ${loss.line}, column ${loss.column}: ${loss.message}`)
      )
    })
  )

export const json = parseJson

/** `key=value` texts as a record. */
export const pairs = (
  flag: string,
  texts: ReadonlyArray<string>
): Effect.Effect<{ [key: string]: string }, Failure.Failure> => {
  const record: { [key: string]: string } = Object.create(null)
  for (const text of texts) {
    const at = text.indexOf("=")
    if (at < 1) {
      return Effect.fail(Failure.usage("INVALID_VALUE", `--${flag} ${text}: expected KEY=VALUE`))
    }
    record[text.slice(0, at)] = text.slice(at + 1)
  }
  return Effect.succeed({ ...record })
}

const isObject = (value: Json): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether the input schema wants text for this field, so that `-i zip=01234` stays what was typed. */
const wantsText = (schema: Json | undefined, key: string): boolean => {
  const properties = schema !== undefined && isObject(schema) ? schema["properties"] : undefined
  const field = properties !== undefined && isObject(properties) ? properties[key] : undefined
  return field !== undefined && isObject(field) && field["type"] === "string"
}

const typed = (text: string): Json => {
  try {
    const value: Json = JSON.parse(text)
    return JsonLoss.find(text, value) === undefined ? value : text
  } catch {
    return text
  }
}

/** The input of a run or event: the document of `--input`, with the fields of `-i` laid over it. */
export const input = (
  options: { readonly set: ReadonlyArray<string>; readonly input: string | undefined },
  schema: Json | undefined
): Effect.Effect<Json, Failure.Failure, Screen> =>
  Effect.gen(function*() {
    const base = options.input === undefined
      ? {}
      : yield* parseJson(yield* read(options.input), options.input === "-" ? "stdin" : options.input)
    if (options.set.length === 0) return base
    if (!isObject(base)) {
      return yield* Failure.usage("INPUT_NOT_OBJECT", "-i sets fields, but --input is not a JSON object")
    }
    const set = yield* pairs("set", options.set)
    const fields = Object.entries(set).map(([key, value]) =>
      [key, wantsText(schema, key) ? value : typed(value)] as const
    )
    return Object.fromEntries([...Object.entries(base), ...fields])
  })
