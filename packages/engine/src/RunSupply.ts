/** What decisions lack and the coordinator brings: the state of a run, and stored values. */
import * as Outstanding from "@baton/kernel/Outstanding"
import type { BlobRef, Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import type { BlobStore } from "./BlobStore.ts"
import type { Plans } from "./Plans.ts"
import * as RunDoors from "./RunDoors.ts"
import * as RunLoader from "./RunLoader.ts"
import type { RunSlot, Settled } from "./RunSlot.ts"
import type { RunStore } from "./RunStore.ts"
import type { Lacks, Scribe } from "./Scribe.ts"

export interface Supplies {
  readonly scribe: Scribe
  readonly store: RunStore["Service"]
  readonly blobs: BlobStore["Service"]
  readonly plans: Plans["Service"]
}

/** Loads what a decision lacked, and puts the run back among those with something to decide. */
export const supply = Effect.fnUntraced(function*(services: Supplies, lacks: Lacks) {
  const { scribe } = services
  const { slot } = lacks
  if (lacks.refs === undefined) yield* loadState(services, slot)
  else {
    for (const ref of lacks.refs) {
      const json = scribe.cache.get(ref as BlobRef) ?? brought(slot, ref as BlobRef) ??
        (yield* readBlob(services, slot.tenant, ref as BlobRef))
      slot.blobs.set(ref as BlobRef, json)
    }
  }
  slot.loading = false
  scribe.touch(slot)
})

/** A value that a waiting command brings with it, and that is stored only with the command's record. */
const brought = (slot: RunSlot, ref: BlobRef): Json | undefined => {
  for (const { blobs } of slot.mailbox) {
    const blob = blobs.find((blob) => blob.ref === ref)
    if (blob !== undefined) return blob.json ?? JSON.parse(Buffer.from(blob.bytes).toString("utf8"))
  }
  return undefined
}

export const readBlob = Effect.fnUntraced(function*(services: Supplies, tenant: string, ref: BlobRef) {
  const bytes = yield* services.blobs.get(tenant, ref)
  const json: Json = JSON.parse(Buffer.from(bytes).toString("utf8"))
  services.scribe.cache.set(ref, json, bytes.length)
  return json
})

const loadState = Effect.fnUntraced(function*(services: Supplies, slot: RunSlot) {
  const row = yield* services.store.find(slot.tenant, slot.run)
  if (row === undefined) return services.scribe.giveUp(slot, slot.mailbox, missing(slot))
  const plan = yield* services.plans.get(slot.tenant, row.flowHash)
  const loaded = yield* RunLoader.load(services.store, plan, slot.tenant, slot.run)
  if (loaded === undefined) return services.scribe.giveUp(slot, slot.mailbox, missing(slot))
  slot.state = loaded.state
  slot.head = loaded.head
  slot.hash = loaded.hash
  slot.status = ""
  slot.timers.clear()
  RunDoors.restore(slot, loaded.state)
  const timers = Outstanding.timers(loaded.state)
  for (const timer of timers) {
    slot.timers.set(`${timer.kind} ${timer.path}`, timer)
    services.scribe.alarms.add({ due: timer.due, slot, timer })
  }
})

const missing = (slot: RunSlot): Settled => ({
  kind: "lost",
  reason: "missing",
  message: `there is no run ${slot.run}`
})
