/** A model and two shops on a loopback port, which write down what reached them, and processes that die around them. */
import type { Failpoint } from "@baton/engine/Failpoint"
import * as RunLoader from "@baton/engine/RunLoader"
import { RunStore } from "@baton/engine/RunStore"
import * as Compile from "@baton/kernel/Compile"
import type { Event } from "@baton/kernel/Event"
import { violations } from "@baton/kernel/Invariants"
import type { RunState } from "@baton/kernel/RunState"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Order } from "./AgentChild.ts"
import * as AgentWorkload from "./AgentWorkload.ts"

export interface Reached {
  /** Turns that were asked for, by number from 1. */
  readonly turns: ReadonlyArray<number>
  /** Keys of the calls that reached each shop. */
  readonly lookup: ReadonlyArray<string>
  readonly charge: ReadonlyArray<string>
}

export interface Scene {
  readonly reached: Reached
  /** Runs one process; true when it ended by itself. */
  readonly live: (kill?: { readonly point: Failpoint; readonly n: number }) => Promise<boolean>
  readonly journal: () => Promise<{ readonly state: RunState; readonly events: ReadonlyArray<Event> }>
}

const child = fileURLToPath(new URL("./AgentChild.ts", import.meta.url))
/** A process that takes longer hangs. */
const lifeMsMax = 30_000

const chunksOf = (message: object, reason: string): ReadonlyArray<string> => {
  const chunk = (choices: ReadonlyArray<object>, usage?: object) =>
    `data: ${JSON.stringify({ id: "c", object: "chat.completion.chunk", created: 1, model: "m", choices, usage })}\n\n`
  return [
    chunk([{ index: 0, delta: numbered(message), finish_reason: null }]),
    chunk([{ index: 0, delta: {}, finish_reason: reason }]),
    chunk([], { prompt_tokens: 100, completion_tokens: 10, total_tokens: 110 }),
    "data: [DONE]\n\n"
  ]
}

/** Streams number the calls of a turn. */
const numbered = (message: object): object =>
  "tool_calls" in message && Array.isArray(message.tool_calls)
    ? { ...message, tool_calls: message.tool_calls.map((call: object, index) => ({ index, ...call })) }
    : message

const serve = (reached: { turns: Array<number>; lookup: Array<string>; charge: Array<string> }): Server =>
  createServer((request, response) => {
    const pieces: Array<Buffer> = []
    request.on("data", (piece: Buffer) => pieces.push(piece))
    request.on("end", () => {
      const shop = request.url === "/lookup" ? "lookup" : request.url === "/charge" ? "charge" : undefined
      if (shop !== undefined) {
        reached[shop].push(String(request.headers["idempotency-key"]))
        response.setHeader("content-type", "application/json")
        return response.end(JSON.stringify(shop === "lookup" ? { price: 7 } : { receipt: "r-1" }))
      }
      const body: { messages: ReadonlyArray<{ role: string }> } = JSON.parse(Buffer.concat(pieces).toString())
      const turn = body.messages.filter(({ role }) => role === "assistant").length + 1
      reached.turns.push(turn)
      response.setHeader("content-type", "text/event-stream")
      const message = AgentWorkload.turns[turn - 1] ?? {}
      for (const chunk of chunksOf(message, "tool_calls" in message ? "tool_calls" : "stop")) response.write(chunk)
      return response.end()
    })
  })

const live = (order: Order): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const env = { ...process.env, BATON_MODEL: `${order.origin}/v1#m` }
    const started = spawn(process.execPath, [child, JSON.stringify(order)], { env, stdio: ["ignore", "pipe", "pipe"] })
    const said: Array<string> = []
    for (const stream of [started.stdout, started.stderr]) stream.on("data", (data: Buffer) => said.push(String(data)))
    const guard = setTimeout(() => {
      started.kill("SIGKILL")
      reject(new Error(`the process hangs: ${said.join("").slice(0, 1_000)}`))
    }, lifeMsMax)
    started.on("exit", (code, signal) => {
      clearTimeout(guard)
      if (signal === "SIGKILL") resolve(false)
      else if (code === 0) resolve(true)
      else reject(new Error(`the process failed: ${said.join("").slice(0, 2_000)}`))
    })
  })

const journal = (data: string) =>
  Effect.gen(function*() {
    const store = yield* RunStore
    const { run, tenant } = AgentWorkload
    const plan = Result.getOrThrow(Compile.compile(AgentWorkload.flow))
    const loaded = yield* RunLoader.load(store, plan, tenant, run)
    if (loaded === undefined) throw new Error("the run is not there")
    const events: Array<Event> = []
    for (const record of yield* store.records(tenant, run, 0, 10_000)) events.push(...yield* RunLoader.events(record))
    const wrong = violations(loaded.state)
    if (wrong.length > 0) throw new Error(wrong.join("\n"))
    return { state: loaded.state, events }
  }).pipe(Effect.provide(SqliteStore.layer({ data })), Effect.runPromise)

export const play = async (test: (scene: Scene) => Promise<void>): Promise<void> => {
  const folder = mkdtempSync(join(tmpdir(), "baton-agent-"))
  const data = join(folder, "data")
  const reached = { turns: [], lookup: [], charge: [] }
  const server = serve(reached).listen(0, "127.0.0.1")
  await once(server, "listening")
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  try {
    await test({
      reached,
      live: (kill) => live({ data, origin, ...(kill === undefined ? {} : { kill }) }),
      journal: () => journal(data)
    })
  } finally {
    server.closeAllConnections()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
