/** The in-process queue: per type, tenants in turn, runs of a tenant in order of arrival. */
import * as Array from "effect/Array"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import type { Offer } from "./StepQueue.ts"
import { StepQueue } from "./StepQueue.ts"

class Lane {
  readonly arrived = Latch.makeUnsafe(false)
  readonly #tenants = new Map<string, { items: Array<Offer>; head: number }>()
  size = 0

  push(offer: Offer): void {
    const line = this.#tenants.get(offer.tenant)
    if (line === undefined) this.#tenants.set(offer.tenant, { items: [offer], head: 0 })
    else line.items.push(offer)
    this.size++
  }

  shift(): Offer | undefined {
    const first = this.#tenants.entries().next()
    if (first.done === true) return undefined
    const [tenant, line] = first.value
    const offer = line.items[line.head++]
    // The tenant goes behind the others, or leaves when nothing of it is left.
    this.#tenants.delete(tenant)
    if (line.head < line.items.length) {
      if (line.head > 1024 && line.head * 2 > line.items.length) {
        line.items = line.items.slice(line.head)
        line.head = 0
      }
      this.#tenants.set(tenant, line)
    }
    this.size--
    return offer
  }
}

export const make = (): StepQueue["Service"] => {
  const lanes = new Map<string, Lane>()
  const laneOf = (type: string): Lane => {
    const known = lanes.get(type)
    if (known !== undefined) return known
    const lane = new Lane()
    lanes.set(type, lane)
    return lane
  }
  const take = (type: string, max: number): Effect.Effect<Array.NonEmptyReadonlyArray<Offer>> =>
    Effect.suspend(() => {
      const lane = laneOf(type)
      const taken: Array<Offer> = []
      while (taken.length < max) {
        const offer = lane.shift()
        if (offer === undefined) break
        taken.push(offer)
      }
      if (lane.size === 0) lane.arrived.closeUnsafe()
      return Array.isReadonlyArrayNonEmpty(taken)
        ? Effect.succeed(taken)
        : Effect.andThen(lane.arrived.await, take(type, max))
    })
  return {
    offer: (offers) =>
      Effect.sync(() => {
        for (const offer of offers) {
          const lane = laneOf(offer.type)
          lane.push(offer)
          lane.arrived.openUnsafe()
        }
      }),
    take,
    size: (type) => Effect.sync(() => lanes.get(type)?.size ?? 0)
  }
}

export const layer: Layer.Layer<StepQueue> = Layer.sync(StepQueue, () => StepQueue.of(make()))
