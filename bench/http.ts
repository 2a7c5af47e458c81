/**
 * How fast runs are accepted over HTTP: `POST /api/v1/runs` of a published flow, on SQLite with full durability, beside a
 * bare route of the same server; `keyed`: each request with an `Idempotency-Key` of its own. The servers are processes of
 * their own; this one sends, over 50 connections of loopback.
 *
 * Run by hand: `node bench/http.ts [seconds] [connections]`.
 */
import { type ChildProcess, fork } from "node:child_process"
import { randomUUID } from "node:crypto"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import { fileURLToPath } from "node:url"
import { Client } from "undici"
import * as Report from "./Report.ts"

const [seconds = 5, connections = 50] = process.argv.slice(2).map(Number)
const repeats = 3

const flow = { name: "hello", version: "1.0.0", nodes: { greet: { value: "hello ${ input.name }" } } }
const body = JSON.stringify({ flow: "hello@1.0.0", input: { name: "Ada" } })
const headers = { "content-type": "application/json" }

interface Measured {
  readonly requests: number
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
}

const send = async (client: Client, path: string, text: string, key?: string): Promise<number> => {
  const all = key === undefined ? headers : { ...headers, "idempotency-key": key }
  const { body: answer, statusCode } = await client.request({ path, method: "POST", headers: all, body: text })
  await answer.arrayBuffer()
  return statusCode
}

/** Each connection sends its next request when the last one has been answered. */
const load = async (url: string, forMs: number, isKeyed: boolean): Promise<Measured> => {
  const times: Array<number> = []
  const began = performance.now()
  const until = began + forMs
  await Promise.all(Array.from({ length: connections }, async () => {
    const client = new Client(url)
    while (performance.now() < until) {
      const start = performance.now()
      const status = await send(client, "/api/v1/runs", body, isKeyed ? randomUUID() : undefined)
      if (status !== 201) throw new Error(`answered ${status}`)
      times.push(performance.now() - start)
    }
    await client.close()
  }))
  const took = (performance.now() - began) / 1_000
  return {
    requests: times.length,
    perSecond: times.length / took,
    p50: Report.quantile(times, 0.5),
    p99: Report.quantile(times, 0.99)
  }
}

const cpuOf = async (child: ChildProcess): Promise<number> => {
  child.send("cpu")
  const [micros]: Array<number> = await once(child, "message")
  return micros ?? Number.NaN
}

const measure = async (mode: string): Promise<Measured & { readonly cpuMicros: number }> => {
  const data = mkdtempSync(join(tmpdir(), "baton-bench-"))
  const isKeyed = mode === "keyed"
  const served = isKeyed ? "accept" : mode
  const child = fork(fileURLToPath(new URL("HttpServed.ts", import.meta.url)), [served, data])
  try {
    const [url]: Array<string> = await once(child, "message")
    if (url === undefined) throw new Error("the server said nothing")
    if (mode !== "bare") {
      const client = new Client(url)
      const status = await send(client, "/api/v1/flows", JSON.stringify({ flow }))
      if (status !== 201) throw new Error(`publishing answered ${status}`)
      await client.close()
    }
    await load(url, 1_500, isKeyed)
    const before = await cpuOf(child)
    const measured = await load(url, seconds * 1_000, isKeyed)
    return { ...measured, cpuMicros: ((await cpuOf(child)) - before) / measured.requests }
  } finally {
    child.kill("SIGKILL")
    await once(child, "exit")
    rmSync(data, { recursive: true, force: true })
  }
}

const modes = ["bare", "accept", "keyed", "execute"]
const samples: Array<Report.Sample> = []
for (let round = 0; round < repeats; round++) {
  for (const mode of modes) {
    const { cpuMicros, p50, p99, perSecond } = await measure(mode)
    samples.push({
      workload: "POST /api/v1/runs",
      subject: mode,
      variant: String(connections),
      figures: { "per second": perSecond, "p50 ms": p50, "p99 ms": p99, "server CPU µs": cpuMicros }
    })
    process.stderr.write(
      `${mode}: ${Math.round(perSecond)}/s p50 ${p50.toFixed(1)} ms p99 ${p99.toFixed(1)} ms cpu ${
        cpuMicros.toFixed(0)
      } µs\n`
    )
  }
}
for (const { medians, spread, subject } of Report.summarize(samples)) {
  const figures = Object.entries(medians).map(([name, value]) => `${name} ${value.toFixed(1)}`).join(" · ")
  process.stdout.write(`${subject}: ${figures} (spread ${(spread * 100).toFixed(0)} %)\n`)
}
