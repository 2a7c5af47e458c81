/**
 * Prices that an operator sets: `BATON_PRICES` names a JSON file of the shape of `prices.json`. Its rows replace or extend
 * the built-in ones; a model that is in neither has no known price.
 */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { readFileSync } from "node:fs"
import { type PriceList, PriceList as List, pricesAsOf, PriceTable } from "./Prices.ts"

/** Bytes of a price file. */
const bytesMax = 4 * 1024 * 1024

export class PriceFileError extends Schema.TaggedError<PriceFileError>()("PriceFileError", {
  reason: Schema.Literals(["unreadable", "invalid"]),
  file: Schema.String,
  message: Schema.String
}) {}

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(List))

export const read = (file: string): Effect.Effect<PriceList, PriceFileError> =>
  Effect.try({
    try: () => readFileSync(file),
    catch: (cause) =>
      new PriceFileError({
        reason: "unreadable",
        file,
        message: cause instanceof Error ? cause.message : "it cannot be read"
      })
  }).pipe(
    Effect.filterOrFail(
      (bytes) => bytes.length <= bytesMax,
      () => new PriceFileError({ reason: "invalid", file, message: `it is larger than ${bytesMax} bytes` })
    ),
    Effect.flatMap((bytes) =>
      Effect.mapError(
        decode(bytes.toString("utf8")),
        (error) => new PriceFileError({ reason: "invalid", file, message: String(error.message).slice(0, 500) })
      )
    )
  )

const configured = Config.option(Config.String("BATON_PRICES"))

/** The price table of this process: the built-in one under the operator's. */
export const layer: Layer.Layer<never, Config.ConfigError | PriceFileError> = Layer.unwrap(
  Effect.gen(function*() {
    const file = yield* configured
    if (Option.isNone(file) || file.value.trim() === "") return Layer.empty
    const { asOf, models } = yield* read(file.value.trim())
    const before = yield* PriceTable
    const date = asOf > pricesAsOf ? asOf : pricesAsOf
    return Layer.succeed(PriceTable, { asOf: date, models: { ...before.models, ...models } })
  })
)
