/**
 * `npm run simulate -- --seeds N --from S` (`--keep`: go on after a failure; `--threads N`, two where there are two cores), or
 * `--seed S` to see one world again, with `--journal` event by event.
 */
import { availableParallelism } from "node:os"
import { parseArgs } from "node:util"
import { Worker } from "node:worker_threads"
import type { Report } from "./Simulation.ts"
import { simulate } from "./Simulation.ts"
import type { Chunk, Failure } from "./Tally.ts"
import * as Tally from "./Tally.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    from: { type: "string" },
    seed: { type: "string" },
    threads: { type: "string" },
    keep: { type: "boolean" },
    journal: { type: "boolean" }
  }
})

/** Characters of one event that are shown. */
const widthMax = 300
/** Seeds that a thread is given at once. */
const chunkSize = 25
const threadsMax = 2

const show = ({ complaints, seed }: Failure): void => {
  for (const complaint of complaints) console.log(`  ${complaint}`)
  console.log(`npm run simulate -- --seed ${seed}`)
}

const one = (seed: number): boolean => {
  const report: Report = simulate(seed)
  if (values.journal === true) {
    for (const [run, events] of report.journals) {
      console.log(run)
      for (const event of events) console.log(`  ${event.slice(0, widthMax)}`)
    }
  }
  for (const note of report.notes) console.log(note)
  console.log(
    `${report.runs} runs, ${report.commits} commits, ${report.steps} steps, ${report.millis} ms of virtual time`
  )
  if (report.complaints.length > 0) show(report)
  return report.complaints.length === 0
}

/** One thread works until there is nothing left, or until one seed has failed. */
const work = (chunks: Array<Chunk>, total: Tally.Tally): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./Thread.ts", import.meta.url))
    const next = (): void => {
      const isOver = total.failures.length > 0 && values.keep !== true
      const chunk = isOver ? undefined : chunks.shift()
      if (chunk !== undefined) return worker.postMessage(chunk)
      void worker.terminate().then(() => resolve())
    }
    worker.on("error", reject)
    worker.on("message", (tally: Tally.Tally) => {
      for (const failure of tally.failures) show(failure)
      Tally.add(total, tally)
      next()
    })
    next()
  })

const many = async (from: number, count: number, threads: number): Promise<boolean> => {
  const began = performance.now()
  const total = Tally.empty()
  const chunks = Array.from({ length: Math.ceil(count / chunkSize) }, (_, index): Chunk => ({
    from: from + index * chunkSize,
    count: Math.min(chunkSize, count - index * chunkSize)
  }))
  await Promise.all(Array.from({ length: Math.min(threads, chunks.length) }, () => work(chunks, total)))
  const { commits, exact, failures, reached, runs, seeds } = total
  const seconds = (performance.now() - began) / 1000
  console.log(
    `${seeds} seeds in ${seconds.toFixed(1)} s (${(seeds / seconds).toFixed(0)}/s), ${failures.length} failed`
  )
  console.log(`${runs} runs (${exact} predicted to the last detail), ${commits} commits`)
  for (const [point, times] of [...reached].sort()) console.log(`  ${point}: ${times}`)
  return failures.length === 0
}

const threads = Number(values.threads ?? Math.min(threadsMax, availableParallelism()))
const passed = values.seed === undefined
  ? await many(Number(values.from ?? 1), Number(values.seeds ?? 10_000), threads)
  : one(Number(values.seed))
process.exitCode = passed ? 0 : 1
