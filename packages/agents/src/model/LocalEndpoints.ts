/**
 * Model servers on this machine, looked for only when asked: `GET /v1/models` at the ports where they listen by default.
 * The probes reach exactly those addresses and nothing else.
 */
import { HttpDialer } from "@baton/engine/HttpDialer"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as DialBody from "../wire/DialBody.ts"

export interface LocalEndpoint {
  /** What usually listens there. */
  readonly name: "ollama" | "lmstudio" | "vllm" | "openai-compatible"
  readonly baseUrl: string
  /** References of its models, ready for `BATON_MODEL`. */
  readonly references: ReadonlyArray<string>
}

/** Time for one probe; a server on the same machine answers in milliseconds. */
const probeTimeout = Duration.millis(750)
/** Bytes of one list of models. */
const listBytesMax = 1024 * 1024
/** Models of one server that are listed. */
const modelsMax = 200

interface Place {
  readonly name: LocalEndpoint["name"]
  readonly host: string
}

export const places: ReadonlyArray<Place> = [
  { name: "ollama", host: "127.0.0.1:11434" },
  { name: "lmstudio", host: "127.0.0.1:1234" },
  { name: "vllm", host: "127.0.0.1:8000" },
  { name: "openai-compatible", host: "127.0.0.1:8080" }
]

const Models = Schema.fromJsonString(Schema.Struct({ data: Schema.Array(Schema.Struct({ id: Schema.String })) }))

/** The servers that answer, in the order of `places`. Never fails: what does not answer is not there. */
export const detect = Effect.fn("LocalEndpoints.detect")(function*(candidates: ReadonlyArray<Place> = places) {
  const dialer = yield* HttpDialer
  const found = yield* Effect.forEach(candidates, (place) => probe(dialer, place), { concurrency: "unbounded" })
  return found.filter((endpoint) => endpoint !== undefined)
})

const probe = (
  dialer: HttpDialer["Service"],
  { host, name }: Place
): Effect.Effect<LocalEndpoint | undefined> => {
  const baseUrl = `http://${host}/v1`
  return dialer.request({
    method: "GET",
    url: `${baseUrl}/models`,
    headers: { accept: "application/json" },
    timeout: probeTimeout,
    bytesMax: listBytesMax,
    redirectsMax: 0,
    allow: [host]
  }).pipe(
    Effect.map(({ bytes, status }): LocalEndpoint | undefined => {
      const models = Schema.decodeUnknownOption(Models)(DialBody.text(bytes))
      if (status !== 200 || Option.isNone(models)) return undefined
      const references = models.value.data.slice(0, modelsMax).map(({ id }) =>
        name === "openai-compatible" ? `${baseUrl}#${id}` : `${name}/${id}`
      )
      return { name, baseUrl, references }
    }),
    Effect.orElseSucceed(() => undefined)
  )
}
