/** Which events leave an attempt where it is. */
import type { Event } from "@baton/kernel/Event"

/**
 * Events of an attempt that goes on. A delivery that is lost is among them: whoever noticed has forgotten the attempt before
 * it posted the loss, and a worker may have begun it again by the time the loss is durable.
 */
const underWay: ReadonlySet<Event["type"]> = new Set([
  "CallStarted",
  "DeliveryLost",
  "CallEnded",
  "TurnRecorded",
  "TurnReserved",
  "AllotmentGranted",
  "OverrunRecorded",
  "PriceMissing",
  "UsageLate"
])

export const goesOn = ({ type }: Event): boolean => underWay.has(type)
