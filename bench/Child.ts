/** One measurement, in a process of its own. */
import * as Crash from "./Crash.ts"
import * as EngineCells from "./EngineCells.ts"
import * as FloorCells from "./FloorCells.ts"
import * as Kernel from "./Kernel.ts"
import type { Cell, Figures } from "./Report.ts"

interface Job extends Cell {
  /** Empty, and removed afterwards. */
  readonly folder: string
  readonly seconds: number
  readonly runs: number
}

const measure = async (job: Job): Promise<Figures> => {
  const { folder, runs, seconds, subject, variant, workload } = job
  const size = Number(variant)
  if (subject === "floor") return FloorCells.measure(workload, folder, { size, seconds, runs })
  if (workload === "w4") return Crash.measure(folder)
  if (subject === "engine") return EngineCells.measure(workload, folder, { size, seconds, runs })
  if (subject === "kernel") return Kernel.measure(variant)
  throw new Error(`nothing measures ${subject}`)
}

const figures = await measure(JSON.parse(process.argv[2] ?? "null") as Job)
await new Promise((sent) => process.send?.(figures, sent))
process.exit(0)
