/** What a step type sees of its attempt. Everything that is not always needed is made when it is asked for. */
import type * as Flow from "@baton/kernel/Flow"
import type * as Plan from "@baton/kernel/Plan"
import type { StepError } from "@baton/kernel/StepError"
import type { Usage } from "@baton/kernel/Usage"
import type { Json, Value } from "@baton/kernel/Value"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { createHash } from "node:crypto"
import type { AgentStreamEvent } from "./Agents.ts"
import * as AttemptSecrets from "./AttemptSecrets.ts"
import type { BlobStore } from "./BlobStore.ts"
import * as FieldScope from "./FieldScope.ts"
import type { Secrets } from "./Secrets.ts"
import { lineBytesMax } from "./StepLog.ts"
import type { StepContext } from "./StepType.ts"

/** Log lines of one attempt; the last one says that more were dropped. */
export const attemptLinesMax = 1000

/** One attempt as the coordinator hands it over. */
export interface AttemptRequest {
  readonly tenant: string
  readonly run: string
  readonly path: string
  readonly attempt: number
  /** 0, and one more for each operator's retry with changes (SEMANTICS 8.11b). */
  readonly generation: number
  readonly work: Plan.Work
  readonly source: FieldScope.Source
  /** The names agents of the flow are bound to in this run. */
  readonly agents: { readonly [name: string]: string }
  readonly flowAgents: { readonly [name: string]: Flow.AgentDefinition }
  readonly log: (line: string) => Effect.Effect<void>
  readonly emit: (event: AgentStreamEvent) => Effect.Effect<void>
  /** Commits `CallStarted` under the key; asked before an irreversible attempt does anything (SEMANTICS 8.2d). */
  readonly startCall?: (key: string) => Effect.Effect<void, StepError>
}

export interface AttemptServices {
  readonly blobs: BlobStore["Service"]
  readonly secrets: Secrets["Service"]
}

/** The context, and what the runner reads from it afterwards. */
export interface Attempt {
  readonly context: StepContext
  readonly scope: FieldScope.FieldScope
  readonly usage: () => Usage | undefined
  /** Undefined while no secret has been used. */
  readonly secrets: () => AttemptSecrets.AttemptSecrets | undefined
}

/**
 * Stable over redeliveries and automatic retries of one call: a hash of who calls, as 43 characters of base64url.
 * `ordinal` counts the calls a step makes, the step itself being 0.
 */
export const idempotencyKey = (run: string, path: string, generation: number, ordinal: number): string =>
  createHash("sha256").update(JSON.stringify([run, path, generation, ordinal])).digest("base64url")

export const make = (request: AttemptRequest, services: AttemptServices): Attempt => {
  const { work } = request
  const scope = FieldScope.make(request.tenant, request.source, services.blobs)
  let key: string | undefined
  let usage: Usage | undefined
  let secrets: AttemptSecrets.AttemptSecrets | undefined
  let lines = 0
  const secretsOf = () => secrets ??= AttemptSecrets.make(request.tenant, services.secrets)
  const secretJson = (name: string, host: string) => {
    const template = work.fields[name]
    if (template === undefined) return Effect.succeed(written(work, name))
    return secretsOf().fill(template, name, host, scope.json)
  }
  const context: StepContext = {
    tenant: request.tenant,
    run: request.run,
    path: request.path,
    attempt: request.attempt,
    work,
    agents: request.agents,
    flowAgents: request.flowAgents,
    timeout: work.timeoutMs === undefined ? undefined : Duration.millis(work.timeoutMs),
    get key() {
      return key ??= idempotencyKey(request.run, request.path, request.generation, 0)
    },
    field: (name) => {
      const template = work.fields[name]
      if (template === undefined) return Effect.succeed(written(work, name))
      if (template.references.secrets.size > 0) return Effect.fail(AttemptSecrets.notAllowed(name))
      return scope.json(template, name)
    },
    stored: (name) => {
      const template = work.fields[name]
      if (template === undefined) return Effect.succeed<Value>({ v: written(work, name) })
      if (template.references.secrets.size > 0) return Effect.fail(AttemptSecrets.notAllowed(name))
      return scope.stored(template, name)
    },
    elements: scope.elements,
    secret: (name, host) => secretsOf().reveal(name, host),
    secretJson,
    secretField: (name, host) => Effect.flatMap(secretJson(name, host), (value) => texts(name, value)),
    log: (line) => {
      lines++
      if (lines > attemptLinesMax) return Effect.void
      if (lines === attemptLinesMax) return request.log(`… more than ${attemptLinesMax} lines; the rest is dropped`)
      return request.log(cut(secrets?.used() ? secrets.scrub(line) : line))
    },
    emit: (event) => request.emit(secrets?.used() ? scrubEvent(secrets, event) : event),
    spend: (more) => {
      usage = sum(usage, more)
    }
  }
  return { context, scope, usage: () => usage, secrets: () => secrets?.used() ? secrets : undefined }
}

/** A field that holds no expression and was not parsed; null when the author left it out. */
const written = (work: Plan.Work, name: string): Json =>
  ((work.definition as unknown as { readonly [field: string]: Json | undefined })[name]) ?? null

const texts = (
  field: string,
  value: Json | Redacted.Redacted<Json>
): Effect.Effect<{ readonly [key: string]: string | Redacted.Redacted<string> }, StepError> => {
  const secret = Redacted.isRedacted(value)
  const plain = secret ? Redacted.value(value) : value
  if (plain === null) return Effect.succeed({})
  if (typeof plain !== "object" || Array.isArray(plain)) return Effect.fail(noTexts(field, "it is no object"))
  const found: Array<[string, string | Redacted.Redacted<string>]> = []
  for (const [key, member] of Object.entries(plain)) {
    if (member === null) continue
    if (typeof member === "object") return Effect.fail(noTexts(field, "it holds a list or an object"))
    found.push([key, secret ? Redacted.make(String(member)) : String(member)])
  }
  return Effect.succeed(Object.fromEntries(found))
}

const noTexts = (field: string, why: string): StepError => ({
  code: "FIELD_INVALID",
  kind: "configuration",
  message: `${field} must be an object whose members are text, numbers or booleans; ${why}.`,
  retryable: false,
  sent: false
})

const cut = (line: string): string =>
  line.length * 3 <= lineBytesMax || Buffer.byteLength(line) <= lineBytesMax
    ? line
    : Buffer.from(line).subarray(0, lineBytesMax - 3).toString().replace(/\uFFFD*$/, "…")

const scrubEvent = (secrets: AttemptSecrets.AttemptSecrets, event: AgentStreamEvent): AgentStreamEvent =>
  AttemptSecrets.scrubJson(secrets, { ...event }) as unknown as AgentStreamEvent

/** Adds up what several calls used; what one of them does not know stays what the others know. */
export const sum = (a: Usage | undefined, b: Usage | undefined): Usage | undefined => {
  if (a === undefined || b === undefined) return a ?? b
  const total: { -readonly [K in keyof Usage]: Usage[K] } = { ...a }
  for (const name of ["calls", "inputTokens", "outputTokens", "cachedTokens", "costUsd"] as const) {
    const more = b[name]
    if (more !== undefined) total[name] = (total[name] ?? 0) + more
  }
  if (b.estimated === true) total.estimated = true
  if (b.model !== undefined) total.model = b.model
  return total
}
