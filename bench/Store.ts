/**
 * What a commit costs, beside the floor: one minimal row per record, written by bare grouped transactions of node:sqlite
 * with the same durability. Records of 300 bytes, 50 per commit, one of each of 50 runs; CPU is user + system. A run of 7
 * records spends two of them on what lists show (created, ended), a run of 50 two in fifty.
 *
 *   node bench/Store.ts [records] [folder]
 */
import type { Commit, RunSummary } from "@baton/engine/RunStore"
import { RunStore } from "@baton/engine/RunStore"
import { Sessions } from "@baton/engine/Sessions"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"

const records = Number(process.argv[2] ?? 100_000)
const parent = process.argv[3] ?? tmpdir()
const perCommit = 50
const payload = Buffer.alloc(300, "x")

const summary: RunSummary = {
  flow: "bench",
  version: "1.0.0",
  flowHash: "sha256:" + "0".repeat(64),
  status: "running",
  paused: false,
  code: undefined,
  reason: undefined,
  semantics: 1,
  createdAt: 1,
  endedAt: undefined,
  tags: {}
}
const ended: RunSummary = { ...summary, status: "succeeded", endedAt: 2 }

interface Cost {
  readonly cpu: number
  readonly wall: number
}

const meter = () => {
  const cpu = process.cpuUsage()
  const started = performance.now()
  return (): Cost => {
    const { system, user } = process.cpuUsage(cpu)
    return { cpu: (system + user) / records, wall: (performance.now() - started) * 1000 / records }
  }
}

const floor = (folder: string): Cost => {
  const db = new DatabaseSync(join(folder, "floor.db"))
  db.exec("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE record (no INTEGER PRIMARY KEY, bytes BLOB)")
  const [begin, insert, commit] = ["BEGIN IMMEDIATE", "INSERT INTO record (bytes) VALUES (?)", "COMMIT"]
    .map((sql) => db.prepare(sql))
  const cost = meter()
  for (let done = 0; done < records; done += perCommit) {
    begin?.run()
    for (let i = 0; i < perCommit; i++) insert?.run(payload)
    commit?.run()
  }
  const result = cost()
  db.close()
  return result
}

interface Lane {
  run: string
  head: number
  hash: Uint8Array
}

const nextCommit = (lane: Lane, perRun: number, owner: string, name: () => string): Commit => {
  if (lane.head === perRun) Object.assign(lane, { run: name(), head: 0, hash: new Uint8Array() })
  const change = lane.head === 0 ? { summary } : lane.head === perRun - 1 ? { summary: ended } : {}
  return {
    tenant: "bench",
    run: lane.run,
    expected: lane.head,
    previous: lane.hash,
    owner,
    n: 1,
    bytes: payload,
    at: 1,
    ...change
  }
}

const commits = (data: string, mode: "inline" | "thread", perRun: number) =>
  Effect.gen(function*() {
    const store = yield* RunStore
    const { id } = yield* Sessions
    let runs = 0
    const name = () => `01890a5d-ac96-774b-bcce-${String(runs++).padStart(12, "0")}`
    const lanes = Array.from({ length: perCommit }, (): Lane => ({ run: name(), head: 0, hash: new Uint8Array() }))
    const cost = meter()
    for (let done = 0; done < records; done += perCommit) {
      const [first, ...rest] = lanes.map((lane) => nextCommit(lane, perRun, id, name))
      if (first === undefined) break
      const outcomes = yield* store.commit([first, ...rest])
      for (const [i, outcome] of outcomes.entries()) {
        if (!outcome.ok) return yield* Effect.die(outcome)
        Object.assign(lanes[i] ?? {}, { head: outcome.head, hash: outcome.hash })
      }
    }
    const spent = cost()
    const polled = performance.now()
    const sessions = yield* Sessions
    for (let i = 0; i < 10_000; i++) yield* sessions.taken(10)
    return { ...spent, taken: (performance.now() - polled) / 10 }
  }).pipe(Effect.provide(SqliteStore.layer({ data, commits: mode })))

const folder = mkdtempSync(join(parent, "baton-bench-"))
const line = (what: string, { cpu, wall }: Cost, more = "") =>
  process.stdout.write(`${what.padEnd(28)} ${cpu.toFixed(2)} µs CPU/record  ${wall.toFixed(2)} µs wall/record${more}\n`)
for (let round = 1; round <= 3; round++) {
  const data = join(folder, String(round))
  for (const mode of ["inline", "thread"] as const) {
    for (const perRun of [7, 50]) {
      const cost = await Effect.runPromise(commits(join(data, mode, String(perRun)), mode, perRun))
      line(`commit, ${mode}, runs of ${perRun}`, cost, `  (taken, nothing there: ${cost.taken.toFixed(2)} µs)`)
    }
  }
  line("floor", floor(data))
}
rmSync(folder, { recursive: true })
