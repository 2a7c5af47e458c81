/** Live streams on a WebSocket. */
import { closeCodes } from "@baton/contract/LiveMessage"
import * as NodeWS from "@effect/platform-node/NodeWS"
import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import { type Scene, withScene } from "./Scene.ts"

interface Message {
  readonly type: string
  readonly run?: string
  readonly event?: string
  readonly seq?: number
  readonly code?: string
  readonly data?: { readonly [key: string]: unknown }
}

interface Talk {
  readonly socket: NodeWS.WebSocket
  readonly say: (message: unknown) => void
  readonly until: (fits: (message: Message) => boolean) => Promise<ReadonlyArray<Message>>
  readonly closed: Promise<number>
}

const talk = (scene: Scene, protocols: ReadonlyArray<string> = []): Promise<Talk> =>
  new Promise((resolve, reject) => {
    const socket = new NodeWS.WebSocket(`${scene.url.replace("http", "ws")}/ws`, [...protocols])
    const seen: Array<Message> = []
    const waiting = new Set<() => void>()
    let isClosed = false
    const wake = () => {
      for (const look of [...waiting]) look()
    }
    socket.on("message", (text) => {
      seen.push(JSON.parse(String(text)))
      wake()
    })
    const closed = new Promise<number>((done) =>
      socket.on("close", (code) => {
        isClosed = true
        wake()
        done(code)
      })
    )
    const until: Talk["until"] = (fits) =>
      new Promise((found, lost) => {
        const look = () => {
          const at = seen.findIndex(fits)
          if (at < 0 && !isClosed) return
          waiting.delete(look)
          if (at < 0) lost(new Error(`closed after ${JSON.stringify(seen)}`))
          else found(seen.slice(0, at + 1))
        }
        waiting.add(look)
        look()
      })
    socket.on("error", reject)
    socket.on("open", () =>
      resolve({
        socket,
        say: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
        until,
        closed
      }))
  })

const upTo = (from: number, to: number): ReadonlyArray<number> =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe("the socket", () => {
  it.live("carries the runs that are subscribed to, each from its snapshot or sequence to its end", () =>
    withScene(async (scene) => {
      const [first, second, other] = [await scene.start(1), await scene.start(1), await scene.start(1)]
      const peer = await talk(scene, ["baton.v1"])
      assert.strictEqual(peer.socket.protocol, "baton.v1")
      peer.say({ type: "subscribe", run: first })
      peer.say({ type: "subscribe", run: second, after: 0 })
      peer.say({ type: "subscribe", run: other })
      peer.say({ type: "unsubscribe", run: other })
      peer.say({ type: "ping", id: 7 })
      await peer.until(({ type }) => type === "pong")
      for (const run of [other, first, second]) await scene.send(run, 0)
      const ends = new Set<string>()
      const seen = await peer.until(({ event, run = "" }) => event === "end" && ends.add(run).size === 2)
      for (const run of [first, second]) {
        const own = seen.filter((message) => message.run === run && message.type === "frame")
        const snapshot = own.find(({ event }) => event === "snapshot")
        assert.strictEqual(snapshot === undefined, run === second)
        const head = Number(own.at(-1)?.data?.["seq"])
        const events = own.filter(({ event }) => event !== "snapshot").flatMap(({ seq }) => seq ?? [])
        assert.deepStrictEqual(events, [...upTo((snapshot?.seq ?? 0) + 1, head)])
        assert.isTrue(own.every(({ event }) => event !== undefined))
      }
      assert.strictEqual(
        seen.filter(({ event, run }) => run === other && event !== "snapshot" && event !== undefined).length,
        0
      )
      peer.socket.close()
    }))

  it.live("carries the stream of all runs", () =>
    withScene(async (scene) => {
      const peer = await talk(scene)
      peer.say({ type: "subscribe", topic: "runs" })
      await peer.until(({ type }) => type === "subscribed")
      const metrics = await (await fetch(`${scene.url}/metrics`)).text()
      assert.match(metrics, /^baton_event_streams\{transport="websocket"\} 1$/m)
      const run = await scene.start(1)
      const seen = await peer.until((message) => message.event === "run" && message.run === run)
      assert.isNumber(seen.at(-1)?.seq)
      peer.socket.close()
    }))

  it.live("answers what it cannot do, and goes on", () =>
    withScene(async (scene) => {
      const run = await scene.start(1)
      const peer = await talk(scene)
      const wrong = [
        ["no json", "MESSAGE_INVALID"],
        [{ type: "subscribe" }, "MESSAGE_INVALID"],
        [{ type: "subscribe", run, after: -1 }, "MESSAGE_INVALID"],
        [{ type: "subscribe", run: "run_none" }, "RUN_NOT_FOUND"],
        [{ type: "subscribe", run: "run_none", after: 3 }, "RUN_GONE"],
        [{ type: "subscribe", run, after: 1000 }, "CURSOR_UNKNOWN"]
      ] as const
      for (const [message, code] of wrong) {
        peer.say(message)
        await peer.until((answer) => answer.code === code)
      }
      peer.say({ type: "subscribe", run })
      peer.say({ type: "subscribe", run })
      await peer.until(({ code }) => code === "SUBSCRIBED_ALREADY")
      const next = await scene.start(1)
      peer.say({ type: "subscribe", run: next })
      await peer.until(({ code }) => code === "RUNS_MAX")
      peer.socket.close()
    }, { runsMax: 1 }))

  it.live("closes on who says too much, in one message or in many", () =>
    withScene(async (scene) => {
      const large = await talk(scene)
      large.say("x".repeat(64 * 1024 + 1))
      assert.strictEqual(await large.closed, 1009)
      const many = await talk(scene)
      for (let n = 0; n < 60; n++) many.say({ type: "ping" })
      assert.strictEqual(await many.closed, closeCodes.tooManyMessages)
      const asking = await talk(scene)
      for (let n = 0; n < 60; n++) asking.socket.ping()
      assert.strictEqual(await asking.closed, closeCodes.tooManyMessages)
    }))

  it.live("closes on a peer that does not answer", () =>
    withScene(async (scene) => {
      const peer = await talk(scene)
      ;(peer.socket as NodeWS.WebSocket & { pong: () => void }).pong = () => undefined
      assert.strictEqual(await peer.closed, 1006)
    }, { pingEvery: Duration.millis(100) }))

  it.live("is refused to who does not ask for it", () =>
    withScene(async (scene) => {
      const response = await fetch(`${scene.url}/ws`)
      assert.strictEqual(response.status, 426)
      assert.strictEqual(response.headers.get("upgrade"), "websocket")
      assert.deepInclude(await response.json(), { code: "UPGRADE_REQUIRED" })
    }))
})
