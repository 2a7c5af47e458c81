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
const idOf = (kind: string, run: Run, more: string, digits: number): string =>
  Sha256.hex(JSON.stringify([kind, run.run, run.createdAt, more])).slice(0, digits)

/** 32 hex digits. */
export const traceId = (run: Run): string => run.trace?.parent.slice(3, 35) ?? idOf("trace", run, "", 32)

/** 16 hex digits: the span of the whole run. */
export const runSpan = (run: Run): string => idOf("run", run, "", 16)

/** 16 hex digits: the span of one attempt of a step. */
export const stepSpan = (run: Run, path: string, attempt: number): string => idOf("step", run, `${path}#${attempt}`, 16)

/** The span that the run was created in. */
export const parentSpan = (run: Run): string | undefined => run.trace?.parent.slice(36, 52)

/** Whether the creator records its trace; nobody having said so, what `otherwise` decides. */
export const isSampled = (run: Run, otherwise: boolean): boolean =>
  run.trace === undefined ? otherwise : (Number.parseInt(run.trace.parent.slice(53), 16) & 1) === 1

/** What a run that this one starts keeps of its trace. */
export const childLink = (run: Run, path: string, attempt: number, sampled: boolean): TraceLink => ({
  parent: `00-${traceId(run)}-${stepSpan(run, path, attempt)}-${sampled ? "01" : "00"}`,
  ...(run.trace?.state === undefined ? {} : { state: run.trace.state })
})
