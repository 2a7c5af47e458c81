/** `dev` and `serve`: a server until a signal ends it. */
import * as Effect from "effect/Effect"
import { resolve } from "node:path"
import * as Backend from "../Backend.ts"
import * as Failure from "../Failure.ts"
import { Farewell } from "../Farewell.ts"
import type { Serve } from "../Invocation.ts"
import { Printer } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"

const portMax = 65_535

/** What to do first, for somebody who has just started it. */
const next = (url: string, needsKey: boolean): string =>
  `  try: ${
    needsKey ? "baton keys create NAME --all --server none" : "baton run FLOW"
  }   or open ${url}/docs   (Ctrl-C stops it)`

export const serve = Effect.fnUntraced(function*(request: Serve) {
  const { handlers, mode, port } = request
  if (port !== undefined && (port < 0 || port > portMax)) {
    return yield* Failure.usage("INVALID_VALUE", `--port ${port}: expected 0 to ${portMax}`)
  }
  const { globals } = yield* Printer
  if (globals.server !== undefined && globals.server !== "none") {
    return yield* Failure.usage(
      "FLAGS_CONFLICT",
      `--server says which server a command asks; baton ${mode} is one`,
      "--host and --port say where it listens"
    )
  }
  const backend = yield* Backend.Backend
  const layer = backend.serve({
    ...request,
    data: yield* Backend.dataDirectory,
    handlers: handlers === undefined ? undefined : resolve(handlers),
    config: request.config === undefined ? undefined : resolve(request.config),
    outputRoot: resolve(Backend.outputRootDefault)
  })
  return yield* Effect.gen(function*() {
    const { api, data, url } = yield* Backend.Server
    const printer = yield* Printer
    const { set } = yield* Farewell
    set(() => [`baton: ${mode} has stopped; unfinished runs are kept in ${data}`])
    yield* printer.isJson ? printer.document({ url, data }) : printer.answer(TerminalText.line(`baton ${mode} ${url}`))
    if (api) yield* printer.say(TerminalText.line(next(url, request.requireKeys)))
    return yield* Effect.never
  }).pipe(
    Effect.provide(layer),
    Effect.catchTag("ClientError", (error) => Effect.fail(Failure.fromClientError(error)))
  )
})
