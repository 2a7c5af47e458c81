/** What a piece of work costs this process. */
import * as Report from "./Report.ts"

export interface Reading {
  readonly seconds: number
  readonly cpuMicros: number
}

/** Starts measuring; call the result to read time and CPU since then. */
export const start = (): () => Reading => {
  const cpu = process.cpuUsage()
  const began = performance.now()
  return () => {
    const { system, user } = process.cpuUsage(cpu)
    return { seconds: (performance.now() - began) / 1000, cpuMicros: user + system }
  }
}

/** Peak resident memory of this process so far, in MiB. */
export const peakMemoryMiB = (): number => process.resourceUsage().maxRSS / 1024

export const latencies = (name: string, millis: ReadonlyArray<number>): Report.Figures => ({
  [`${name} p50 ms`]: Report.quantile(millis, 0.5),
  [`${name} p95 ms`]: Report.quantile(millis, 0.95),
  [`${name} p99 ms`]: Report.quantile(millis, 0.99)
})
