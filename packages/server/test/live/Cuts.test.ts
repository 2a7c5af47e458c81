/** Readers that are cut, slow, or silent. */
import { assert, describe, it } from "@effect/vitest"
import { type Received, withScene } from "./Scene.ts"

const gates = 12
const upTo = (to: number): ReadonlyArray<number> => Array.from({ length: to }, (_, index) => index + 1)

/** Cuts after 0 to 3 frames, always in the same way. */
const chance = (seed: number): number => (Math.imul(seed, 2654435761) >>> 16) % 4

describe("a reader", () => {
  it.live("that is cut again and again sees every event exactly once, in order", () =>
    withScene(async (scene) => {
      const run = await scene.start(gates)
      const sending = (async () => {
        for (let gate = 0; gate < gates; gate++) await scene.send(run, gate)
      })()
      const seen: Array<number> = []
      let isOver = false
      for (let turn = 0; !isOver; turn++) {
        const stream = await scene.open(`/api/v1/runs/${run}/events?after=${seen.at(-1) ?? 0}`)
        const wanted = chance(turn)
        let taken = 0
        const frames = await stream.until(({ data, event }) =>
          event === "end" || (data["seq"] !== undefined && taken++ >= wanted)
        )
        stream.cut()
        for (const { data, event } of frames) {
          if (event === "end") isOver = true
          else if (data["seq"] !== undefined) seen.push(Number(data["seq"]))
        }
      }
      await sending
      assert.deepStrictEqual(seen, upTo(Number((await scene.call("GET", `/api/v1/runs/${run}`)).body["seq"])))
    }))

  it.live("that is behind what is kept for all reads the journal, and misses nothing", () =>
    withScene(async (scene) => {
      const run = await scene.start(gates)
      const early = await scene.open(`/api/v1/runs/${run}/events?after=0`)
      const paused = await scene.open(`/api/v1/runs/${run}/events?after=0`)
      paused.response.pause()
      for (let gate = 0; gate < gates; gate++) await scene.send(run, gate)
      paused.response.resume()
      const isEnd = ({ event }: Received) => event === "end"
      await early.until(isEnd)
      const head = Number((await scene.call("GET", `/api/v1/runs/${run}`)).body["seq"])
      for (const stream of [early, paused, await scene.open(`/api/v1/runs/${run}/events?after=0`)]) {
        const frames = await stream.until(isEnd)
        const sequences = frames.filter((frame) => !isEnd(frame)).flatMap(({ data }) =>
          data["seq"] === undefined ? [] : [Number(data["seq"])]
        )
        assert.deepStrictEqual(sequences, upTo(head))
      }
    }, { ringFramesMax: 3, batchBytesMax: 500, pageRecordsMax: 2, pendingBytesMax: 1000 }))
})
