/** The workloads on the engine. */
import * as Flows from "./Flows.ts"
import * as Machine from "./Machine.ts"
import type { Figures } from "./Report.ts"
import * as Workloads from "./Workloads.ts"

const list = (size: number) => ({ items: Array.from({ length: size }, (_, index) => index) })

export const measure = async (
  workload: string,
  folder: string,
  options: { readonly size: number; readonly seconds: number; readonly runs: number }
): Promise<Figures> => {
  const machine = await Machine.open({ folder })
  const idle = { payload: Flows.payload }
  try {
    if (workload === "w1") return await Workloads.chains(() => machine.start(Flows.idleChain, idle), options.seconds)
    if (workload === "w3") return await Workloads.singles(() => machine.start(Flows.single, idle), options.runs)
    const fanOut = (size: number) => {
      const flow = Flows.fanOut(size)
      const input = list(size)
      return () => machine.start(flow, input)
    }
    return await Workloads.fanOut(fanOut(options.size), { start: fanOut(100), steps: 100 }, options.size)
  } finally {
    await machine.close()
  }
}
