/** What W4 leaves behind: a line whenever a step begins or ends, and one when the process was killed. */
import type { Event } from "@baton/kernel/Event"
import type { Figures } from "./Report.ts"

export interface Evidence {
  /** Lines `begin RUN STEP`, `end RUN STEP` and `kill`, in order. */
  readonly lines: ReadonlyArray<string>
  readonly journals: ReadonlyMap<string, ReadonlyArray<Event>>
  /** Steps of all runs together. */
  readonly steps: number
  /** Milliseconds that one step takes. */
  readonly stepMillis: number
  readonly killToDoneMillis: number
  /** From the kill until the second process was ready to take over. */
  readonly killToOpenMillis: number
}

/** Steps that the journal had settled when the process died: what precedes the adoption. */
const acknowledged = (run: string, events: ReadonlyArray<Event>): ReadonlyArray<string> => {
  const adopted = events.findIndex((event) => event.type === "RunAdopted")
  return (adopted < 0 ? events : events.slice(0, adopted))
    .flatMap((event) => event.type === "StepSucceeded" ? [`${run} ${event.path}`] : [])
}

export const assess = (evidence: Evidence): Figures => {
  const { journals, killToDoneMillis, killToOpenMillis, lines, stepMillis, steps } = evidence
  const kill = lines.indexOf("kill")
  const began = new Map<string, number>()
  const ended = new Set<string>()
  const again = new Set<string>()
  for (const [index, line] of lines.entries()) {
    const [what, run, step] = line.split(" ")
    const key = `${run} ${step}`
    if (what === "begin") began.set(key, (began.get(key) ?? 0) + 1)
    if (what === "begin" && index > kill) again.add(key)
    if (what === "end") ended.add(key)
  }
  const kept = [...journals].map(([run, events]) => acknowledged(run, events))
  const perRun = steps / Math.max(1, journals.size)
  // Runs go on side by side, so the longest rest is what no engine can shorten.
  const workLeft = Math.max(0, ...kept.map((done) => (perRun - done.length) * stepMillis))
  return {
    "recovery ms": killToDoneMillis - workLeft,
    "kill to done ms": killToDoneMillis,
    "kill to open ms": killToOpenMillis,
    "work left ms": workLeft,
    "acknowledged at kill": kept.flat().length,
    "ran twice": [...began.values()].filter((times) => times > 1).length,
    "acknowledged, ran again": kept.flat().filter((key) => again.has(key)).length,
    "never ran": steps - ended.size
  }
}
