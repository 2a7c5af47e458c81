/** Who follows events, counted at a scrape. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { Live } from "../live/Live.ts"
import { SseOutlet } from "../live/SseOutlet.ts"
import * as Names from "./MetricNames.ts"
import { Telemetry } from "./Telemetry.ts"

export const layer = Layer.effectDiscard(
  Effect.gen(function*() {
    const { meter, scrapes } = yield* Telemetry
    const { outlets } = yield* Live
    if (meter === undefined) return
    scrapes.add(Effect.sync(() => {
      let sse = 0
      for (const outlet of outlets) if (outlet instanceof SseOutlet) sse++
      meter.of(Names.streams, "sse")(sse)
      meter.of(Names.streams, "websocket")(outlets.size - sse)
    }))
  })
)
