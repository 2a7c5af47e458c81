/** Streams of what steps print: how many, and for how long. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { withScene } from "./Scene.ts"

describe("streams of logs", () => {
  it.live("are so many and no more, and make room when they end", () =>
    withScene(async (scene) => {
      const run = await scene.start(1)
      const path = `/api/v1/runs/${run}/logs`
      const streams = [await scene.open(path), await scene.open(path)]
      const refused = await fetch(scene.url + path, { headers: { accept: "text/event-stream" } })
      assert.strictEqual(refused.status, 503)
      assert.strictEqual((await refused.json() as { code: string }).code, "LOG_STREAMS_MAX")
      assert.strictEqual((await scene.call("GET", path)).status, 200, "pages are read all the same")
      await scene.send(run, 0)
      for (const stream of streams) await stream.ended
      for (let status = 0; status !== 200;) {
        const again = await scene.open(path)
        status = again.status
        again.cut()
      }
    }, { logStreamsMax: 2 }), 20_000)

  it.live("end after their time, and are resumed", () =>
    withScene(async (scene) => {
      const run = await scene.start(1)
      const stream = await scene.open(`/api/v1/runs/${run}/logs`)
      await stream.ended
      assert.isTrue(stream.response.complete)
    }, { connectionFor: Duration.millis(50) }), 20_000)
})
