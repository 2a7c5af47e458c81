/** When a failed attempt is followed by another one, and how long that waits (SEMANTICS 8.2, 8.3, 8.5, 8.11c). */
import type { RetryPolicy, Work } from "./Plan.ts"
import type { StepError } from "./StepError.ts"

/** The longest wait a remote `Retry-After` may ask for, in milliseconds. */
export const retryAfterMsMax = 3_600_000

/** FNV-1a over the text, as a fraction in [0, 1): chance that every replay repeats (8.3). */
export const fraction = (text: string): number => {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    hash ^= text.charCodeAt(index)
    hash = Math.imul(hash, 0x01000193)
  }
  // One more round of mixing: texts that differ in their last character only would lie close together.
  hash ^= hash >>> 15
  hash = Math.imul(hash, 0x2c1b3c6d)
  hash ^= hash >>> 12
  return (hash >>> 0) / 0x1_0000_0000
}

const listed = (error: StepError, on: ReadonlyArray<string>): boolean =>
  on.some((rule) => {
    if (rule === error.kind || rule === error.code) return true
    if (error.status === undefined) return false
    return rule === String(error.status) || (/^[1-5]xx$/.test(rule) && rule[0] === String(error.status)[0])
  })

/** Whether the call may have happened although nobody knows its outcome. */
export const isOutcomeUnknown = (error: StepError): boolean =>
  error.sent !== false && (error.kind === "timeout" || error.kind === "network" || error.kind === "internal")

/** Only retryable errors are retried; an irreversible call only when it is proven that nothing was sent. */
export const mayRetry = (work: Work, attempt: number, error: StepError): boolean =>
  attempt < work.retry.attempts &&
  error.retryable &&
  (work.effect !== "irreversible" || error.sent === false) &&
  (work.retry.on === undefined || listed(error, work.retry.on))

/** Milliseconds before attempt `attempt + 1`: exponential, capped, jittered to 50–100 %; a remote's own wish counts if longer. */
export const delayMs = (policy: RetryPolicy, run: string, path: string, attempt: number, error: StepError): number => {
  const plain = Math.min(policy.maxMs, policy.initialMs * policy.factor ** (attempt - 1))
  const jittered = policy.jitter ? plain * (0.5 + fraction(`${run}/${path}#${attempt}`) / 2) : plain
  const asked = Math.min(error.retryAfterMs ?? 0, retryAfterMsMax)
  return Math.round(Math.max(Number.isFinite(jittered) ? jittered : policy.maxMs, asked))
}
