/** Measures every cell in a child process of its own, round by round, and prints medians. */
import { fork } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { availableParallelism, cpus, tmpdir, totalmem } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as Plan from "./Plan.ts"
import * as Report from "./Report.ts"

/** A measurement that has not ended after this many milliseconds is given up. */
const cellMillisMax = 300_000

const here = fileURLToPath(new URL(".", import.meta.url))

/** Runs one cell on a fresh folder; the figures come back as a message. */
const measure = (cell: Report.Cell, options: Plan.Options): Promise<Report.Figures> => {
  const folder = mkdtempSync(join(tmpdir(), "baton-bench-"))
  const job = { ...cell, folder, seconds: options.seconds, runs: options.runs }
  const child = fork(join(here, "Child.ts"), [JSON.stringify(job)], {
    execArgv: ["--disable-warning=ExperimentalWarning"]
  })
  const timer = setTimeout(() => child.kill("SIGKILL"), cellMillisMax)
  return new Promise<Report.Figures>((resolve, reject) => {
    let figures: Report.Figures | undefined
    child.on("message", (message) => {
      figures = message as Report.Figures
    })
    child.on("error", reject)
    child.on("exit", (code, signal) => {
      if (figures !== undefined && code === 0) resolve(figures)
      else reject(new Error(`${cell.workload} ${cell.subject} ${cell.variant} ended with ${signal ?? code}`))
    })
  }).finally(() => {
    clearTimeout(timer)
    rmSync(folder, { recursive: true, force: true })
  })
}

const machine = () => ({
  cpu: cpus()[0]?.model ?? "unknown",
  cores: availableParallelism(),
  memoryGiB: Math.round(totalmem() / 2 ** 30),
  node: process.version,
  platform: `${process.platform} ${process.arch}`
})

const write = (
  options: Plan.Options,
  samples: ReadonlyArray<Report.Sample>,
  rows: ReadonlyArray<Report.Row>
): string => {
  const folder = join(here, "results")
  mkdirSync(folder, { recursive: true })
  const at = new Date().toISOString()
  const file = join(folder, `${at.replaceAll(/[:.]/g, "-")}.json`)
  const { version } = JSON.parse(readFileSync(join(here, "..", "package.json"), "utf8")) as { version: string }
  const command = ["npm run bench --", ...process.argv.slice(2)].join(" ")
  writeFileSync(
    file,
    JSON.stringify({ at, command, version, machine: machine(), options, rows, samples }, null, 2) + "\n"
  )
  return file
}

const main = async (options: Plan.Options): Promise<void> => {
  const cells = Plan.round(options)
  const samples: Array<Report.Sample> = []
  for (let repeat = 1; repeat <= options.repeats; repeat++) {
    for (const cell of cells) {
      process.stderr.write(`round ${repeat}/${options.repeats}: ${cell.workload} ${cell.subject} ${cell.variant}\n`)
      samples.push({ ...cell, figures: await measure(cell, options) })
    }
  }
  const rows = Report.summarize(samples)
  const { cores, cpu, node } = machine()
  process.stdout.write(`\n${cores} cores of ${cpu}, Node ${node}; medians of ${options.repeats}\n`)
  for (const [workload, group] of Map.groupBy(rows, (row) => row.workload)) {
    for (const [, same] of Map.groupBy(group, (row) => Object.keys(row.medians).join())) {
      process.stdout.write(`\n${workload.toUpperCase()}\n\n${Report.table(same)}\n`)
    }
  }
  process.stderr.write(`\n${write(options, samples, rows)}\n`)
}

try {
  await main(Plan.parse(process.argv.slice(2)))
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${Plan.usage}\n`)
  process.exitCode = 2
}
