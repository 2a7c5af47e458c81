/** The ports of one process over the common store, with everything that can go wrong between it and the store. */
import { BlobStore, BlobStoreError } from "@baton/engine/BlobStore"
import { FlowStore } from "@baton/engine/FlowStore"
import * as MemoryReceiptStore from "@baton/engine/MemoryReceiptStore"
import type { MemoryState } from "@baton/engine/MemoryState"
import * as MemoryStepQueue from "@baton/engine/MemoryStepQueue"
import * as MemoryStore from "@baton/engine/MemoryStore"
import { ReceiptStore, ReceiptStoreError } from "@baton/engine/ReceiptStore"
import { RunStore, RunStoreError } from "@baton/engine/RunStore"
import { Sessions } from "@baton/engine/Sessions"
import type { Offer } from "@baton/engine/StepQueue"
import { StepQueue } from "@baton/engine/StepQueue"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { SimulatedProcess } from "./SimulatedProcess.ts"
import type { World } from "./World.ts"

/** Before and after each call: the process may die, the store may take its time. */
const gate = (world: World, process: SimulatedProcess, place: string): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (process.owner.dead) return Effect.never
    const { chance, faults } = world
    if (faults.crashes > 0 && chance.is(faults.crashing)) {
      process.crash(place)
      return Effect.never
    }
    if (chance.is(faults.slow)) return Effect.sleep(chance.int(1, 40))
    return chance.is(0.1) ? Effect.yieldNow : Effect.void
  })

const fails = (world: World): boolean => {
  const { chance, faults } = world
  if (faults.errors === 0 || !chance.is(faults.failing)) return false
  faults.errors--
  return true
}

const through = <A, E>(
  world: World,
  process: SimulatedProcess,
  place: string,
  call: Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.flatMap(
    gate(world, process, `before ${place}`),
    () => Effect.flatMap(call, (answer) => Effect.as(gate(world, process, `after ${place}`), answer))
  )

const unavailable = new RunStoreError({ reason: "unavailable", message: "the store does not serve" })
const unreadable = new BlobStoreError({ reason: "unavailable", message: "the store does not serve" })

const runStore = (world: World, process: SimulatedProcess) =>
  Layer.effect(
    RunStore,
    Effect.map(RunStore, (store) => {
      const pass = <A>(place: string, call: Effect.Effect<A, RunStoreError>): Effect.Effect<A, RunStoreError> =>
        through(world, process, place, Effect.suspend(() => fails(world) ? Effect.fail(unavailable) : call))
      return RunStore.of({
        ...store,
        commit: (batch) =>
          pass(
            "commit",
            // In one go: no death comes between what is durable and the knowledge of it.
            Effect.suspend(() => {
              const exit = Effect.runSyncExit(store.commit(batch))
              if (exit._tag === "Success") world.observer.committed(batch, exit.value)
              return exit
            })
          ),
        records: (...query) => pass("records", store.records(...query)),
        find: (...query) => pass("find", store.find(...query)),
        places: (...query) => pass("places", store.places(...query)),
        claim: (...query) => pass("claim", store.claim(...query)),
        releaseExpired: (now) => pass("releaseExpired", store.releaseExpired(now))
      })
    })
  )

const sessions = (world: World, process: SimulatedProcess) =>
  Layer.effect(
    Sessions,
    Effect.map(Sessions, (sessions) => {
      process.session = sessions.id
      const pass = <A>(place: string, call: Effect.Effect<A, RunStoreError>): Effect.Effect<A, RunStoreError> =>
        through(world, process, place, Effect.suspend(() => fails(world) ? Effect.fail(unavailable) : call))
      return Sessions.of({
        ...sessions,
        heartbeat: (now) => pass("heartbeat", sessions.heartbeat(now)),
        adopt: (...query) => pass("adopt", sessions.adopt(...query)),
        release: (runs) => pass("release", sessions.release(runs)),
        taken: (limit) => pass("taken", sessions.taken(limit)),
        reply: (...answer) => pass("reply", sessions.reply(...answer))
      })
    })
  )

const blobStore = (world: World, process: SimulatedProcess) =>
  Layer.effect(
    BlobStore,
    Effect.map(BlobStore, (blobs) => {
      const pass = <A>(place: string, call: Effect.Effect<A, BlobStoreError>): Effect.Effect<A, BlobStoreError> =>
        through(world, process, place, Effect.suspend(() => fails(world) ? Effect.fail(unreadable) : call))
      return BlobStore.of({
        ...blobs,
        put: (...query) => pass("put", blobs.put(...query)),
        get: (...query) => pass("get", blobs.get(...query))
      })
    })
  )

const flowStore = (world: World, process: SimulatedProcess) =>
  Layer.effect(
    FlowStore,
    Effect.map(FlowStore, (flows) =>
      FlowStore.of({
        ...flows,
        freeze: (...query) => through(world, process, "freeze", flows.freeze(...query)),
        frozen: (...query) => through(world, process, "frozen", flows.frozen(...query))
      }))
  )

const unserved = new ReceiptStoreError({ reason: "unavailable", message: "the store does not serve" })

/** One store of receipts for all processes. */
const receiptStore = (world: World, process: SimulatedProcess) => {
  const pass = <A>(place: string, call: Effect.Effect<A, ReceiptStoreError>): Effect.Effect<A, ReceiptStoreError> =>
    through(world, process, place, Effect.suspend(() => fails(world) ? Effect.fail(unserved) : call))
  const { receipts } = world
  return Layer.succeed(
    ReceiptStore,
    ReceiptStore.of({
      ...receipts,
      find: (...query) => pass("receipts.find", receipts.find(...query)),
      last: (...query) => pass("receipts.last", receipts.last(...query)),
      put: (...query) => pass("receipts.put", receipts.put(...query)),
      use: (...query) => pass("receipts.use", receipts.use(...query))
    })
  )
}

/** What processes over one world share. */
export const receipts = (): ReceiptStore["Service"] =>
  Effect.runSync(Effect.provide(ReceiptStore, MemoryReceiptStore.layer))

/** All ports of the store, as this process sees them. */
export const store = (world: World, process: SimulatedProcess, state: Layer.Layer<MemoryState>) => {
  const under = Layer.provideMerge(MemoryStore.layerOver, state)
  return Layer.mergeAll(
    runStore(world, process),
    sessions(world, process),
    blobStore(world, process),
    flowStore(world, process),
    receiptStore(world, process)
  ).pipe(Layer.provideMerge(under))
}

/** A queue that loses, repeats, delays and shuffles what it carries. */
export const queue = (world: World, process: SimulatedProcess): Layer.Layer<StepQueue> =>
  Layer.sync(StepQueue, () => {
    const under = MemoryStepQueue.make()
    const { chance, faults, time } = world
    const pass = (offer: Offer): void => Effect.runSync(under.offer([offer]))
    return StepQueue.of({
      ...under,
      offer: (offers) =>
        Effect.sync(() => {
          if (process.owner.dead) return
          const shuffled = chance.is(0.3) ? offers.toSorted(() => chance.next() - 0.5) : offers
          for (const offer of shuffled) {
            if (chance.is(faults.dropped)) continue
            const copies = chance.is(faults.doubled) ? 2 : 1
            for (let copy = 0; copy < copies; copy++) {
              if (chance.is(faults.delayed)) {
                time.at(time.now + chance.int(1, 20_000), process.owner, () => pass(offer))
              } else pass(offer)
            }
          }
        })
    })
  })
