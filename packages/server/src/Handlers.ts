/** Loads the module behind `--handlers`: code of the operator, run in this process with its rights. */
import { ClientError } from "@baton/contract/Client"
import type { HandlerSet } from "@baton/steps/FunctionHandlers"
import { fromModule } from "@baton/steps/FunctionHandlers"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { existsSync } from "node:fs"
import { pathToFileURL } from "node:url"
import * as HandlersVersion from "./HandlersVersion.ts"

const none: HandlerSet = { handlers: new Map(), version: undefined }

const refuse = (message: string, hint: string) =>
  new ClientError({ reason: "invalid", code: "HANDLERS_INVALID", message, hint })

/** The functions a module exports; without a file, none. */
export const load = (file: string | undefined): Effect.Effect<HandlerSet, ClientError> => {
  if (file === undefined) return Effect.succeed(none)
  if (!existsSync(file)) {
    return Effect.fail(refuse(`there is no file ${file}`, "give the path of a TypeScript or JavaScript module"))
  }
  return Effect.tryPromise({
    try: async (): Promise<{ readonly [name: string]: unknown }> => await import(pathToFileURL(file).href),
    catch: (error) =>
      refuse(`${file} could not be loaded: ${error instanceof Error ? error.message : String(error)}`, `node ${file}`)
  }).pipe(
    Effect.flatMap((exports) => {
      const set = fromModule(exports)
      return Result.isSuccess(set)
        ? Effect.map(HandlersVersion.of(file), (found) => ({ ...set.success, version: set.success.version ?? found }))
        : Effect.fail(refuse(set.failure.message, "export functions by name"))
    })
  )
}
