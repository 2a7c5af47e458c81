/**
 * The distributed trace of a run (W3C Trace Context, Level 2): one trace per run, the same in whatever process it goes on.
 *
 * Its ids are derived: from what the creator of the run said, which is kept with the run, and else from the run's own id.
 * So a run that was suspended goes on in the same trace elsewhere, and a run that nobody traces keeps nothing for it.
 */
import * as Schema from "effect/Schema"
import * as Sha256 from "./Sha256.ts"

/** Characters of a trace state that are kept: what the specification asks of everybody. */
export const stateLengthMax = 512

/** Whose part the run is: `traceparent` and `tracestate` as its creator was given them. */
export const TraceLink = Schema.Struct({
  parent: Schema.String.check(Schema.isPattern(/^00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/)),
  state: Schema.optionalKey(Schema.String.check(Schema.isMaxLength(stateLengthMax)))
})
export type TraceLink = typeof TraceLink.Type

interface Run {
  readonly run: string
  readonly createdAt: number
  readonly trace: TraceLink | undefined
}

/** Never all zeros, which would be no id: a hash that is would be the first ever found. */
const idOf = (kind: string, { createdAt, run }: Run, digits: number): string =>
  Sha256.hex(JSON.stringify([kind, run, createdAt])).slice(0, digits)

/** 32 hex digits. */
export const traceId = (run: Run): string => run.trace?.parent.slice(3, 35) ?? idOf("trace", run, 32)

/** 16 hex digits: the span of the whole run. */
export const runSpan = (run: Run): string => idOf("run", run, 16)

const digits8 = (word: number): string => (word >>> 0).toString(16).padStart(8, "0")

/**
 * 16 hex digits: the span of one attempt of a step in the run of that span. It must differ within one trace only and is
 * made for every step: two mixed words (after MurmurHash3) do, where a cryptographic hash would cost as much as the step.
 */
export const stepSpan = (ofRun: string, path: string, attempt: number): string => {
  let one = Number.parseInt(ofRun.slice(0, 8), 16) ^ attempt
  let two = Number.parseInt(ofRun.slice(8), 16) ^ path.length
  for (let index = 0; index < path.length; index++) {
    const unit = path.charCodeAt(index)
    one = Math.imul(one ^ unit, 0x85ebca6b)
    two = Math.imul(two ^ unit, 0xc2b2ae35)
    one ^= two >>> 13
    two ^= one >>> 16
  }
  one = Math.imul(one ^ (one >>> 16), 0x85ebca6b) ^ Math.imul(two ^ (two >>> 13), 0xc2b2ae35)
  two = Math.imul(two ^ (two >>> 16), 0x85ebca6b) ^ Math.imul(one ^ (one >>> 13), 0xc2b2ae35)
  const id = `${digits8(one)}${digits8(two)}`
  return id === "0000000000000000" ? "0000000000000001" : id
}

/** The span that the run was created in. */
export const parentSpan = (run: Run): string | undefined => run.trace?.parent.slice(36, 52)

/** Whether the creator records its trace; nobody having said so, what `otherwise` decides. */
export const isSampled = (run: Run, otherwise: boolean): boolean =>
  run.trace === undefined ? otherwise : (Number.parseInt(run.trace.parent.slice(53), 16) & 1) === 1

/** What a run that this one starts keeps of its trace. */
export const childLink = (run: Run, path: string, attempt: number, sampled: boolean): TraceLink => ({
  parent: `00-${traceId(run)}-${stepSpan(runSpan(run), path, attempt)}-${sampled ? "01" : "00"}`,
  ...(run.trace?.state === undefined ? {} : { state: run.trace.state })
})
