/** `dev` and `serve`: a server until a signal ends it. */
import * as Effect from "effect/Effect"
import { resolve } from "node:path"
import * as Backend from "../Backend.ts"
import * as Failure from "../Failure.ts"
import type { Serve } from "../Invocation.ts"
import { Printer } from "../Printer.ts"
import { hostDefault, portDefault } from "../ServeTree.ts"
import * as TerminalText from "../TerminalText.ts"

const portMax = 65_535

export const serve = Effect.fnUntraced(function*(request: Serve) {
  const { handlers, host = hostDefault, mode, port = portDefault, requireKeys } = request
  if (port < 0 || port > portMax) {
    return yield* Failure.usage("INVALID_VALUE", `--port ${port}: expected 0 to ${portMax}`)
  }
  const backend = yield* Backend.Backend
  const layer = backend.serve({
    mode,
    requireKeys,
    host,
    port,
    data: yield* Backend.dataDirectory,
    handlers: handlers === undefined ? undefined : resolve(handlers),
    adopt: true,
    execute: true,
    outputRoot: resolve(Backend.outputRootDefault)
  })
  return yield* Effect.gen(function*() {
    const { url } = yield* Backend.Server
    const printer = yield* Printer
    yield* printer.isJson ? printer.document({ url }) : printer.answer(TerminalText.line(`baton ${mode} ${url}`))
    return yield* Effect.never
  }).pipe(
    Effect.provide(layer),
    Effect.catchTag("ClientError", (error) => Effect.fail(Failure.fromClientError(error)))
  )
})
