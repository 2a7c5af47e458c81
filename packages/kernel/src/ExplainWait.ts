/** Reasons of steps that wait, each with its data and its door. `Explain` asks here for every kind of wait. */
import * as Amount from "./Amounts.ts"
import type { StepError } from "./StepError.ts"
import * as TimeText from "./TimeText.ts"
import type { JsonObject } from "./Value.ts"
import type { Wait } from "./Wait.ts"

/** The closed list of reasons (SEMANTICS 8.12e). */
export const reasons = [
  "upstream",
  "capacity",
  "concurrency",
  "rate",
  "timer",
  "retry_backoff",
  "approval",
  "input",
  "external_event",
  "operator",
  "unknown_outcome",
  "sub_run",
  "budget",
  "credential",
  "no_worker",
  "patch_review",
  "running",
  "queued",
  "paused",
  "closing",
  "no_owner",
  "sealed",
  "not_started"
] as const
export type ReasonName = (typeof reasons)[number]

export interface Reason {
  readonly reason: ReasonName
  /** The step; absent: the run as a whole. */
  readonly path: string | undefined
  readonly message: string
  /** What would end it. */
  readonly door: string
  readonly data: JsonObject
}

/** A duration of `ms` milliseconds as people say it. */
export const seconds = (ms: number): string =>
  ms < 1000 ? `${Math.max(0, Math.round(ms))} ms` : `${Math.round(ms / 1000)} s`

type Of<K extends Wait["kind"]> = Extract<Wait, { readonly kind: K }>

const timer = (path: string, wait: Of<"timer">, now: number): Reason => ({
  reason: "timer",
  path,
  message: `${path} waits ${seconds(wait.dueAt - now)} more`,
  door: "the time comes",
  data: { dueAt: wait.dueAt }
})

const event = (path: string, wait: Of<"event">, now: number): Reason => ({
  reason: "external_event",
  path,
  message: `${path} waits for the event ${wait.name}${
    wait.dueAt === undefined ? "" : `, for ${seconds(wait.dueAt - now)} more`
  }`,
  door: `baton runs send RUN ${wait.name}`,
  data: { event: wait.name, ...(wait.dueAt === undefined ? {} : { dueAt: wait.dueAt }) }
})

/** Whether it was a secret or a key that was missing, wrong or not allowed there. */
export const isCredential = (error: StepError | undefined): boolean =>
  error !== undefined && (error.code.startsWith("SECRET_") || error.status === 401)

/** A key has to be set before another attempt makes sense. */
const credential = (path: string, error: StepError): Reason => ({
  reason: "credential",
  path,
  message: `${path} lacks a credential: ${error.message}`,
  door: `baton secrets set NAME --host HOST, then baton runs retry RUN ${path}`,
  data: { error: error.message, code: error.code }
})

const operator = (path: string, wait: Of<"operator">): Reason =>
  wait.reason === "failed" && isCredential(wait.error) ? credential(path, wait.error) : decision(path, wait)

const decision = (path: string, { error, reason }: Of<"operator">): Reason => ({
  reason: reason === "unknown_outcome" ? reason : "operator",
  path,
  message: reason === "failed"
    ? `${path} failed and asks what to do: ${error.message}`
    : reason === "reused"
    ? `${path} may do again what cannot be taken back: ${error.message}`
    : `nobody knows whether the call of ${path} happened: ${error.message}`,
  door: `baton runs retry|skip|abort RUN ${path}`,
  data: { error: error.message }
})

/** What can be said without the ledger; `ExplainLedger` says more. */
const budget = (path: string, { need }: Of<"budget">): Reason => ({
  reason: "budget",
  path,
  message: `${path} needs ${Amount.text(need)}`,
  door: "baton runs resume RUN --budget +0.50",
  data: { need: { ...Amount.toBudget(need) } }
})

/** The command that decides it; `target` is the approval's id, or a run and a path. */
export const decisionDoor = (
  { ask, once, options }: Pick<Of<"approval">, "ask" | "once" | "options">,
  target: string
): string => {
  const names = (options ?? []).map(({ name }) => name).join("|")
  if (ask !== "question") {
    const verbs = ask === "checkpoint" && once !== true ? "approve|retry|reject" : "approve|reject"
    return `baton approvals ${verbs} ${target}`
  }
  return `baton approvals answer ${target} ${names === "" ? "--text TEXT" : `--option ${names}`}`
}

const approval = (path: string, wait: Of<"approval">): Reason => {
  const { approvers, ask, dueAt, hash, id, quorum, title } = wait
  const votes = wait.votes?.length ?? 0
  const who = approvers === undefined ? "" : ` of ${approvers.join(", ")}`
  const many = quorum > 1 ? ` (${votes} of ${quorum} have approved)` : ""
  const until = dueAt === undefined ? "" : `; counts as ${wait.onTimeout} at ${TimeText.format(dueAt)}`
  return {
    reason: ask === "question" ? "input" : "approval",
    path,
    message: `${path} ${ask === "question" ? "asks" : "waits for a decision"}${who}${many}: ${title}${until}`,
    door: decisionDoor(wait, `RUN ${path}`),
    data: {
      id,
      ask,
      hash,
      question: title,
      quorum,
      votes,
      ...(approvers === undefined ? {} : { approvers }),
      ...(dueAt === undefined ? {} : { dueAt, onTimeout: wait.onTimeout })
    }
  }
}
const child = (path: string, { dueAt, flow, run, stopping }: Of<"child">, now: number): Reason => ({
  reason: "sub_run",
  path,
  message: stopping !== undefined
    ? `${path} waits for its run ${run} to stop: ${stopping.message}`
    : `${path} waits for its run ${run} of ${flow.name}@${flow.version}` +
      (dueAt === undefined ? "" : `, for ${seconds(dueAt - now)} more`),
  door: `baton runs explain ${run}`,
  data: { run, flow: flow.name, version: flow.version, ...(dueAt === undefined ? {} : { dueAt }) }
})

export const waitReason = (path: string, wait: Wait, now: number): Reason => {
  switch (wait.kind) {
    case "timer":
      return timer(path, wait, now)
    case "event":
      return event(path, wait, now)
    case "operator":
      return operator(path, wait)
    case "budget":
      return budget(path, wait)
    case "approval":
      return approval(path, wait)
    case "child":
      return child(path, wait, now)
  }
}
