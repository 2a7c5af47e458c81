/**
 * Webhooks: how many deliveries a second one store makes, how long an event takes from its commit to the receiver, and what
 * starting runs costs with and without a webhook. The receiver is a process of its own on loopback; it answers at once.
 *
 * Run by hand: `node bench/webhooks.ts [runs]`.
 */
import { Client } from "@baton/contract/Client"
import { WebhooksClient } from "@baton/contract/WebhooksClient"
import * as Local from "@baton/server/Local"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"

const flow = "name: two\nnodes:\n  one: { value: 1 }\n  two: { needs: [one], value: 2 }\n"

/** Tells its port; then, of every delivery, the event's age in milliseconds, and `end` for the last event of a run. */
const receiver = `
const server = require("node:http").createServer((request, response) => {
  let body = ""
  request.on("data", (chunk) => (body += chunk))
  request.on("end", () => {
    const { time, type } = JSON.parse(body)
    process.send({ age: Date.now() - Date.parse(time), end: type === "orchestration.run.completed" })
    response.writeHead(204).end()
  })
})
server.listen(0, "127.0.0.1", () => process.send({ port: server.address().port }))
`

interface Told {
  readonly ages: Array<number>
  readonly all: Promise<void>
}

const listen = (child: ChildProcess, runs: number): Told => {
  const ages: Array<number> = []
  let ended = 0
  const all = new Promise<void>((resolve) => {
    child.on("message", ({ age, end }: { readonly age: number; readonly end: boolean }) => {
      ages.push(age)
      if (end && ++ended === runs) resolve()
    })
  })
  return { ages, all }
}

const startAll = (runs: number) =>
  Effect.gen(function*() {
    const client = yield* Client
    const start = client.start({ flow: { text: flow, file: "flow.yaml" }, input: {} })
    const before = performance.now()
    yield* Effect.forEach(Array.from({ length: runs }), () => start, { concurrency: 50, discard: true })
    return runs / ((performance.now() - before) / 1_000)
  })

/** Every run is over. */
const rest: Effect.Effect<void, unknown, Client> = Effect.gen(function*() {
  const client = yield* Client
  const open = yield* client.list({ status: ["pending", "running", "waiting"], limit: 1 })
  if (open.length > 0) yield* Effect.andThen(Effect.sleep(20), rest)
})

const main = Effect.gen(function*() {
  const [runs = 500] = process.argv.slice(2).map(Number)
  const data = mkdtempSync(join(tmpdir(), "baton-bench-"))
  const child = spawn(process.execPath, ["-e", receiver], { stdio: ["ignore", "inherit", "inherit", "ipc"] })
  const [{ port }] = yield* Effect.promise(() => once(child, "message"))
  const env = { BATON_NET_ALLOW: `127.0.0.1:${port}` }
  const baton = Local.layer({ data, handlers: undefined, adopt: false, outputRoot: join(data, "output") }).pipe(
    Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))
  )
  yield* Effect.gen(function*() {
    yield* startAll(runs)
    yield* rest
    const without = yield* startAll(runs)
    yield* rest
    const { add } = yield* WebhooksClient
    yield* add({ url: `http://127.0.0.1:${port}/` })
    const { ages, all } = listen(child, runs)
    const before = performance.now()
    const withOne = yield* startAll(runs)
    yield* Effect.promise(() => all)
    const seconds = (performance.now() - before) / 1_000
    yield* Console.log(`starts: ${Math.round(without)}/s without a webhook, ${Math.round(withOne)}/s with one`)
    yield* Console.log(`deliveries: ${Math.round(ages.length / seconds)}/s, ${ages.length} in all`)
    const idle = listen(child, 50)
    for (let n = 0; n < 50; n++) {
      yield* startAll(1)
      yield* Effect.sleep(100)
    }
    yield* Effect.promise(() => idle.all)
    idle.ages.sort((a, b) => a - b)
    const at = (share: number) => idle.ages[Math.floor(idle.ages.length * share)]
    yield* Console.log(`from commit to receiver, nothing else to do: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`)
  }).pipe(Effect.provide(baton))
  child.kill()
  rmSync(data, { recursive: true, force: true })
})

Effect.runPromise(main)
