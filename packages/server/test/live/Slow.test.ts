/** A connection whose peer takes nothing, beside one whose peer does. */
import { Client } from "@baton/contract/Client"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { join } from "node:path"
import { Readable } from "node:stream"
import type { Line, Sendable } from "../../src/live/Line.ts"
import { Live } from "../../src/live/Live.ts"
import * as Lives from "../../src/live/Live.ts"
import { defaults, LiveLimits } from "../../src/live/LiveLimits.ts"
import { SseOutlet } from "../../src/live/SseOutlet.ts"
import * as Local from "../../src/Local.ts"
import { defaultTenant, localActor } from "../../src/Parts.ts"
import { folder, gatesOf, handlers } from "./Scene.ts"

const limits: LiveLimits = {
  ...defaults,
  stallAfter: Duration.millis(300),
  pendingBytesMax: 2000,
  batchBytesMax: 500,
  ringFramesMax: 5
}

const gates = 12

/** A peer that takes bytes when it reads. */
class HeldLine implements Line {
  #waiting: Array<() => void> = []
  readonly stream = new Readable({
    highWaterMark: 1,
    read: () => {
      for (const flushed of this.#waiting.splice(0)) flushed()
    }
  })

  get waiting(): number {
    return this.stream.readableLength
  }

  send(bytes: Sendable, flushed?: () => void): void {
    this.stream.push(typeof bytes === "string" ? bytes : bytes.whole)
    if (flushed !== undefined) this.#waiting.push(flushed)
  }

  end(): void {
    this.stream.push(null)
  }

  destroy(): void {
    this.stream.destroy()
  }
}

/** Tells when it has been dropped. */
class WatchedOutlet extends SseOutlet {
  readonly line = new HeldLine()
  readonly dropped: Promise<void>
  #tell: () => void = () => undefined

  constructor(live: Live["Service"]) {
    super({ now: () => live.clock.currentTimeMillisUnsafe(), limits, types: undefined })
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

describe("a peer that takes nothing", () => {
  it.live("is dropped and told, holds nobody, and resumes where it stood", () =>
    Effect.scoped(Effect.gen(function*() {
      const data = yield* folder
      const host = Local.hostLayer({ data, handlers, adopt: false, outputRoot: join(data, "output") })
      const context = yield* Layer.build(
        Lives.layer.pipe(Layer.provideMerge(host), Layer.provide(Layer.succeed(LiveLimits, limits)))
      )
      const ports = Context.get(context, Local.Host).portsOf({ tenant: defaultTenant, by: localActor })
      yield* Effect.gen(function*() {
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
      }).pipe(Effect.provideContext(Context.merge(context, ports)))
    })))
})
