/**
 * `npm run simulate -- --seeds N --from S` (`--keep`: go on after a failure), or `--seed S` to see one world again, with
 * `--journal` event by event.
 */
import { parseArgs } from "node:util"
import type { Report } from "./Simulation.ts"
import { simulate } from "./Simulation.ts"

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    from: { type: "string" },
    seed: { type: "string" },
    keep: { type: "boolean" },
    journal: { type: "boolean" }
  }
})

/** Characters of one event that are shown. */
const widthMax = 300

const show = (report: Report): void => {
  for (const complaint of report.complaints) console.log(`  ${complaint}`)
  console.log(`npm run simulate -- --seed ${report.seed}`)
}

const one = (seed: number): boolean => {
  const report = simulate(seed)
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

const many = (from: number, count: number): boolean => {
  const began = performance.now()
  let [failed, runs, exact, commits] = [0, 0, 0, 0]
  const reached = new Map<string, number>()
  for (let seed = from; seed < from + count; seed++) {
    const report = simulate(seed)
    runs += report.runs
    exact += report.exact
    commits += report.commits
    for (const [point, times] of report.reached) reached.set(point, (reached.get(point) ?? 0) + times)
    if (report.complaints.length === 0) continue
    failed++
    show(report)
    if (values.keep !== true) break
  }
  const seconds = (performance.now() - began) / 1000
  console.log(`${count} seeds in ${seconds.toFixed(1)} s (${(count / seconds).toFixed(0)}/s), ${failed} failed`)
  console.log(`${runs} runs (${exact} predicted to the last detail), ${commits} commits`)
  for (const [point, times] of [...reached].sort()) console.log(`  ${point}: ${times}`)
  return failed === 0
}

const passed = values.seed === undefined
  ? many(Number(values.from ?? 1), Number(values.seeds ?? 10_000))
  : one(Number(values.seed))
process.exitCode = passed ? 0 : 1
