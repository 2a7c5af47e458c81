/** Requests that were refused to protect the others, counted at a scrape. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Gate, type Shed } from "../gate/Gate.ts"
import * as Names from "./MetricNames.ts"
import { Telemetry } from "./Telemetry.ts"

export const layer = Layer.effectDiscard(
  Effect.gen(function*() {
    const { meter, scrapes } = yield* Telemetry
    const { load } = yield* Gate
    if (meter === undefined) return
    const counted: { [reason in Shed]: number } = { in_flight: 0, loop_delay: 0 }
    scrapes.add(Effect.sync(() => {
      const { shed } = load()
      for (const reason of ["in_flight", "loop_delay"] as const) {
        meter.of(Names.shed, reason)(shed[reason] - counted[reason])
        counted[reason] = shed[reason]
      }
    }))
  })
)
