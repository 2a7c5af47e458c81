/** Event streams as bytes on a connection: their head, their chunks, and who goes away. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { once } from "node:events"
import { connect, type Socket } from "node:net"
import { type Scene, withScene } from "./Scene.ts"

const framing = "accept: text/event-stream\r\nhost: 127.0.0.1"

interface Talk {
  readonly socket: Socket
  readonly text: () => string
  /** Waits until this has come. */
  readonly until: (part: string) => Promise<void>
}

const talk = (scene: Scene, said: string): Talk => {
  const socket = connect(Number(new URL(scene.url).port), "127.0.0.1", () => socket.write(said))
  let text = ""
  socket.setEncoding("utf8")
  socket.on("error", () => undefined)
  socket.on("data", (piece: string) => {
    text += piece
  })
  const until = async (part: string): Promise<void> => {
    while (!text.includes(part)) {
      if (socket.closed) throw new Error(`the connection is closed after ${text}`)
      await Promise.race([once(socket, "data"), once(socket, "close")])
    }
  }
  return { socket, text: () => text, until }
}

/** The bodies of chunked answers, in their order; fails where a chunk is not as long as it says. */
const bodies = (text: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  let rest = text
  while (rest !== "") {
    rest = rest.slice(rest.indexOf("\r\n\r\n") + 4)
    let body = ""
    for (;;) {
      const [size = ""] = rest.split("\r\n", 1)
      const bytes = Number.parseInt(size, 16)
      const chunk = Buffer.from(rest.slice(size.length + 2))
      body += chunk.subarray(0, bytes).toString()
      assert.strictEqual(chunk.subarray(bytes, bytes + 2).toString(), "\r\n")
      rest = chunk.subarray(bytes + 2).toString()
      if (bytes === 0) break
    }
    found.push(body)
  }
  return found
}

const frames = (body: string): ReadonlyArray<string> => [...body.matchAll(/^event: (.*)$/gm)].map(([, name]) => name!)

describe("an event stream over HTTP/1.1", () => {
  it.live("has the headers of every answer, whole chunks, and leaves the connection to the next request", () =>
    withScene(async (scene) => {
      const run = await scene.start(1)
      const path = `/api/v1/runs/${run}/events`
      const line = talk(scene, `GET ${path} HTTP/1.1\r\n${framing}\r\n\r\n`)
      await line.until("event: snapshot")
      await scene.send(run, 0)
      await line.until("\r\n0\r\n\r\n")
      assert.match(line.text(), /^HTTP\/1\.1 200 OK\r\n/)
      assert.match(line.text(), /\r\nx-content-type-options: nosniff\r\n/)
      assert.match(line.text(), /\r\ncontent-type: text\/event-stream; charset=utf-8\r\n/)
      const [body = ""] = bodies(line.text())
      assert.strictEqual(frames(body)[0], "snapshot")
      assert.strictEqual(frames(body).at(-1), "end")
      line.socket.write(`GET /health HTTP/1.1\r\n${framing}\r\n\r\n`)
      await line.until("\"status\":\"ok\"")
      line.socket.destroy()
    }))

  it.live("waits for its turn in a pipeline, and those behind it wait for its end", () =>
    withScene(async (scene) => {
      const run = await scene.start(1)
      const path = `/api/v1/runs/${run}/events`
      const one = (target: string) => `GET ${target} HTTP/1.1\r\n${framing}\r\n\r\n`
      const line = talk(scene, one(path) + one(`${path}?after=1`) + one(path))
      await line.until("event: snapshot")
      await scene.send(run, 0)
      await line.until("event: end")
      while (line.text().split("\r\n0\r\n\r\n").length < 4) await once(line.socket, "data")
      const [first = "", second = "", third = ""] = bodies(line.text())
      for (const body of [first, second, third]) {
        assert.strictEqual(frames(body).filter((name) => name === "end").length, 1)
      }
      assert.strictEqual(frames(first)[0], "snapshot")
      assert.match(second, /^retry: 2000\n\nid: 2\n/)
      line.socket.destroy()
    }))

  it.live("is one without chunks over HTTP/1.0, and none for HEAD", () =>
    withScene(async (scene) => {
      const run = await scene.start(1)
      const path = `/api/v1/runs/${run}/events`
      const old = talk(scene, `GET ${path} HTTP/1.0\r\n${framing}\r\n\r\n`)
      await old.until("event: snapshot")
      const head = talk(scene, `HEAD ${path} HTTP/1.1\r\n${framing}\r\nconnection: close\r\n\r\n`)
      await once(head.socket, "close")
      assert.match(head.text(), /^HTTP\/1\.1 200 OK\r\n[^]*text\/event-stream[^]*\r\n\r\n$/)
      await scene.send(run, 0)
      await once(old.socket, "close")
      assert.match(old.text(), /\r\n\r\nretry: 2000\n\nid: /)
      assert.match(old.text(), /event: end\ndata: .*\n\n$/)
    }))

  it.live("is forgotten when its peer goes away, whenever it does", () =>
    withScene(async (scene) => {
      const run = await scene.start(1)
      const streams = async () =>
        /^baton_event_streams\{transport="sse"\} (\d+)$/m.exec(await (await fetch(`${scene.url}/metrics`)).text())?.[1]
      const path = `/api/v1/runs/${run}/events`
      for (let n = 0; n < 20; n++) {
        const line = talk(scene, `GET ${path} HTTP/1.1\r\n${framing}\r\n\r\n`)
        await once(line.socket, "connect")
        if (n % 2 === 0) await line.until(n % 4 === 0 ? "HTTP/1.1 200" : "event: snapshot")
        if (n % 3 === 0) line.socket.resetAndDestroy()
        else line.socket.destroy()
      }
      while (await streams() !== "0") await Effect.runPromise(Effect.yieldNow)
      assert.strictEqual((await scene.call("GET", "/health")).body["status"], "ok")
    }))

  it.live("tells a reader of some types how far it has come, so that a browser stops coming back", () =>
    withScene(async (scene) => {
      const run = await scene.start(1)
      await scene.send(run, 0)
      const query = "types=orchestration.step.failed"
      const paths = [`/api/v1/runs/${run}/events?${query}`, `/api/v1/events?after=${run}:0&${query}`]
      for (const path of paths) {
        const stream = await scene.open(path.includes("after") ? path : `${path}&after=0`)
        await stream.ended
        const end = stream.seen.at(-1)
        assert.strictEqual(end?.event, "end")
        assert.strictEqual(end?.id, String(end?.data["seq"]))
        assert.strictEqual((await scene.open(path, { "last-event-id": end?.id ?? "" })).status, 204)
      }
    }))
})
