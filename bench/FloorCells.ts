/** The workloads on the floor. */
import { join } from "node:path"
import * as Floor from "./Floor.ts"
import { chainLength } from "./Flows.ts"
import type { Figures } from "./Report.ts"
import * as Workloads from "./Workloads.ts"

export const measure = async (
  workload: string,
  folder: string,
  options: { readonly size: number; readonly seconds: number; readonly runs: number }
): Promise<Figures> => {
  const floor = Floor.open(join(folder, "floor.db"))
  const { chain, fanOut } = Floor.runs(floor)
  try {
    if (workload === "w1") return await Workloads.chains(() => chain(chainLength), options.seconds)
    const warm = { start: () => fanOut(100), steps: 100 }
    if (workload === "w2") return await Workloads.fanOut(() => fanOut(options.size), warm, options.size)
    return await Workloads.singles(() => chain(1), options.runs)
  } finally {
    floor.close()
  }
}
