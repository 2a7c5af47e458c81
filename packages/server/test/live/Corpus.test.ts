/** Event streams of others, read by the parser of our client; and ours, read back. */
import { assert, describe, it } from "@effect/vitest"
import * as Sse from "effect/encoding/Sse"
import { readFileSync } from "node:fs"
import { Batch } from "../../src/live/Frame.ts"

interface Case {
  readonly id: string
  readonly stream: string
  readonly events: ReadonlyArray<{ readonly event: string; readonly data: string; readonly id: string }>
}

const cases: ReadonlyArray<Case> = readFileSync(new URL("../../../../test/corpora/sse.jsonl", import.meta.url), "utf8")
  .split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))

/** The stream in pieces of so many characters. */
const parsed = (text: string, size: number): Case["events"] => {
  const events: Array<Case["events"][number]> = []
  const parser = Sse.makeParser((event) => {
    if (event._tag === "Event") events.push({ event: event.event, data: event.data, id: event.id ?? "" })
  })
  for (let at = 0; at < text.length; at += size) parser.feed(text.slice(at, at + size))
  return events
}

describe("the parser of event streams", () => {
  for (const { events, id, stream } of cases) {
    it(`dispatches what the standard says, however the stream is cut: ${id}`, () => {
      for (const size of [stream.length, 1, 3]) assert.deepStrictEqual(parsed(stream, size), events)
    })
  }

  it("reads every text that a frame may hold", () => {
    const texts = ["", "\n\n", "\r", "data: x\n\nid: 9\n", "\u2028\u0000\ufeff", "\ud83d\ude00", "x".repeat(100_000)]
    const frames = texts.map((text, index) => ({
      run: "run_1",
      seq: index + 1,
      event: "snapshot",
      data: JSON.stringify({ text })
    }))
    const read = parsed(String(new Batch(frames, undefined).sse.whole), 7)
    assert.deepStrictEqual(read.map(({ data }) => JSON.parse(data).text), texts)
    assert.deepStrictEqual(read.map(({ id }) => id), frames.map(({ seq }) => String(seq)))
  })
})
