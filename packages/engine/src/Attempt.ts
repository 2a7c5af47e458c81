/**
 * Runs one attempt of a worker-run step, from its fields to what the coordinator commits.
 *
 * Promise. It never fails and never dies: whatever the step type does, the answer is an outcome. The timeout runs from the
 * start and interrupts the call; interrupting the attempt interrupts the call too and gives no outcome. What comes out is
 * within bounds, valid for the node's schema, and free of every secret the attempt has used.
 */
import type { Amounts } from "@baton/kernel/Amounts"
import type { Question } from "@baton/kernel/Approval"
import type * as Plan from "@baton/kernel/Plan"
import type { ReceiptNote } from "@baton/kernel/Receipt"
import type { StepError } from "@baton/kernel/StepError"
import type { Usage } from "@baton/kernel/Usage"
import * as Usages from "@baton/kernel/Usage"
import type { Json, JsonObject, Value } from "@baton/kernel/Value"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as AttemptContext from "./AttemptContext.ts"
import * as AttemptOutput from "./AttemptOutput.ts"
import type { AttemptSecrets } from "./AttemptSecrets.ts"
import { scrubJson } from "./AttemptSecrets.ts"
import { BlobStore } from "./BlobStore.ts"
import { CurrentPurse } from "./Purse.ts"
import * as Receipts from "./Receipts.ts"
import type { Receipt } from "./ReceiptStore.ts"
import { Secrets } from "./Secrets.ts"
import * as StepQuestion from "./StepQuestion.ts"
import type { StepResult, StepType } from "./StepType.ts"
import { StepTypes } from "./StepType.ts"
import type { NewBlob } from "./StoredValue.ts"

/** UTF-16 units of an error's message. */
export const messageLengthMax = 2000
/** UTF-8 bytes of an error's detail as JSON; a larger one is left out. */
export const detailBytesMax = 4096
/** Warnings that one attempt may give. */
export const warningsMax = 20

export interface AttemptServices extends AttemptContext.AttemptServices {
  readonly stepTypes: ReadonlyMap<string, StepType>
}

export interface Warning {
  readonly code: string
  readonly message: string
}

/** What a `CompleteStep` command says, and the bytes that must be written together with it. */
export interface AttemptOutcome {
  /** Milliseconds since 1970 on the worker's clock. */
  readonly startedAt: number
  readonly outcome:
    | { readonly ok: true; readonly output: Value; readonly agent?: string; readonly receipt?: ReceiptNote }
    | { readonly ok: false; readonly error: StepError }
    | { readonly ok: "unfunded"; readonly need: Amounts; readonly unpriced?: string }
    | { readonly ok: "asks"; readonly question: Question }
  readonly usage: Usage | undefined
  readonly warnings: ReadonlyArray<Warning>
  readonly blobs: ReadonlyArray<NewBlob>
  /** To be kept once the output is durable. */
  readonly keep?: Receipt
}

/** The services an attempt needs, gathered once per worker. */
export const services: Effect.Effect<AttemptServices, never, StepTypes | BlobStore | Secrets> = Effect.gen(function*() {
  return { stepTypes: yield* StepTypes, blobs: yield* BlobStore, secrets: yield* Secrets }
})

export const run = (
  request: AttemptContext.AttemptRequest,
  services: AttemptServices
): Effect.Effect<AttemptOutcome> =>
  Clock.clockWith((clock) => {
    const startedAt = clock.currentTimeMillisUnsafe()
    const attempt = new AttemptContext.AttemptContext(request, services)
    return Effect.matchCauseEffect(work(request, services, attempt), {
      onSuccess: (finished) => Effect.succeed(succeeded(startedAt, attempt, finished)),
      onFailure: (cause) => failed(startedAt, attempt, request, cause)
    })
  })

interface Finished {
  readonly result: Pick<StepResult, "agent" | "usage">
  readonly kept: AttemptOutput.Kept
  readonly question?: Question
  readonly warnings: ReadonlyArray<Warning>
  readonly receipt?: ReceiptNote
  readonly keep?: Receipt
}

const work = (
  request: AttemptContext.AttemptRequest,
  services: AttemptServices,
  attempt: AttemptContext.AttemptContext
): Effect.Effect<Finished, StepError> => {
  const stepType = services.stepTypes.get(request.work.type)
  if (stepType === undefined) return Effect.fail(unserved(request.work.type))
  const { purse, receipts, work } = request
  const executed = Effect.flatMap(
    request.startCall !== undefined && work.effect === "irreversible"
      ? Effect.andThen(request.startCall(attempt.key), Effect.suspend(() => stepType.execute(attempt)))
      : Effect.suspend(() => stepType.execute(attempt)),
    (result) => finish(work, attempt, result)
  )
  // What a person has answered is no part of the key.
  const found = work.receiptMs === undefined || receipts === undefined || attempt.answers.length > 0
    ? executed
    : withReceipt(receipts, attempt, stepType, work.receiptMs, services.blobs, executed)
  const paid = purse === undefined ? found : Effect.provideService(found, CurrentPurse, purse)
  const timeoutMs = work.timeoutMs ?? purse?.timeoutMs
  if (timeoutMs === undefined) return paid
  return Effect.timeoutOrElse(paid, {
    duration: timeoutMs,
    orElse: () => Effect.fail(timedOut(work, timeoutMs))
  })
}

/** The result that is there already, or the step's own with the receipt it leaves. */
const withReceipt = (
  desk: Receipts.ReceiptDesk,
  attempt: AttemptContext.AttemptContext,
  stepType: StepType,
  ttlMs: number,
  blobs: BlobStore["Service"],
  executed: Effect.Effect<Finished, StepError>
): Effect.Effect<Finished, StepError> =>
  Effect.flatMap(Receipts.look(desk, attempt, stepType, ttlMs, blobs), (found) => {
    if ("output" in found) {
      const { agent, note, output } = found
      return Effect.succeed<Finished>({
        result: agent === undefined ? {} : { agent },
        kept: { value: output, blobs: [] },
        warnings: noWarnings,
        receipt: note
      })
    }
    const { note, receipt } = found
    return Effect.map(executed, (finished): Finished => ({
      ...finished,
      receipt: note,
      ...(receipt === undefined || finished.question !== undefined
        ? {}
        : { keep: receipt(finished.kept.value, finished.result.agent) })
    }))
  })

const unserved = (type: string): StepError => ({
  code: "TYPE_UNSERVED",
  kind: "configuration",
  message: `No worker here serves the node type ${type}.`,
  retryable: false,
  sent: false
})

const timedOut = (work: Plan.Work, timeoutMs: number): StepError => ({
  code: work.type === "agent" ? "AGENT_TIMEOUT" : work.type === "http" ? "HTTP_TIMEOUT" : "TIMEOUT",
  kind: "timeout",
  message: `The attempt took longer than its timeout of ${timeoutMs} ms and was stopped.`,
  retryable: true,
  ...sentUnknown(work)
})

/** Where an effect outside may have happened, nothing proves that it did not (SEMANTICS 8.11c). */
const sentUnknown = (work: Plan.Work): { readonly sent?: true } =>
  work.effect === "irreversible" || work.effect === "keyed" ? { sent: true } : {}

const finish = (
  work: Plan.Work,
  attempt: AttemptContext.AttemptContext,
  result: StepResult
): Effect.Effect<Finished, StepError> => {
  if (result.asks !== undefined) return asking(attempt, result, result.asks)
  let output = result.output
  let warnings: ReadonlyArray<Warning> = result.warnings ?? []
  const problem = AttemptOutput.problem(output)
  if (problem !== undefined) {
    const repaired = work.type === "agent" ? repair(output) : undefined
    if (repaired === undefined) return Effect.fail(invalid(work, `The output is no JSON within bounds: ${problem}`))
    output = repaired
    warnings = [...warnings, { code: "OUTPUT_REPAIRED", message: `The agent's answer was repaired: ${problem}` }]
  }
  const secrets = attempt.secretsUsed
  if (secrets !== undefined) output = scrubJson(secrets, output)
  const schema = work.definition.output
  if (schema !== undefined) {
    const problems = AttemptOutput.schemaProblems(schema as JsonObject, output)
    if (problems.length > 0) return Effect.fail(invalid(work, "The output does not fit the node's schema.", problems))
  }
  const select = work.fields["select"]
  if (select === undefined) return store(work, result, output, warnings)
  return Effect.flatMap(attempt.scope.json(select, "select", { output }), (selected) => {
    const found = AttemptOutput.problem(selected)
    return found === undefined
      ? store(work, result, selected, warnings)
      : Effect.fail(invalid(work, `What select keeps is no JSON within bounds: ${found}`))
  }).pipe(Effect.mapError((error) => ({ ...error, ...afterCall })))
}

const nothingKept: AttemptOutput.Kept = { value: { v: null }, blobs: [] }

const asking = (
  attempt: AttemptContext.AttemptContext,
  result: StepResult,
  asks: NonNullable<StepResult["asks"]>
): Effect.Effect<Finished, StepError> => {
  const secrets = attempt.secretsUsed
  const question = StepQuestion.read(asks, (json) => secrets === undefined ? json : scrubJson(secrets, json))
  return Result.isSuccess(question)
    ? Effect.succeed({ result, kept: nothingKept, question: question.success, warnings: result.warnings ?? noWarnings })
    : Effect.fail(question.failure)
}

/** An error after the call was made proves nothing about the call. */
const afterCall = { sent: true } as const

/** Only characters can be repaired; depth and size cannot. */
const repair = (output: Json): Json | undefined => {
  const copied = Result.try({ try: () => AttemptOutput.repair(output), catch: () => undefined })
  return Result.isSuccess(copied) && AttemptOutput.problem(copied.success) === undefined ? copied.success : undefined
}

const store = (
  work: Plan.Work,
  result: StepResult,
  output: Json,
  warnings: ReadonlyArray<Warning>
): Effect.Effect<Finished, StepError> => {
  const kept = AttemptOutput.store(output)
  return kept === undefined
    ? Effect.fail(invalid(work, `The output is larger than ${AttemptOutput.outputBytesMax} bytes.`))
    : Effect.succeed({ result, kept, warnings })
}

/** A model may answer better when asked again; everything else gives the same answer. */
const invalid = (work: Plan.Work, message: string, problems?: ReadonlyArray<string>): StepError => ({
  code: "OUTPUT_INVALID",
  kind: "validation",
  message: problems === undefined ? message : `${message} ${problems.join("; ")}`,
  retryable: work.type === "agent",
  ...sentUnknown(work),
  ...(problems === undefined ? undefined : { detail: { problems } })
})

const succeeded = (startedAt: number, attempt: AttemptContext.AttemptContext, finished: Finished): AttemptOutcome => {
  const { kept, question, result } = finished
  const agent = result.agent === undefined ? undefined : { agent: result.agent }
  const receipt = finished.receipt === undefined ? undefined : { receipt: finished.receipt }
  return {
    startedAt,
    outcome: question === undefined
      ? { ok: true, output: kept.value, ...agent, ...receipt }
      : { ok: "asks", question },
    usage: Usages.add(attempt.spent, result.usage),
    warnings: finished.warnings.length === 0 ? noWarnings : bounded(finished.warnings, attempt.secretsUsed),
    blobs: kept.blobs,
    ...(finished.keep === undefined ? undefined : { keep: finished.keep })
  }
}

const noWarnings: ReadonlyArray<Warning> = []

const bounded = (warnings: ReadonlyArray<Warning>, secrets: AttemptSecrets | undefined): ReadonlyArray<Warning> =>
  warnings.slice(0, warningsMax).map(({ code, message }) => ({ code, message: speakable(message, secrets) }))

const failed = (
  startedAt: number,
  attempt: AttemptContext.AttemptContext,
  { purse, work }: AttemptContext.AttemptRequest,
  cause: Cause.Cause<StepError>
): Effect.Effect<AttemptOutcome> => {
  const secrets = attempt.secretsUsed
  const known = Cause.findError(cause)
  const outcome: AttemptOutcome = {
    startedAt,
    outcome: purse?.shortage !== undefined && Result.isSuccess(known) ? { ok: "unfunded", ...purse.shortage } : {
      ok: false,
      error: Result.isSuccess(known) ? clean(known.success, secrets) : broken(work, cause, secrets)
    },
    usage: attempt.spent,
    warnings: noWarnings,
    blobs: []
  }
  if (Result.isSuccess(known)) return Effect.succeed(outcome)
  const story = Cause.pretty(cause)
  return Effect.as(
    Effect.logDebug("A step type broke", { path: attempt.path, cause: secrets?.scrub(story) ?? story }),
    outcome
  )
}

const broken = (work: Plan.Work, cause: Cause.Cause<StepError>, secrets: AttemptSecrets | undefined): StepError => {
  const interrupted = Cause.hasInterruptsOnly(cause)
  const defect = Cause.squash(cause)
  const message = defect instanceof Error ? `${defect.name}: ${defect.message}` : "it threw something that is no error"
  return {
    code: interrupted ? "STEP_INTERRUPTED" : "STEP_BROKE",
    kind: "internal",
    message: interrupted
      ? "The step stopped itself without an answer."
      : speakable(`The step type ${work.type} broke: ${message}`, secrets),
    retryable: interrupted,
    ...sentUnknown(work)
  }
}

/** An error as it may be journaled: bounded, well-formed, without secrets. */
const clean = (error: StepError, secrets: AttemptSecrets | undefined): StepError => {
  const { detail, ...rest } = error
  const kept = detail === undefined ? undefined : keepDetail(detail, secrets)
  return { ...rest, message: speakable(error.message, secrets), ...(kept === undefined ? undefined : { detail: kept }) }
}

const keepDetail = (detail: Json, secrets: AttemptSecrets | undefined): Json | undefined => {
  if (AttemptOutput.problem(detail) !== undefined) return undefined
  const scrubbed = secrets === undefined ? detail : scrubJson(secrets, detail)
  return Buffer.byteLength(JSON.stringify(scrubbed)) > detailBytesMax ? undefined : scrubbed
}

/** Scrubbed before it is cut, so that no half of a secret is left. */
const speakable = (message: string, secrets: AttemptSecrets | undefined): string => {
  const scrubbed = secrets?.scrub(message) ?? message
  const short = scrubbed.length > messageLengthMax ? `${scrubbed.slice(0, messageLengthMax - 1)}…` : scrubbed
  return short.replaceAll("\0", "").toWellFormed()
}
