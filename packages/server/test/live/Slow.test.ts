/** A connection whose peer takes nothing, beside one whose peer does. */
import { Client } from "@baton/contract/Client"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { join } from "node:path"
import type { Readable } from "node:stream"
import { Live } from "../../src/live/Live.ts"
import * as Lives from "../../src/live/Live.ts"
import { defaults, LiveLimits } from "../../src/live/LiveLimits.ts"
import { SseOutlet } from "../../src/live/SseOutlet.ts"
import * as Local from "../../src/Local.ts"
import { defaultTenant, localActor } from "../../src/Parts.ts"
import { HeldLine } from "./HeldLine.ts"
import { folder, gatesOf, handlers } from "./Scene.ts"

const limits: LiveLimits = {
  ...defaults,
  stallAfter: Duration.millis(300),
  pendingBytesMax: 2000,
  batchBytesMax: 500,
  ringFramesMax: 5
}

const gates = 12

/** Tells when it has been dropped. */
class WatchedOutlet extends SseOutlet {
  readonly line = new HeldLine()
  readonly dropped: Promise<void>
  #tell: () => void = () => undefined

  constructor(live: Live["Service"]) {
    super({ now: live.now, limits, types: undefined })
    this.dropped = new Promise((tell) => {
      this.#tell = tell
    })
  }

  override overflow(): void {
    super.overflow()
    this.#tell()
  }
}

const open = Effect.fnUntraced(function*(run: string, position: number) {
  const live = yield* Live
  const outlet = new WatchedOutlet(live)
  const reader = yield* live.follow(outlet, defaultTenant, { run, position })
  outlet.begin(outlet.line, [reader])
  live.opened(outlet)
  return outlet
})

const frames = (stream: Readable) =>
  Effect.promise(async () => {
    const seen: Array<{ readonly event: string; readonly seq: number | undefined }> = []
    const parser = Sse.makeParser((event) => {
      if (event._tag === "Event") seen.push({ event: event.event, seq: JSON.parse(event.data).seq })
    })
    for await (const chunk of stream) parser.feed(String(chunk))
    return seen
  })

const start = Effect.gen(function*() {
  const client = yield* Client
  const { id } = yield* client.start({ flow: { text: gatesOf(gates), file: "flow.json" }, input: null })
  return id
})

const hosted = (data: string) =>
  Layer.build(
    Lives.layer.pipe(
      Layer.provideMerge(Local.hostLayer({ data, handlers, adopt: false, outputRoot: join(data, "output") })),
      Layer.provide(Layer.succeed(LiveLimits, limits))
    )
  )

const inHost = <A, E>(test: Effect.Effect<A, E, Client | Live | Scope.Scope>) =>
  Effect.scoped(Effect.gen(function*() {
    const context = yield* Effect.flatMap(folder, hosted)
    const ports = Context.get(context, Local.Host).portsOf({ tenant: defaultTenant, by: localActor })
    return yield* Effect.provideContext(test, Context.merge(context, ports))
  }))

describe("a peer that takes nothing", () => {
  it.live("is dropped and told, holds nobody, and resumes where it stood", () =>
    inHost(Effect.gen(function*() {
      const client = yield* Client
      const run = yield* start
      const slow = yield* open(run, 0)
      const quick = yield* open(run, 0)
      const reading = yield* Effect.forkChild(frames(quick.line.stream), { startImmediately: true })
      for (let gate = 0; gate < gates; gate++) yield* client.send(run, `go${gate}`, null)
      yield* Stream.runDrain(client.events(run, { after: 0, follow: true }))
      const { seq: head } = yield* client.show(run)
      const all = Array.from({ length: head }, (_, index) => index + 1)
      const whole = yield* Fiber.join(reading)
      assert.deepStrictEqual(whole.filter(({ event }) => event !== "end").flatMap(({ seq }) => seq ?? []), all)
      assert.isTrue(slow.isFull)
      assert.isBelow(slow.line.waiting, limits.pendingBytesMax + limits.batchBytesMax)
      yield* Effect.promise(() => slow.dropped)
      const before = yield* frames(slow.line.stream)
      assert.strictEqual(before.at(-1)?.event, "overflow")
      const last = before.findLast(({ seq }) => seq !== undefined)?.seq ?? 0
      assert.isBelow(last, head)
      const after = yield* Effect.flatMap(open(run, last), ({ line }) => frames(line.stream))
      const both = [...before, ...after].filter(({ event }) => event !== "end").flatMap(({ seq }) => seq ?? [])
      assert.deepStrictEqual(both, all)
    })))

  it.live("ends when what it has not taken is removed with its run, and asks the store no more", () =>
    inHost(Effect.gen(function*() {
      const client = yield* Client
      const run = yield* start
      const slow = yield* open(run, 0)
      for (let gate = 0; gate < gates; gate++) yield* client.send(run, `go${gate}`, null)
      yield* Stream.runDrain(client.events(run, { after: 0, follow: true }))
      assert.isTrue(slow.isFull)
      yield* client.remove(run)
      const seen = yield* frames(slow.line.stream)
      assert.strictEqual(seen.at(-1)?.event, "overflow")
    })))

  it.live("misses nothing that happens before the head of its answer is written", () =>
    inHost(Effect.gen(function*() {
      const client = yield* Client
      const live = yield* Live
      const run = yield* start
      const early = new WatchedOutlet(live)
      const reader = yield* live.follow(early, defaultTenant, { run, position: 0 })
      const beside = yield* open(run, 0)
      const reading = yield* Effect.forkChild(frames(beside.line.stream), { startImmediately: true })
      for (let gate = 0; gate < gates; gate++) yield* client.send(run, `go${gate}`, null)
      yield* Fiber.join(reading)
      const { seq: head } = yield* client.show(run)
      early.begin(early.line, [reader])
      const seen = yield* frames(early.line.stream)
      assert.deepStrictEqual(
        seen.filter(({ event }) => event !== "end").flatMap(({ seq }) => seq ?? []),
        Array.from({ length: head }, (_, index) => index + 1)
      )
    })))
})
