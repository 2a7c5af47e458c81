/**
 * Whether the API answers others while connections are slow or idle. The server is a process of its own, so is the crowd:
 * half of its connections send a header now and then, a quarter a body, a quarter nothing; whoever is closed comes back.
 * Run by hand: `node bench/slow.ts [connections] [seconds] [requests a second]`. Prints one JSON line a part.
 */
import { type ChildProcess, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { Agent, request } from "node:http"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"

const self = fileURLToPath(import.meta.url)
const bin = fileURLToPath(new URL("../packages/cli/bin/baton.mjs", import.meta.url))
const [connections = 2_000, seconds = 20, perSecond = 50] = process.argv.slice(2).map(Number)

const beginnings = [
  "GET /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\n",
  "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n",
  "POST /api/v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n",
  ""
]

/** Milliseconds between two bytes of a slow connection. */
const dripMs = 500

const crowd = (port: number): void => {
  let open = 0
  let closed = 0
  const one = (index: number): void => {
    const beginning = beginnings[index % beginnings.length] ?? ""
    const socket = connect(port, "127.0.0.1", () => {
      open++
      if (beginning === "") return
      socket.write(beginning)
      const drip = setInterval(() => socket.write(beginning.startsWith("GET") ? "X-A: b\r\n" : "a"), dripMs)
      socket.once("close", () => clearInterval(drip))
    })
    socket.resume().on("error", () => undefined).once("close", () => {
      open--
      closed++
      setTimeout(one, 100, index)
    })
  }
  for (let index = 0; index < connections; index++) setTimeout(one, index / 2, index)
  setInterval(() => process.send?.({ open, closed }), 200)
  process.on("disconnect", () => process.exit())
}

interface Answers {
  readonly times: ReadonlyArray<number>
  readonly errors: number
}

const answers = async (port: number): Promise<Answers> => {
  const agent = new Agent({ keepAlive: true })
  const times: Array<number> = []
  let errors = 0
  const ask = (): Promise<void> =>
    new Promise((resolve) => {
      const startedAt = performance.now()
      const failed = () => {
        errors++
        resolve()
      }
      request({ port, host: "127.0.0.1", path: "/api/v1/runs", agent }, (response) => {
        response.resume().once("end", () => {
          if (response.statusCode === 200) times.push(performance.now() - startedAt)
          else errors++
          resolve()
        })
      }).on("error", failed).end()
    })
  const asked: Array<Promise<void>> = []
  // At fixed times, so that a late answer does not excuse the ones after it.
  const startedAt = performance.now()
  for (let index = 0; index < seconds * perSecond; index++) {
    const wait = startedAt + (index * 1_000) / perSecond - performance.now()
    if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
    asked.push(ask())
  }
  await Promise.all(asked)
  agent.destroy()
  return { times: times.toSorted((a, b) => a - b), errors }
}

const report = (part: string, { errors, times }: Answers, more: object = {}): void => {
  const at = (share: number) => Math.round((times[Math.floor(share * (times.length - 1))] ?? Number.NaN) * 10) / 10
  console.log(
    JSON.stringify({ part, answers: times.length, errors, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: at(1), ...more })
  )
}

const serverOn = async (data: string): Promise<{ readonly child: ChildProcess; readonly port: number }> => {
  const child = spawn(process.execPath, [bin, "dev", "--port", "0", "--data", data, "--json"], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /"url": ?"([^"]+)"/.exec(line)?.[1]
    if (url !== undefined) return { child, port: Number(new URL(url).port) }
  }
  throw new Error("the server has not started")
}

const main = async (): Promise<void> => {
  const data = mkdtempSync(join(tmpdir(), "baton-slow-"))
  const { child, port } = await serverOn(data)
  report("alone", await answers(port))
  const slow = fork(self, [String(connections), String(seconds), String(perSecond)], {
    env: { ...process.env, CROWD: String(port) }
  })
  let now = { open: 0, closed: 0 }
  slow.on("message", (message) => (now = message as typeof now))
  while (now.open < connections * 0.95) await once(slow, "message")
  report("beside slow connections", await answers(port), now)
  slow.disconnect()
  child.kill("SIGTERM")
  await once(child, "exit")
  rmSync(data, { recursive: true, force: true })
}

const crowded = process.env["CROWD"]
if (crowded === undefined) await main()
else crowd(Number(crowded))
