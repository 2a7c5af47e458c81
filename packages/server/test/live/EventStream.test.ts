/** Event streams of runs over HTTP. */
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { folder, type Received, served, withScene } from "./Scene.ts"

const isEnd = ({ event }: Received) => event === "end"
const framing = new Set(["snapshot", "end"])
const sequences = (frames: ReadonlyArray<Received>): ReadonlyArray<number> =>
  frames.flatMap(({ data, event }) => data["seq"] === undefined || framing.has(event) ? [] : [Number(data["seq"])])
const upTo = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe("the stream of a run", () => {
  it.live("begins with the run as it is, goes on with its events, live ones between, and ends with the run", () =>
    withScene(async (scene) => {
      const run = await scene.start(2)
      const stream = await scene.open(`/api/v1/runs/${run}/events`)
      assert.strictEqual(stream.status, 200)
      assert.strictEqual(stream.response.headers["content-type"], "text/event-stream; charset=utf-8")
      assert.strictEqual(stream.response.headers["cache-control"], "no-store")
      assert.strictEqual(stream.response.headers["x-accel-buffering"], "no")
      const [snapshot] = await stream.until(({ event }) => event === "snapshot")
      assert.strictEqual(snapshot?.data["id"], run)
      assert.strictEqual(String(snapshot?.data["seq"]), snapshot?.id)
      await scene.send(run, 0)
      await scene.send(run, 1)
      const frames = await stream.until(isEnd)
      await stream.ended
      const head = Number((await scene.call("GET", `/api/v1/runs/${run}`)).body["seq"])
      assert.deepStrictEqual(sequences(frames), upTo(Number(snapshot?.id) + 1, head))
      assert.deepStrictEqual(frames.at(-1)?.data, { run, seq: head, status: "succeeded" })
      for (const { data, event, id } of frames.slice(1, -1)) {
        assert.strictEqual(data["type"], event)
        if (data["seq"] !== undefined) assert.strictEqual(data["id"], `${run}/${id}`)
      }
      const live = frames.filter(({ event }) => event === "orchestration.step.running")
      assert.isAbove(live.length, 0)
      assert.isTrue(live.every(({ data }) => data["seq"] === undefined))
    }))

  it.live("resumes after what was seen, by header or query, without a snapshot", () =>
    withScene(async (scene) => {
      const run = await scene.start(1)
      await scene.send(run, 0)
      const all = await (await scene.open(`/api/v1/runs/${run}/events?after=0`)).until(isEnd)
      const head = Number(all.at(-1)?.data["seq"])
      assert.deepStrictEqual(sequences(all), upTo(1, head))
      for (let after = 1; after <= head; after++) {
        const byQuery = await (await scene.open(`/api/v1/runs/${run}/events?after=${after}`)).until(isEnd)
        assert.deepStrictEqual(sequences(byQuery), upTo(after + 1, head), `after ${after}`)
      }
      const byHeader = await scene.open(`/api/v1/runs/${run}/events?after=0`, { "last-event-id": "2" })
      assert.deepStrictEqual(sequences(await byHeader.until(isEnd)), upTo(3, head))
      const done = await scene.open(`/api/v1/runs/${run}/events`, { "last-event-id": String(head) })
      assert.strictEqual(done.status, 204, "a browser stops coming back")
    }))

  it.live("refuses what is not there, was never there, or is there no more", () =>
    withScene(async (scene) => {
      const run = await scene.start(1)
      const code = async (path: string) => {
        const response = await fetch(scene.url + path, { headers: { accept: "text/event-stream" } })
        assert.strictEqual(response.headers.get("content-type"), "application/problem+json")
        return [response.status, (await response.json() as { code: string }).code]
      }
      assert.deepStrictEqual(await code("/api/v1/runs/run_none/events"), [404, "RUN_NOT_FOUND"])
      assert.deepStrictEqual(await code(`/api/v1/runs/${run}/events?after=1000`), [400, "CURSOR_UNKNOWN"])
      assert.deepStrictEqual(await code(`/api/v1/runs/${run}/events?types=run.moved`), [400, "TYPE_UNKNOWN"])
      assert.deepStrictEqual(await code(`/api/v1/runs/${run}/events?after=-1`), [400, "CURSOR_UNKNOWN"])
      await scene.send(run, 0)
      await (await scene.open(`/api/v1/runs/${run}/events`)).until(isEnd)
      assert.strictEqual((await scene.call("DELETE", `/api/v1/runs/${run}`)).status, 204)
      assert.deepStrictEqual(await code(`/api/v1/runs/${run}/events?after=3`), [410, "RUN_GONE"])
      assert.deepStrictEqual(await code(`/api/v1/runs/${run}/events`), [404, "RUN_NOT_FOUND"])
      assert.strictEqual((await scene.call("GET", `/api/v1/runs/${run}/events?after=3`)).status, 410)
    }))

  it.live("carries the wanted types only, as pages do", () =>
    withScene(async (scene) => {
      const run = await scene.start(2)
      await scene.send(run, 0)
      await scene.send(run, 1)
      const type = "orchestration.step.completed"
      const frames = await (await scene.open(`/api/v1/runs/${run}/events?after=0&types=${type}`)).until(isEnd)
      assert.deepStrictEqual([...new Set(frames.map(({ event }) => event))], [type, "end"])
      const first = await scene.call("GET", `/api/v1/runs/${run}/events?types=${type}&limit=2`)
      assert.strictEqual((first.body["items"] as ReadonlyArray<unknown>).length, 2)
      const next = await scene.call("GET", `/api/v1/runs/${run}/events?types=${type}&after=${first.body["next"]}`)
      assert.strictEqual(next.body["next"], null)
      const paged = [first, next].flatMap(({ body }) => body["items"] as ReadonlyArray<{ readonly seq: number }>)
      assert.deepStrictEqual(paged.map(({ seq }) => seq), sequences(frames))
    }))

  it.live("brings what another process writes", () =>
    withScene((owner, data) =>
      Effect.runPromise(Effect.scoped(Effect.gen(function*() {
        const other = yield* served(data)
        yield* Effect.promise(async () => {
          const run = await owner.start(2)
          const stream = await other.open(`/api/v1/runs/${run}/events?after=0`)
          const all = await other.open("/api/v1/stream?after=0")
          await stream.until(({ event }) => event === "orchestration.step.waiting")
          await owner.send(run, 0)
          await owner.send(run, 1)
          const frames = await stream.until(isEnd)
          assert.deepStrictEqual(sequences(frames), upTo(1, Number(frames.at(-1)?.data["seq"])))
          await all.until(({ data }) => data["id"] === run && data["status"] === "succeeded")
          all.cut()
        })
      })))
    ))

  it.live("ends after its time, and is resumed", () =>
    withScene(async (scene) => {
      const run = await scene.start(1)
      const stream = await scene.open(`/api/v1/runs/${run}/events`)
      await stream.ended
      assert.deepStrictEqual(stream.seen.map(({ event }) => event), ["snapshot"])
      const again = await scene.open(`/api/v1/runs/${run}/events`, { "last-event-id": stream.seen[0]!.id! })
      await scene.send(run, 0)
      assert.isTrue(
        (await again.until(({ event }) => event.endsWith("received"))).every(({ event }) => event !== "snapshot")
      )
      again.cut()
    }, { connectionFor: Duration.millis(1) }))

  it.live("ends when the server stops, which does not wait for it", () =>
    Effect.scoped(Effect.gen(function*() {
      const data = yield* folder
      const stream = yield* Effect.scoped(Effect.flatMap(served(data), (scene) =>
        Effect.promise(async () => {
          const opened = await scene.open(`/api/v1/runs/${await scene.start(1)}/events`)
          await opened.until(({ event }) => event === "snapshot")
          return opened
        })))
      yield* Effect.promise(() => stream.ended)
      assert.isTrue(stream.response.complete, "ended, not broken off")
    })))

  it.live("tells silent connections that they live", () =>
    withScene(async (scene) => {
      const run = await scene.start(1)
      const stream = await scene.open(`/api/v1/runs/${run}/events`)
      await stream.until(({ event }) => event === ":")
    }, { keepAliveEvery: Duration.millis(500) }))
})

describe("many runs on one connection", () => {
  it.live("carries each without gap and repeat, and its ids resume all of them", () =>
    withScene(async (scene) => {
      const runs = [await scene.start(2), await scene.start(2), await scene.start(2)]
      const path = `/api/v1/events?after=${runs[0]}:0,${runs[1]}:0,${runs[2]}`
      const first = await scene.open(path)
      await scene.send(runs[0]!, 0)
      await scene.send(runs[1]!, 0)
      const before = await first.until(({ data, event }) => event.endsWith("step.completed") && isOf(runs[1]!, data))
      first.cut()
      for (const [gate, run] of [[1, runs[0]!], [1, runs[1]!], [0, runs[2]!], [1, runs[2]!]] as const) {
        await scene.send(run, gate)
      }
      const id = before.findLast((frame) => frame.id !== undefined)!.id!
      const second = await scene.open(path, { "last-event-id": id })
      await second.ended
      const frames = [...before, ...second.seen]
      assert.strictEqual(frames.filter(isEnd).length, 3)
      for (const run of runs) {
        const own = frames.filter(({ data }) => isOf(run, data)).flatMap(({ data }) => data["seq"] ?? [])
        const head = Number((await scene.call("GET", `/api/v1/runs/${run}`)).body["seq"])
        const from = Number(
          frames.find(({ data, event }) => event === "snapshot" && data["id"] === run)?.data["seq"] ?? 0
        )
        assert.deepStrictEqual(own, upTo(from + 1, head) as never, run)
      }
      const over = await scene.open(path, {
        "last-event-id": second.seen.findLast((frame) => frame.id !== undefined)!.id!
      })
      assert.strictEqual(over.status, 204)
    }))

  it.live("is refused when there are too many, or the cursor is none", () =>
    withScene(async (scene) => {
      const run = await scene.start(1)
      const code = async (query: string, headers = {}) => {
        const response = await fetch(`${scene.url}/api/v1/events${query}`, { headers })
        return [response.status, (await response.json() as { code: string }).code]
      }
      const many = Array.from({ length: 101 }, (_, index) => `run_${index}`).join(",")
      assert.deepStrictEqual(await code(`?after=${many}`), [400, "RUNS_MAX"])
      assert.deepStrictEqual(await code(`?after=${run}:x`), [400, "CURSOR_UNKNOWN"])
      assert.deepStrictEqual(await code(`?after=${run},${run}`), [400, "CURSOR_UNKNOWN"])
      assert.deepStrictEqual(await code(`?after=${run}`, { "last-event-id": "1.2" }), [400, "CURSOR_UNKNOWN"])
      assert.deepStrictEqual(await code(`?after=${run},run_none`), [404, "RUN_NOT_FOUND"])
      assert.deepStrictEqual(await code(""), [400, "REQUEST_INVALID"])
    }))
})

const isOf = (run: string, data: Received["data"]): boolean => data["source"] === `/api/v1/runs/${run}`

describe("the stream of all runs", () => {
  it.live("refuses a place that the store has not come to", () =>
    withScene(async (scene) => {
      await scene.start(1)
      for (const headers of [{ "last-event-id": "1000" }, {}]) {
        const response = await fetch(`${scene.url}/api/v1/stream?after=999`, { headers })
        assert.strictEqual(response.status, 400)
        assert.strictEqual((await response.json() as { code: string }).code, "CURSOR_UNKNOWN")
      }
    }))

  it.live("tells each run that moves, from where it was left", () =>
    withScene(async (scene) => {
      const stream = await scene.open("/api/v1/stream")
      const [position] = await stream.until(({ event }) => event === "position")
      const run = await scene.start(1)
      await stream.until(({ data }) => data["id"] === run && data["status"] === "waiting")
      stream.cut()
      const other = await scene.start(1)
      await scene.send(run, 0)
      const again = await scene.open("/api/v1/stream", { "last-event-id": stream.seen.at(-1)!.id! })
      await again.until(({ data }) => data["id"] === run && data["status"] === "succeeded")
      await again.until(({ data }) => data["id"] === other)
      again.cut()
      const all = await scene.open(`/api/v1/stream?after=${position?.id}`)
      await all.until(({ data }) => data["id"] === run && data["status"] === "succeeded")
      all.cut()
    }))
})
