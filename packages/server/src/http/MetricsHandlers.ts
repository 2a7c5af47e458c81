/** `/metrics` for whoever has the scope for it. */
import { Api } from "@baton/contract/http/Api"
import { NotFound } from "@baton/contract/http/Problems"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as MetricsPage from "../telemetry/MetricsPage.ts"
import { Telemetry } from "../telemetry/Telemetry.ts"

const off = new NotFound({ code: "METRICS_OFF", detail: "this process keeps no metrics", hint: "BATON_METRICS=admin" })

export const MetricsHandlers = HttpApiBuilder.group(
  Api,
  "metrics",
  Effect.fn(function*(handlers) {
    const telemetry = yield* Telemetry
    return handlers.handleAll({
      metrics: () =>
        Effect.flatMap(
          Effect.provideService(MetricsPage.text, Telemetry, telemetry),
          (text) => text === undefined ? Effect.fail(off) : Effect.succeed(text)
        )
    })
  })
)
