/**
 * What metrics and traces cost where work is done: W1 (chains of idle steps, 50 at a time) with nothing looking on, with
 * metrics, and with metrics and spans that nobody collects, in turn, in one process. The processor's time per step counts:
 * it is steadier than the clock. Run by hand: `node bench/telemetry.ts [rounds] [seconds]`.
 */
import type { Probe } from "@baton/engine/Probe"
import { Meter } from "@baton/server/telemetry/Meter"
import { RunMeter } from "@baton/server/telemetry/RunMeter"
import { RunSpans } from "@baton/server/telemetry/RunSpans"
import * as Telemetry from "@baton/server/telemetry/Telemetry"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Flows from "./Flows.ts"
import * as Machine from "./Machine.ts"
import * as Workloads from "./Workloads.ts"

const metrics = () => new RunMeter(new Meter(100), new Set())
const spans = () => new RunSpans({ push: () => {} }, () => true)

const variants: ReadonlyArray<readonly [name: string, probe: () => Probe | undefined]> = [
  ["nothing", () => undefined],
  ["metrics", () => Telemetry.probeOf(metrics(), undefined)],
  ["metrics and spans", () => Telemetry.probeOf(metrics(), spans())]
]

const measure = async (probe: Probe | undefined, seconds: number) => {
  const folder = mkdtempSync(join(tmpdir(), "baton-bench-"))
  const machine = await Machine.open({ folder, ...(probe === undefined ? {} : { probe }) })
  try {
    return await Workloads.chains(() => machine.start(Flows.idleChain, { payload: Flows.payload }), seconds)
  } finally {
    await machine.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

const main = async (rounds: number, seconds: number): Promise<void> => {
  const seen = variants.map(() => ({ cpu: [] as Array<number>, steps: [] as Array<number> }))
  for (let round = 0; round <= rounds; round++) {
    // Who is first takes turns too, and the first round warms the code up.
    for (let turn = 0; turn < variants.length; turn++) {
      const index = (turn + round) % variants.length
      const figures = await measure(variants[index]?.[1](), seconds)
      if (round === 0) continue
      seen[index]?.cpu.push(figures["CPU µs/step"] ?? Number.NaN)
      seen[index]?.steps.push(figures["steps/s"] ?? Number.NaN)
    }
  }
  for (const [index, [name]] of variants.entries()) {
    const ratios = (seen[index]?.cpu ?? []).map((value, round) => value / (seen[0]?.cpu[round] ?? Number.NaN))
    const cpu = median(seen[index]?.cpu ?? []).toFixed(1)
    const steps = Math.round(median(seen[index]?.steps ?? []))
    process.stdout.write(`${name}: ${cpu} CPU µs/step, ${steps} steps/s, ${median(ratios).toFixed(3)} of nothing\n`)
  }
}

await main(Number(process.argv[2] ?? 5), Number(process.argv[3] ?? 3))
