/**
 * Live streams under load. Server, readers and whoever moves the runs are processes of their own, on loopback. Run by hand:
 *
 *   node bench/live.ts latency [readers] [runs] [events/s] [seconds]   commit to a reader's event; target p99 50 ms at 1,000
 *   node bench/live.ts slow [readers] [stalled] [events/s] [seconds]   the same beside readers that take nothing
 *   node bench/live.ts idle [readers] [runs]                           memory of a server with 10,000; target 1 GiB
 *   node bench/live.ts cuts [cuts]                                     one reader cut at random; every event exactly once
 *
 * `idle` needs two file descriptors a reader in all: `ulimit -n 20000`. An event's time is that of the decision, before its
 * commit: what is told includes the commit itself, and the clock's grain of 1 ms.
 */
import { fork, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, readFileSync, rmSync } from "node:fs"
import { connect } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Told } from "./LiveClients.ts"

const program = fileURLToPath(new URL("../packages/cli/bin/baton.mjs", import.meta.url))
const clients = fileURLToPath(new URL("LiveClients.ts", import.meta.url))
const flow = JSON.stringify({ name: "held", version: "1.0.0", nodes: { held: { wait: { event: "never" } } } })

const say = (text: string) => process.stdout.write(`${text}\n`)

const wait = (ms: number) => new Promise((done) => setTimeout(done, ms))

const server = async (data: string) => {
  const child = spawn(process.execPath, [program, "dev", "--port", "0", "--data", data], {
    stdio: ["ignore", "pipe", "inherit"]
  })
  const [line] = await once(child.stdout, "data")
  const url = /http:\S+/.exec(String(line))?.[0]
  if (url === undefined) throw new Error(String(line))
  const status = () => readFileSync(`/proc/${child.pid}/status`, "utf8")
  /** Of the processor, in all its threads. */
  const cpuMs = () => {
    const [user, system] = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]!.split(" ").slice(11, 13)
    return (Number(user) + Number(system)) * 10
  }
  return {
    child,
    cpuMs,
    url,
    port: Number(new URL(url).port),
    rssMib: () => Number(/VmRSS:\s+(\d+)/.exec(status())?.[1]) / 1024
  }
}

type Server = Awaited<ReturnType<typeof server>>

const post = async (server: Server, path: string, body: unknown): Promise<{ readonly id: string } | undefined> => {
  const response = await fetch(server.url + path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body)
  })
  // A server that is late with its work refuses more of it.
  if (response.status === 503) {
    await wait(500)
    return post(server, path, body)
  }
  if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
  return response.status === 204 ? undefined : await response.json() as { readonly id: string }
}

const runsOf = async (one: Server, count: number): Promise<ReadonlyArray<string>> => {
  const runs: Array<string> = []
  while (runs.length < count) {
    runs.push((await post(one, "/api/v1/runs", { flow: { text: flow, file: "flow.json" } }))!.id)
  }
  return runs
}

const readers = async (one: Server, paths: ReadonlyArray<string>, stalled = 0) => {
  const child = fork(clients, [], { stdio: "inherit" })
  child.send({ port: one.port, paths, stalled })
  await once(child, "message")
  return {
    child,
    begin: () => child.send("begin"),
    end: async () => {
      child.send("end")
      const [told] = await once(child, "message") as [Told & { kind: "seen" }]
      return told
    }
  }
}

/** Moves the runs in turn, at a steady pace; answers how long each request took, which is until its commit. */
const move = async (one: Server, runs: ReadonlyArray<string>, perSecond: number, seconds: number) => {
  const from = performance.now()
  const tookMs: Array<number> = []
  for (let n = 0; n < perSecond * seconds; n++) {
    await wait(Math.max(0, from + n * 1000 / perSecond - performance.now()))
    const asked = performance.now()
    await post(one, `/api/v1/runs/${runs[n % runs.length]}/send`, { name: "tick", data: n })
    tookMs.push(Math.round(performance.now() - asked))
  }
  return tookMs
}

const pathOf = (run: string) => `/api/v1/runs/${run}/events`

const told = (lateMs: ReadonlyArray<number>): string => {
  const sorted = [...lateMs].sort((a, b) => a - b)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]
  return `p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${sorted.at(-1)} ms of ${sorted.length} deliveries`
}

/**
 * Readers in a process of their own, the last that the server tells: it has told everybody else before. What the others are
 * later than these is the work of the process that plays a thousand readers, not of the server.
 */
const witnesses = 20

const latency = async (
  one: Server,
  count: number,
  runCount: number,
  perSecond: number,
  seconds: number,
  stalled = 0
) => {
  const runs = await runsOf(one, runCount)
  const paths = Array.from({ length: count + stalled }, (_, index) => pathOf(runs[index % runs.length]!))
  const group = await readers(one, paths, stalled)
  const last = await readers(one, Array.from({ length: witnesses }, (_, index) => pathOf(runs[index % runs.length]!)))
  await move(one, runs, perSecond, 2)
  await wait(500)
  group.begin()
  last.begin()
  const cpu = one.cpuMs()
  const tookMs = await move(one, runs, perSecond, seconds)
  await wait(1000)
  const seen = await group.end()
  const witnessed = await last.end()
  last.child.disconnect()
  say(`${count} readers of ${runCount} runs, ${stalled} that take nothing, ${perSecond} events/s: ${told(seen.lateMs)}`)
  say(`${witnesses} readers beside them, told last: ${told(witnessed.lateMs)}`)
  const each = Math.round((one.cpuMs() - cpu) * 1000 / Math.max(1, seen.lateMs.length))
  say(`the requests that moved them: ${told(tookMs)}; server: ${Math.round(one.rssMib())} MiB, ${each} µs a delivery`)
  group.child.disconnect()
}

const idle = async (one: Server, count: number, runCount: number) => {
  const runs = await runsOf(one, runCount)
  const before = one.rssMib()
  const group = await readers(one, Array.from({ length: count }, (_, index) => pathOf(runs[index % runs.length]!)))
  say(`${count} readers of ${runCount} runs connected: ${Math.round(one.rssMib())} MiB (${Math.round(before)} before)`)
  await wait(20_000)
  group.begin()
  await move(one, runs, 10, 3)
  await wait(1000)
  const seen = await group.end()
  say(
    `after 20 s of keep-alives and 30 events: ${Math.round(one.rssMib())} MiB, ${seen.closed} closed, ${
      told(seen.lateMs)
    }`
  )
  group.child.disconnect()
}

/** Reads until so many bytes have come, then is gone in the middle of whatever it is. */
const cutAfter = (one: Server, path: string, bytes: number): Promise<string> =>
  new Promise((done, failed) => {
    const socket = connect(one.port, "127.0.0.1", () =>
      socket.write(`GET ${path} HTTP/1.0\r\nHost: 127.0.0.1:${one.port}\r\nAccept: text/event-stream\r\n\r\n`))
    let text = ""
    socket.setEncoding("latin1")
    socket.on("error", failed)
    socket.on("close", () =>
      done(text.slice(0, bytes)))
    socket.on("data", (chunk: string) => {
      text += chunk
      if (text.length >= bytes) {
        socket.destroy()
      }
    })
  })

const cuts = async (one: Server, count: number) => {
  const [run] = await runsOf(one, 1)
  let isMoving = true
  const moving = (async () => {
    for (let n = 0; isMoving; n++) {
      await post(one, `/api/v1/runs/${run}/${n % 2 === 0 ? "pause" : "resume"}`, {})
      await wait(2)
    }
    await post(one, `/api/v1/runs/${run}/cancel`, {})
  })()
  const seen: Array<number> = []
  const read = async (bytes: number) => {
    const text = await cutAfter(one, `${pathOf(run!)}?after=${seen.at(-1) ?? 0}`, bytes)
    const whole = text.slice(text.indexOf("\r\n\r\n") + 4, text.lastIndexOf("\n\n") + 2)
    for (const [, seq] of whole.matchAll(/^id: (\d+)$/gm)) seen.push(Number(seq))
  }
  for (let n = 0; n < count; n++) await read(200 + Math.floor(Math.random() * 3000))
  isMoving = false
  await moving
  await read(Infinity)
  const document = await (await fetch(`${one.url}/api/v1/runs/${run}`)).json() as { readonly seq: number }
  const isExact = seen.length === document.seq && seen.every((seq, index) => seq === index + 1)
  say(
    `${count} cuts: ${seen.length} events seen of ${document.seq}, ${isExact ? "each exactly once, in order" : "WRONG"}`
  )
  if (!isExact) process.exitCode = 1
}

const [what = "latency", ...rest] = process.argv.slice(2)
const given = rest.map(Number)
const data = mkdtempSync(join(tmpdir(), "baton-live-bench-"))
const one = await server(data)
try {
  if (what === "idle") await idle(one, given[0] ?? 10_000, given[1] ?? 100)
  else if (what === "cuts") await cuts(one, given[0] ?? 1000)
  else if (what === "slow") await latency(one, given[0] ?? 100, 1, given[2] ?? 20, given[3] ?? 20, given[1] ?? 200)
  else await latency(one, given[0] ?? 1000, given[1] ?? 100, given[2] ?? 20, given[3] ?? 20)
} finally {
  one.child.kill()
  await once(one.child, "close")
  rmSync(data, { recursive: true, force: true })
}
