/** The border and the recorder around all routes: the first that a request meets, the last that its answer passes. */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import { AuditWriter } from "./AuditWriter.ts"
import { border, type BorderOptions } from "./Border.ts"
import { record } from "./Recorder.ts"

export class Settings extends Context.Service<Settings, BorderOptions>()("baton/server/access/Settings") {}

/** Provided to all that adds routes or other middleware, so that it is there before them. */
export const layer = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const guarded = border(yield* Settings)
  const recorded = record(yield* AuditWriter)
  yield* router.addGlobalMiddleware((app) => guarded(recorded(app)))
}))
