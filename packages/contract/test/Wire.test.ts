import { EventEnvelope } from "@baton/contract/EventEnvelope"
import * as Wire from "@baton/contract/Wire"
import { Event } from "@baton/kernel/Event"
import { assert, describe, it } from "@effect/vitest"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

const kernelTypes = Event.members.map((member) => member.fields.type.literal)
const isEnvelope = Schema.is(EventEnvelope)

describe("Wire", () => {
  it("knows every kernel event, and only those", () => {
    assert.deepStrictEqual(Object.keys(Wire.typesOf).sort(), [...kernelTypes].sort())
  })

  it("publishes exactly the types that events can have", () => {
    const reachable = new Set(Object.values(Wire.typesOf).flat())
    assert.deepStrictEqual([...reachable].sort(), [...Wire.journalTypes].sort())
    assert.strictEqual(new Set(Wire.types).size, Wire.journalTypes.length + Wire.liveTypes.length)
  })

  it("ends a run under the name of its outcome", () => {
    const names = (["succeeded", "warned", "failed", "cancelled"] as const).map((status) =>
      Wire.typeOf({ type: "RunFinished", v: 1, at: 0, status, code: "X", message: "" })
    )
    assert.deepStrictEqual(names, [
      "orchestration.run.completed",
      "orchestration.run.completed",
      "orchestration.run.failed",
      "orchestration.run.cancelled"
    ])
  })

  it("names step, sequence and time", () => {
    assert.deepStrictEqual(
      Wire.fromEvent("run_1", 7, { type: "StepsDispatched", v: 1, at: 1_700_000_000_000, steps: [["a[3]", 1]] }),
      {
        specversion: "1.0",
        id: "run_1/7",
        source: "/api/v1/runs/run_1",
        type: "orchestration.step.queued",
        subject: "a[3]",
        time: "2023-11-14T22:13:20.000Z",
        datacontenttype: "application/json",
        data: { type: "StepsDispatched", v: 1, at: 1_700_000_000_000, steps: [["a[3]", 1]] },
        seq: 7
      }
    )
  })

  it.prop("every event makes one envelope of a published type and comes back unchanged", [Event], ([event]) => {
    const envelope = Wire.fromEvent("run_x", 1, event)
    assert.isTrue(isEnvelope(envelope))
    assert.include(Wire.typesOf[event.type], envelope.type)
    assert.deepStrictEqual(Option.getOrThrow(Wire.toEvent(envelope)), event)
  }, { arbitrary: { runs: 1000 } })

  it("takes no live event, foreign type or forged data for a journal event", () => {
    const live = Wire.fromLive("run_1", "agent.stream.chunk", "a", 0, 1, { text: "x" })
    const note = Wire.fromEvent("run_1", 1, { type: "NoteAdded", v: 1, at: 0, text: "x" })
    assert.isTrue(Wire.isLive(live))
    assert.isFalse(Wire.isLive(note))
    assert.isTrue(Option.isNone(Wire.toEvent(live)))
    assert.isTrue(Option.isNone(Wire.toEvent({ ...note, type: "orchestration.run.failed" })))
    assert.isTrue(Option.isNone(Wire.toEvent({ ...note, data: { type: "NoteAdded" } })))
  })
})
