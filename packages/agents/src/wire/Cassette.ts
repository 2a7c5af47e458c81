/**
 * Records the answers of outgoing calls in one file, and plays them back: tests and demonstrations of model calls without
 * a model, byte for byte, streams included.
 *
 *   - A call is known by its method, its URL and the hash of its body in canonical JSON. The same call made again gets the
 *     next answer recorded for it, then the last one again.
 *   - No request header is recorded, of the answer only those in {@link keptHeaders}, and values of URL parameters that are
 *     named like a credential are masked. A `scrub` function may clean bodies further.
 *   - A stream is kept as far as it was read: a reader that stops at the end of the answer still makes a recording.
 *   - A call that is not on the tape is a defect when playing: repeating it would not help.
 */
import * as CanonicalJson from "@baton/engine/CanonicalJson"
import {
  type DialAnswer,
  type DialError,
  type DialRequest,
  type DialResponse,
  HttpDialer
} from "@baton/engine/HttpDialer"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import type { PlatformError } from "effect/PlatformError"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import * as DialBody from "./DialBody.ts"

/** Calls on one tape. */
const entriesMax = 10_000

/** Headers of answers that are recorded. */
export const keptHeaders: ReadonlyArray<string> = ["content-type", "retry-after", "retry-after-ms", "x-should-retry"]

const Entry = Schema.Struct({
  method: Schema.String,
  url: Schema.String,
  /** `sha256:` of the body in canonical JSON, or of its bytes when it is no JSON. */
  body: Schema.String,
  status: Schema.Int,
  headers: Schema.Record(Schema.String, Schema.String),
  text: Schema.String
})
type Entry = typeof Entry.Type

export const Tape = Schema.Struct({ version: Schema.Literal(1), entries: Schema.Array(Entry) })
export type Tape = typeof Tape.Type

const TapeText = Schema.fromJsonString(Tape)

export interface CassetteOptions {
  /** The tape: a JSON file. */
  readonly file: string
  /** `auto` plays a file that exists and records one that does not. */
  readonly mode: "record" | "replay" | "auto"
  /** Cleans bodies of answers before they are written. */
  readonly scrub?: (text: string) => string
}

/** The dialer, recorded or played back. Playing never dials. */
export const layer = (
  options: CassetteOptions
): Layer.Layer<HttpDialer, PlatformError | Schema.SchemaError, HttpDialer | FileSystem.FileSystem | Path.Path> =>
  Layer.effect(
    HttpDialer,
    Effect.gen(function*() {
      const files = yield* FileSystem.FileSystem
      const replays = options.mode === "replay" || (options.mode === "auto" && (yield* files.exists(options.file)))
      return replays ? player(yield* read(options.file)) : yield* recorder(options)
    })
  )

const read = Effect.fnUntraced(function*(file: string) {
  const files = yield* FileSystem.FileSystem
  return yield* Schema.decodeEffect(TapeText)(yield* files.readFileString(file))
})

/** Plays a tape. */
export const player = (tape: Tape): HttpDialer["Service"] => {
  const answers = new Map<string, Array<Entry>>()
  for (const entry of tape.entries) {
    const key = keyOf(entry)
    answers.set(key, [...(answers.get(key) ?? []), entry])
  }
  const take = (request: DialRequest) =>
    Effect.suspend(() => {
      const call = callOf(request)
      const queue = answers.get(keyOf(call))
      const entry = queue !== undefined && queue.length > 1 ? queue.shift() : queue?.[0]
      return entry === undefined
        ? Effect.die(new Error(`Not on the tape: ${call.method} ${call.url} with body ${call.body}. Record it again.`))
        : Effect.succeed(entry)
    })
  return HttpDialer.of({
    dial: (request) => Effect.map(take(request), (entry) => responseOf(entry, request)),
    request: (request) =>
      Effect.map(
        take(request),
        (entry) => ({ ...answerOf(entry, request), bytes: new TextEncoder().encode(entry.text) })
      )
  })
}

const recorder = Effect.fnUntraced(function*({ file, scrub = (text) => text }: CassetteOptions) {
  const dialer = yield* HttpDialer
  const files = yield* FileSystem.FileSystem
  const path = yield* Path.Path
  yield* files.makeDirectory(path.dirname(file), { recursive: true })
  const entries: Array<Entry> = []
  const writing = yield* Semaphore.make(1)
  const save = (entry: Entry) =>
    Semaphore.withPermits(writing, 1)(Effect.suspend(() => {
      if (entries.length < entriesMax) entries.push(entry)
      const text = JSON.stringify({ version: 1, entries } satisfies Tape, undefined, 2)
      return Effect.orDie(files.writeFileString(file, `${text}\n`))
    }))
  const record = (request: DialRequest, answer: Omit<DialAnswer, "bytes">, bytes: Uint8Array) =>
    save({
      ...callOf(request),
      status: answer.status,
      headers: kept(answer.headers),
      text: scrub(DialBody.text(bytes))
    })
  const dial = (request: DialRequest): Effect.Effect<DialResponse, DialError, Scope.Scope> =>
    Effect.map(dialer.dial(request), (response) => {
      const pieces: Array<Uint8Array> = []
      const body = response.body.pipe(
        Stream.tap((piece) => Effect.sync(() => void pieces.push(piece))),
        Stream.ensuring(Effect.suspend(() => record(request, response, DialBody.join(pieces))))
      )
      return { ...response, body }
    })
  return HttpDialer.of({
    dial,
    request: (request) => Effect.tap(dialer.request(request), (answer) => record(request, answer, answer.bytes))
  })
})

const responseOf = (entry: Entry, request: DialRequest): DialResponse => ({
  ...answerOf(entry, request),
  body: DialBody.stream(new TextEncoder().encode(entry.text))
})

const answerOf = (entry: Entry, request: DialRequest) => ({
  status: entry.status,
  headers: entry.headers,
  url: request.url
})

const keyOf = ({ body, method, url }: Pick<Entry, "method" | "url" | "body">): string => `${method} ${url} ${body}`

const callOf = ({ body = "", method, url }: DialRequest): Pick<Entry, "method" | "url" | "body"> => ({
  method: method.toUpperCase(),
  url: masked(url),
  body: CanonicalJson.address(canonical(typeof body === "string" ? body : DialBody.text(body)))
})

const canonical = (body: string): string => {
  try {
    return CanonicalJson.text(JSON.parse(body))
  } catch {
    return body
  }
}

const masked = (text: string): string => {
  const url = URL.parse(text)
  if (url === null) return text
  for (const name of new Set(url.searchParams.keys())) {
    if (/key|token|secret|signature|password|auth/i.test(name)) url.searchParams.set(name, "masked")
  }
  return url.href
}

const kept = (headers: DialAnswer["headers"]): Entry["headers"] =>
  Object.fromEntries(keptHeaders.flatMap((name) => headers[name] === undefined ? [] : [[name, headers[name]]]))
