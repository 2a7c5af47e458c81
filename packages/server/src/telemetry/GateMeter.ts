/** What the gate has refused, counted at a scrape. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Gate } from "../gate/Gate.ts"
import * as Names from "./MetricNames.ts"
import { Telemetry } from "./Telemetry.ts"

const reasons = ["in_flight", "loop_delay"] as const

export const layer = Layer.effectDiscard(
  Effect.gen(function*() {
    const { meter, scrapes } = yield* Telemetry
    const { load } = yield* Gate
    if (meter === undefined) return
    const told = { in_flight: 0, loop_delay: 0 }
    scrapes.add(Effect.sync(() => {
      const { shed } = load()
      for (const reason of reasons) {
        meter.of(Names.shed, reason)(shed[reason] - told[reason])
        told[reason] = shed[reason]
      }
    }))
  })
)
