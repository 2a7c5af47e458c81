/** One life of some runs: processes that are killed one after the other, a last one that finishes, and what was found. */
import type { Failpoint } from "@baton/engine/Failpoint"
import { failpoints } from "@baton/engine/Failpoint"
import { FlowStore } from "@baton/engine/FlowStore"
import * as RunLoader from "@baton/engine/RunLoader"
import { RunStore } from "@baton/engine/RunStore"
import * as Compile from "@baton/kernel/Compile"
import type { Event } from "@baton/kernel/Event"
import { violations } from "@baton/kernel/Invariants"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import type { Order } from "./Child.ts"
import { flow, output, tenant } from "./Workload.ts"

/** How a process ends: at the n-th time it reaches a place, or after some milliseconds. */
export type Kill = { readonly point: Failpoint; readonly n: number } | { readonly afterMs: number }

export interface Found {
  readonly complaints: ReadonlyArray<string>
  readonly reached: ReadonlySet<string>
  /** Processes that really died. */
  readonly deaths: number
}

/** A process that takes longer hangs. */
const lifeMsMax = 30_000

const child = fileURLToPath(new URL("./Child.ts", import.meta.url))

/** True when the process ended by itself. */
const live = (order: Order, afterMs: number | undefined): Promise<boolean> =>
  new Promise((resolve, reject) => {
    const process_ = spawn(process.execPath, [child, JSON.stringify(order)], { stdio: ["ignore", "ignore", "pipe"] })
    const said: Array<string> = []
    process_.stderr.on("data", (data: Buffer) => said.push(String(data)))
    const killer = afterMs === undefined ? undefined : setTimeout(() => process_.kill("SIGKILL"), afterMs)
    const guard = setTimeout(() => {
      process_.kill("SIGKILL")
      reject(new Error(`the process hangs: ${said.join("").slice(0, 500)}`))
    }, lifeMsMax)
    process_.on("exit", (code, signal) => {
      clearTimeout(killer)
      clearTimeout(guard)
      if (signal === "SIGKILL") resolve(false)
      else if (code === 0) resolve(true)
      else reject(new Error(`the process failed: ${said.join("").slice(0, 1_000)}`))
    })
  })

type Line = ReadonlyArray<string>

const linesOf = (log: string): ReadonlyArray<Line> =>
  existsSync(log)
    ? readFileSync(log, "utf8").split("\n").filter((line) => line !== "").map((line) => line.split(" "))
    : []

interface Journal {
  readonly events: ReadonlyArray<Event>
  readonly complaints: ReadonlyArray<string>
}

const journalOf = (data: string, run: string): Promise<Journal> =>
  Effect.runPromise(
    Effect.gen(function*() {
      const store = yield* RunStore
      const row = yield* store.find(tenant, run)
      if (row === undefined) return { events: [], complaints: [`${run} is not there`] }
      yield* Effect.flatMap(FlowStore, (flows) => flows.frozen(tenant, row.flowHash))
      // Verifies the chain and that sequences are dense.
      const loaded = yield* RunLoader.load(store, Result.getOrThrow(Compile.compile(flow)), tenant, run)
      const events: Array<Event> = []
      for (const record of yield* store.records(tenant, run, 0, 10_000)) events.push(...yield* RunLoader.events(record))
      const state = loaded?.state
      const complaints = state === undefined ? [`${run} cannot be folded`] : [...violations(state)]
      if (state?.finished?.status !== "succeeded") complaints.push(`${run} ended ${state?.finished?.message}`)
      if (JSON.stringify(state?.finished?.output) !== JSON.stringify({ v: output })) {
        complaints.push(`${run} gave ${JSON.stringify(state?.finished?.output)}`)
      }
      return { events, complaints }
    }).pipe(Effect.provide(SqliteStore.layer({ data })))
  )

/** What the journal counts, against what the processes did. */
const compare = (run: string, { complaints, events }: Journal, lines: ReadonlyArray<Line>): ReadonlyArray<string> => {
  const found = [...complaints]
  const counted = new Map<string, number>()
  for (const event of events) {
    if (event.type !== "StepSucceeded" && event.type !== "StepFailed" && event.type !== "StepRetryScheduled") continue
    const key = `${event.path}#${event.attempt}`
    if (counted.has(key)) found.push(`${run} ${key} counts twice`)
    counted.set(key, event.at)
  }
  const begun = new Map<string, Array<string>>()
  for (const [what, pid = "", at = "", of, path, attempt] of lines) {
    if (what !== "begin" || of !== run) continue
    const key = `${path}#${attempt}`
    const pids = begun.get(key) ?? []
    if (pids.includes(pid)) found.push(`${run} ${key} begins twice in one process`)
    begun.set(key, [...pids, pid])
    const done = counted.get(key)
    // The clock of both is the machine's; a step takes longer than a millisecond.
    if (done !== undefined && Number(at) > done) found.push(`${run} ${key} begins after its completion was counted`)
  }
  for (const key of counted.keys()) {
    const isStep = !/^(pause|each)#/.test(key)
    if (isStep && !begun.has(key)) found.push(`${run} ${key} counts and never began`)
  }
  return found
}

/** Lives through the kills, then once to the end. */
export const run = async (kills: ReadonlyArray<Kill>): Promise<Found> => {
  const folder = mkdtempSync(join(tmpdir(), "baton-crash-"))
  const data = join(folder, "data")
  const log = join(folder, "log")
  const runs = ["run_a", "run_b"]
  let deaths = 0
  try {
    for (const kill of kills) {
      const order = { data, log, runs, ...("point" in kill ? { kill } : {}) }
      if (!(await live(order, "afterMs" in kill ? kill.afterMs : undefined))) deaths++
    }
    const complaints: Array<string> = []
    if (!(await live({ data, log, runs }, undefined))) complaints.push("the last process did not end by itself")
    const lines = linesOf(log)
    for (const run of runs) complaints.push(...compare(run, await journalOf(data, run), lines))
    const reached = new Set(
      lines.flatMap(([what, , , point]) => what === "reached" && point !== undefined ? [point] : [])
    )
    return { complaints, reached, deaths }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Those that this workload passes: it asks no agent. */
export const points: ReadonlyArray<Failpoint> = failpoints.filter((point) => !/^(agent|child)\./.test(point))

/** The kills that lead to a place: adoption happens only where a process has died before. */
export const towards = (point: Failpoint, n: number): ReadonlyArray<Kill> =>
  point.includes("adopt") && point !== "coordinator.before-adopt"
    ? [{ point: "coordinator.after-commit-before-reply", n: 3 }, { point, n }]
    : [{ point, n }]
