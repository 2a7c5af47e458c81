/**
 * What happens in a random world, decided by the seed and the place alone, never by the order of events: how each attempt
 * ends, what an operator says, which events are sent.
 */
import type { StepError } from "@baton/kernel/StepError"
import type { Json } from "@baton/kernel/Value"
import { fractionOf } from "./Chance.ts"

export type AttemptOutcome =
  | { readonly ok: true; readonly output: Json }
  | { readonly ok: false; readonly error: StepError }

const errors: ReadonlyArray<Omit<StepError, "message">> = [
  { code: "FLAKY", kind: "internal", retryable: true, sent: false },
  { code: "UNREACHABLE", kind: "network", retryable: true, sent: false },
  { code: "SLOW", kind: "timeout", retryable: true, sent: true },
  { code: "BUSY", kind: "http", retryable: true, status: 503 },
  { code: "LIMITED", kind: "http", retryable: true, status: 429, retryAfterMs: 2_000 },
  { code: "WRONG", kind: "validation", retryable: false },
  { code: "REFUSED", kind: "policy", retryable: false }
]

export interface Outcomes {
  readonly seed: number
  /** Share of attempts that fail. */
  readonly failing: number
  /** Share of outputs that are too large to be kept inline. */
  readonly large: number
}

const place = (outcomes: Outcomes, ...parts: ReadonlyArray<string | number>): number =>
  fractionOf(`${outcomes.seed} ${parts.join(" ")}`)

export const outputOf = (outcomes: Outcomes, path: string): Json => {
  const n = Math.floor(place(outcomes, "n", path) * 10)
  const items = Array.from({ length: Math.floor(place(outcomes, "items", path) * 5) }, (_, index) => index)
  const large = place(outcomes, "large", path) < outcomes.large
  return { n, items, ok: n > 4, ...(large ? { pad: "x".repeat(1_500) } : {}) }
}

export const attemptOutcome = (outcomes: Outcomes, path: string, attempt: number): AttemptOutcome => {
  if (place(outcomes, "fails", path, attempt) >= outcomes.failing) {
    return { ok: true, output: outputOf(outcomes, path) }
  }
  const error = errors[Math.floor(place(outcomes, "error", path, attempt) * errors.length)]
  if (error === undefined) throw new RangeError("no error")
  return { ok: false, error: { ...error, message: `${path} fails for ${error.code}` } }
}

/** What an operator does about a step that waits; sooner or later never `retry`. */
export const resolution = (outcomes: Outcomes, path: string, attempt: number): "retry" | "skip" | "abort" => {
  const chance = place(outcomes, "operator", path, attempt)
  if (chance < 0.4 && attempt < 6) return "retry"
  return chance < 0.8 ? "skip" : "abort"
}

/** What a step ends with when its operator gives it up. */
export const aborted = (path: string, error: StepError): StepError => ({
  code: "MANUAL_ABORT",
  kind: "cancelled",
  message: `an operator aborted ${path}: ${error.message}`,
  retryable: false
})

/** The event a wait is for: what it carries, or that it never comes. */
export const eventFor = (outcomes: Outcomes, name: string, mustCome: boolean): Json | undefined =>
  mustCome || place(outcomes, "event", name) < 0.6 ? { n: Math.floor(place(outcomes, "data", name) * 10) } : undefined

/** How a run that a step has started ends. */
export const childStatus = (
  outcomes: Outcomes,
  path: string,
  attempt: number
): "succeeded" | "warned" | "failed" | "cancelled" | "refused" => {
  const chance = place(outcomes, "child", path, attempt)
  return chance < 0.6
    ? "succeeded"
    : chance < 0.75
    ? "warned"
    : chance < 0.9
    ? "failed"
    : chance < 0.95
    ? "cancelled"
    : "refused"
}
