/** `config`: every setting as it is now. */
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import { resolve } from "node:path"
import * as Backend from "../Backend.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import type { Configuration } from "../Invocation.ts"
import { Printer } from "../Printer.ts"

export const configuration = Effect.fnUntraced(function*(request: Configuration) {
  const printer = yield* Printer
  const backend = yield* Backend.Backend
  const { file, settings } = yield* backend.configuration({
    data: yield* Backend.dataDirectory,
    file: request.file === undefined ? undefined : resolve(request.file)
  }).pipe(Effect.catchTag("ClientError", (error) => Effect.fail(Failure.fromClientError(error))))
  const shown = request.changed ? settings.filter(({ source }) => source !== "default") : settings
  yield* printer.listing({
    document: { schema: "baton.configuration/1", file, settings: shown as ReadonlyArray<Json> },
    items: shown as ReadonlyArray<Json>,
    empty: "all settings have their defaults",
    table: {
      header: ["setting", "value", "from"],
      rows: shown.map(({ name, place, source, value }) => [name, value, place ?? source])
    }
  })
  return exitCodes.done
})
