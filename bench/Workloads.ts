/** W1 to W3, over anything that can start runs. */
import type { Started } from "./Engine.ts"
import { chainLength } from "./Flows.ts"
import * as Meter from "./Meter.ts"
import type { Figures } from "./Report.ts"

/** Runs in flight at once in W1. */
export const inFlight = 50

/** Milliseconds a run took, measured from before it was started. */
const timed = async (start: () => Started): Promise<number> => {
  const began = performance.now()
  await start().finished
  return performance.now() - began
}

/** Keeps `inFlight` runs going until `seconds` have passed; returns what each run took. */
const keepGoing = async (start: () => Started, seconds: number): Promise<ReadonlyArray<number>> => {
  const until = performance.now() + seconds * 1000
  const taken: Array<number> = []
  const lane = async () => {
    while (performance.now() < until) taken.push(await timed(start))
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return taken
}

/** W1: chains of idle steps, 50 at a time. */
export const chains = async (start: () => Started, seconds: number): Promise<Figures> => {
  await keepGoing(start, Math.min(1, seconds / 4))
  const read = Meter.start()
  const taken = await keepGoing(start, seconds)
  const { cpuMicros, seconds: passed } = read()
  const steps = taken.length * chainLength
  return {
    "chains/s": taken.length / passed,
    "steps/s": steps / passed,
    "CPU µs/step": cpuMicros / steps,
    "cores": cpuMicros / 1e6 / passed,
    ...Meter.latencies("chain", taken),
    "peak MiB": Meter.peakMemoryMiB()
  }
}

/** Steps that the code under measure has run before it is measured: a process that has just started would count its compiler. */
const warmSteps = 20_000
/** Steps measured at each width, so that a narrow fan-out is not one sample of 15 ms. */
const measuredSteps = 10_000

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

/** W2: runs of `steps` steps side by side and a join, one run after the other; the median run counts. */
export const fanOut = async (
  start: () => Started,
  warm: { readonly start: () => Started; readonly steps: number },
  steps: number
): Promise<Figures> => {
  for (let done = 0; done < warmSteps; done += warm.steps) await timed(warm.start)
  const turns = Math.max(1, Math.round(measuredSteps / steps))
  const taken: Array<number> = []
  const read = Meter.start()
  for (let turn = 0; turn < turns; turn++) taken.push(await timed(start))
  const { cpuMicros } = read()
  const milliseconds = median(taken)
  return {
    "steps/s": steps / (milliseconds / 1000),
    "µs/step": milliseconds * 1000 / steps,
    "CPU µs/step": cpuMicros / steps / turns,
    "total ms": milliseconds,
    "peak MiB": Meter.peakMemoryMiB()
  }
}

/** W3: runs of one step, one after the other. */
export const singles = async (start: () => Started, runs: number): Promise<Figures> => {
  for (let turn = 0; turn < runs / 10; turn++) await timed(start)
  const durable: Array<number> = []
  const finished: Array<number> = []
  const read = Meter.start()
  for (let turn = 0; turn < runs; turn++) {
    const began = performance.now()
    const started = start()
    await started.durable
    durable.push(performance.now() - began)
    await started.finished
    finished.push(performance.now() - began)
  }
  const { cpuMicros } = read()
  return {
    ...Meter.latencies("durable", durable),
    ...Meter.latencies("finished", finished),
    "CPU ms/run": cpuMicros / 1000 / runs,
    "peak MiB": Meter.peakMemoryMiB()
  }
}
