/** Where the course of a question ends, for a reader that comes back by itself. */
import type { RunDocument } from "@baton/contract/RunDocument"
import * as Wire from "@baton/contract/Wire"
import type { Event } from "@baton/kernel/Event"
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { Batch, fromEnvelope } from "../../src/live/Frame.ts"
import type { Line } from "../../src/live/Line.ts"
import * as LiveLimits from "../../src/live/LiveLimits.ts"
import type { Source } from "../../src/live/Outlet.ts"
import { AskOutlet } from "../../src/multirole/AskOutlet.ts"

const run = "run_01arz3ndektsv4rrffq69g5fav"

/** A run that somebody notes something about after its end. */
const events: ReadonlyArray<Event> = [
  { type: "RunFinished", v: 1, at: 2, status: "failed", code: "RUN_FAILED", message: "no" },
  { type: "NoteAdded", v: 1, at: 3, text: "looked at" }
]

it.effect("the end stands behind what was noted after it, so that who has it is not told again", () =>
  Effect.sync(() => {
    const document = { id: run, steps: [], status: "failed", code: "RUN_FAILED", reason: "no", metrics: {} }
    const outlet = new AskOutlet(
      { now: () => 0, limits: LiveLimits.defaults, types: undefined },
      {
        document: document as unknown as RunDocument,
        seen: 0,
        named: false,
        ended: Effect.succeed(document as unknown as RunDocument),
        fork: (effect) => Effect.runSync(effect)
      }
    )
    let told = ""
    const line: Line = {
      waiting: 0,
      send: (bytes) => void (told += typeof bytes === "string" ? bytes : bytes.whole.toString()),
      end: () => void (told += "END"),
      destroy: () => {}
    }
    const frames = events.map((event, n) => fromEnvelope(run, Wire.fromEvent(run, n + 8, event)))
    let isDone = false
    const source: Source = {
      take: () => {
        isDone = true
        return new Batch(frames, 9)
      },
      get isDone() {
        return isDone
      }
    }
    outlet.begin(line, [source])
    assert.match(told, /END$/)
    assert.strictEqual(told.match(/id: (\d+)/g)?.at(-1), "id: 9")
  }))
