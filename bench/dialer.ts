/**
 * What the checks of the dialer cost: requests per second against a server on loopback, through the dialer and through
 * undici alone. Run by hand: `node bench/dialer.ts [seconds] [concurrency]`. The server is a process of its own.
 */
import { HttpDialer } from "@baton/engine/HttpDialer"
import * as NetPolicy from "@baton/net/NetPolicy"
import * as UndiciDialer from "@baton/net/UndiciDialer"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { fork } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { performance } from "node:perf_hooks"
import { fileURLToPath } from "node:url"
import { Pool } from "undici"

const body = JSON.stringify({ answer: "x".repeat(1000) })

const serve = () => {
  const server = createServer({ keepAliveTimeout: 60_000 }, (_, response) => {
    response.writeHead(200, { "content-type": "application/json", "content-length": body.length }).end(body)
  })
  server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port))
  process.on("disconnect", () => process.exit())
}

/** Calls per second, and processor time per call in microseconds, which a busy machine distorts less. */
const measure = async (seconds: number, concurrency: number, call: () => Promise<unknown>) => {
  let calls = 0
  const cpu = process.cpuUsage()
  const startedAt = performance.now()
  const endAt = startedAt + seconds * 1000
  await Promise.all(Array.from({ length: concurrency }, async () => {
    while (performance.now() < endAt) {
      await call()
      calls++
    }
  }))
  const { system, user } = process.cpuUsage(cpu)
  const perSecond = Math.round(calls / ((performance.now() - startedAt) / 1000))
  return `${perSecond} requests/s, ${Math.round((system + user) / calls)} µs of processor each`
}

const main = Effect.gen(function*() {
  const [seconds = 3, concurrency = 32] = process.argv.slice(2).map(Number)
  const child = yield* Effect.acquireRelease(
    Effect.sync(() => fork(fileURLToPath(import.meta.url), ["serve"])),
    (child) => Effect.sync(() => child.kill())
  )
  const [port] = yield* Effect.promise(() => once(child, "message"))
  const origin = `http://127.0.0.1:${port}`
  const pool = yield* Effect.acquireRelease(
    Effect.sync(() => new Pool(origin, { connections: 64, allowH2: false })),
    (pool) => Effect.promise(() => pool.destroy())
  )
  const plain = async () => (await pool.request({ path: "/", method: "GET" })).body.arrayBuffer()
  const policy = Layer.succeed(NetPolicy.NetPolicy, {
    ...NetPolicy.strict,
    allow: [`127.0.0.1:${port}`, `localhost:${port}`]
  })
  yield* Effect.gen(function*() {
    const dialer = yield* HttpDialer
    const run = Effect.runPromiseWith(yield* Effect.context())
    const dialed = (url: string) => () => run(dialer.request({ method: "GET", url }))
    for (const round of ["warm-up", "measured"]) {
      for (
        const [name, call] of [
          ["undici alone", plain],
          ["dialer, address in the URL", dialed(origin)],
          ["dialer, name looked up each time", dialed(`http://localhost:${port}`)]
        ] as const
      ) {
        const rate = yield* Effect.promise(() => measure(round === "warm-up" ? 1 : seconds, concurrency, call))
        if (round === "measured") yield* Console.log(`${name}: ${rate}`)
      }
    }
  }).pipe(Effect.provide(UndiciDialer.layer.pipe(Layer.provide(policy))))
})

if (process.argv[2] === "serve") serve()
else await Effect.runPromise(Effect.scoped(main))
