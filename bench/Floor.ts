/**
 * The least that the engine's durability can cost: one record per step, one at the start and one at the end, written by
 * prepared statements of `node:sqlite` with `synchronous = FULL`. Records that arrive while a commit runs share the next
 * one. No events, no schema, no decisions, no recovery.
 */
import { DatabaseSync } from "node:sqlite"
import { payload } from "./Flows.ts"

interface Waiting {
  readonly run: number
  readonly seq: number
  readonly bytes: Uint8Array
  readonly resolve: () => void
}

export interface Floor {
  /** Resolves when the record would survive a loss of power. */
  readonly append: (run: number, seq: number, bytes: Uint8Array) => Promise<void>
  readonly records: () => number
  readonly close: () => void
}

export const open = (file: string): Floor => {
  const database = new DatabaseSync(file)
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
  database.exec(
    "CREATE TABLE record (run INTEGER, seq INTEGER, bytes BLOB NOT NULL, PRIMARY KEY (run, seq)) WITHOUT ROWID, STRICT"
  )
  const begin = database.prepare("BEGIN IMMEDIATE")
  const insert = database.prepare("INSERT INTO record (run, seq, bytes) VALUES (?, ?, ?)")
  const commit = database.prepare("COMMIT")
  let queue: Array<Waiting> = []
  let isScheduled = false

  const flush = () => {
    const batch = queue
    queue = []
    begin.run()
    for (const { bytes, run, seq } of batch) insert.run(run, seq, bytes)
    commit.run()
    isScheduled = false
    for (const { resolve } of batch) resolve()
  }
  return {
    append: (run, seq, bytes) =>
      new Promise((resolve) => {
        queue.push({ run, seq, bytes, resolve })
        if (isScheduled) return
        isScheduled = true
        setImmediate(flush)
      }),
    records: () => Number(database.prepare("SELECT count(*) AS n FROM record").get()?.["n"]),
    close: () => database.close()
  }
}

/** What a step leaves behind: its address and about 200 bytes of output. */
const bytes = new TextEncoder().encode(JSON.stringify([{ type: "StepSucceeded", path: "s0", output: { v: payload } }]))

export interface Runs {
  /** Steps one after the other. */
  readonly chain: (steps: number) => { readonly durable: Promise<void>; readonly finished: Promise<void> }
  /** Steps all at once, and one that waits for them. */
  readonly fanOut: (steps: number) => { readonly durable: Promise<void>; readonly finished: Promise<void> }
}

export const runs = (floor: Floor): Runs => {
  let count = 0
  return {
    chain: (steps) => {
      const run = count++
      const durable = floor.append(run, 0, bytes)
      const finish = async () => {
        await durable
        for (let seq = 1; seq <= steps; seq++) await floor.append(run, seq, bytes)
        await floor.append(run, steps + 1, bytes)
      }
      return { durable, finished: finish() }
    },
    fanOut: (steps) => {
      const run = count++
      const durable = floor.append(run, 0, bytes)
      const finish = async () => {
        await durable
        await Promise.all(Array.from({ length: steps }, (_, index) => floor.append(run, index + 1, bytes)))
        await floor.append(run, steps + 1, bytes)
        await floor.append(run, steps + 2, bytes)
      }
      return { durable, finished: finish() }
    }
  }
}
