/** What a step type sees of its attempt. Everything that is not always needed is made when it is asked for. */
import type * as Flow from "@baton/kernel/Flow"
import * as Modifications from "@baton/kernel/Modifications"
import type * as Plan from "@baton/kernel/Plan"
import type { StepError } from "@baton/kernel/StepError"
import type { Usage } from "@baton/kernel/Usage"
import * as Usages from "@baton/kernel/Usage"
import type { Json, Value } from "@baton/kernel/Value"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as AgentConversation from "./AgentConversation.ts"
import type { AgentStreamEvent } from "./Agents.ts"
import * as AttemptSecrets from "./AttemptSecrets.ts"
import type { BlobStore } from "./BlobStore.ts"
import * as FieldScope from "./FieldScope.ts"
import type { PatchAnswer, PatchRequest } from "./PlanPatching.ts"
import * as PlanPatching from "./PlanPatching.ts"
import type { Purse } from "./Purse.ts"
import type { ReceiptDesk } from "./Receipts.ts"
import type { AttemptConversation, ConversationMachine } from "./RecordedConversation.ts"
import * as RecordedConversation from "./RecordedConversation.ts"
import type { Secrets } from "./Secrets.ts"
import { lineBytesMax } from "./StepLog.ts"
import type { StepAnswer, StepContext } from "./StepType.ts"

/** Log lines of one attempt; the last one says that more were dropped. */
export const attemptLinesMax = 1000

const noAnswers: ReadonlyArray<StepAnswer> = []

/** One attempt as the coordinator hands it over. */
export interface AttemptRequest {
  readonly tenant: string
  readonly run: string
  readonly path: string
  readonly attempt: number
  /** 0, and one more for each operator's retry with changes (SEMANTICS 8.11b). */
  readonly generation: number
  /** A JSON Merge Patch on the step's input, from an operator's retry (SEMANTICS 8.8). */
  readonly modifications?: Value | undefined
  /** Answers to questions that the step has asked itself; absent: none. */
  readonly answers?: ReadonlyArray<StepAnswer> | undefined
  readonly work: Plan.Work
  readonly source: FieldScope.Source
  /** The names agents of the flow are bound to in this run. */
  readonly agents: { readonly [name: string]: string }
  readonly flowAgents: { readonly [name: string]: Flow.AgentDefinition }
  readonly log: (line: string) => Effect.Effect<void>
  readonly emit: (event: AgentStreamEvent) => Effect.Effect<void>
  /** Commits `CallStarted` under the key; asked before an irreversible attempt does anything (SEMANTICS 8.2d). */
  readonly startCall?: (key: string) => Effect.Effect<void, StepError>
  /** Asks for a change of the plan; absent outside of a run. */
  readonly patch?: (request: PatchRequest) => Effect.Effect<PatchAnswer>
  /** Where an agent's conversation is recorded; absent outside of a run. */
  readonly conversation?: ConversationMachine | undefined
  /** What the attempt may spend; absent where nothing is limited. */
  readonly purse?: Purse | undefined
  /** Where results may be found that are used again; absent where nothing is. */
  readonly receipts?: ReceiptDesk | undefined
}

export interface AttemptServices {
  readonly blobs: BlobStore["Service"]
  readonly secrets: Secrets["Service"]
}

/**
 * The context, and what the runner reads from it afterwards. A step type may take functions off the context: what most
 * steps call is made with it, the rest when it is asked for.
 */
export class AttemptContext implements StepContext {
  readonly tenant: string
  readonly run: string
  readonly path: string
  readonly attempt: number
  readonly work: Plan.Work
  readonly agents: StepContext["agents"]
  readonly flowAgents: StepContext["flowAgents"]
  readonly scope: FieldScope.FieldScope
  readonly elements: StepContext["elements"]
  readonly #request: AttemptRequest
  readonly #services: AttemptServices
  #key: string | undefined
  #usage: Usage | undefined
  #secrets: AttemptSecrets.AttemptSecrets | undefined
  #lines = 0
  #conversation: AttemptConversation | undefined

  constructor(request: AttemptRequest, services: AttemptServices) {
    this.tenant = request.tenant
    this.run = request.run
    this.path = request.path
    this.attempt = request.attempt
    this.work = request.work
    this.agents = request.agents
    this.flowAgents = request.flowAgents
    this.scope = FieldScope.make(request.tenant, request.source, services.blobs)
    this.elements = this.scope.elements
    this.#request = request
    this.#services = services
  }

  get generation(): number {
    return this.#request.generation
  }

  get key(): string {
    return this.#key ??= AgentConversation.callKey(this.run, this.path, this.#request.generation, 0)
  }

  get answers(): ReadonlyArray<StepAnswer> {
    return this.#request.answers ?? noAnswers
  }

  get timeout(): Duration.Duration | undefined {
    return this.work.timeoutMs === undefined ? undefined : Duration.millis(this.work.timeoutMs)
  }

  /** An irreversible tool has been called: no other agent may begin the work anew. */
  get announced(): boolean {
    return this.#conversation?.announced === true
  }

  get patch(): StepContext["patch"] {
    return (request) => {
      return this.#request.patch?.(request) ?? Effect.succeed(PlanPatching.gone)
    }
  }

  get conversation(): StepContext["conversation"] {
    return (candidate) => {
      const machine = this.#request.conversation
      if (machine === undefined) return AgentConversation.unrecorded(this.run, this.path, candidate)
      this.#conversation ??= RecordedConversation.open(machine.recorded)
      return RecordedConversation.make(this.#request, machine, this.#conversation, candidate, (json) => {
        const secrets = this.secretsUsed
        return secrets === undefined ? json : AttemptSecrets.scrubJson(secrets, json)
      })
    }
  }

  /** Everything `spend` was told. */
  get spent(): Usage | undefined {
    return this.#usage
  }

  /** Undefined while no secret has been used: only then is there nothing to scrub. */
  get secretsUsed(): AttemptSecrets.AttemptSecrets | undefined {
    return this.#secrets?.used() ? this.#secrets : undefined
  }

  get #secretsMade(): AttemptSecrets.AttemptSecrets {
    return this.#secrets ??= AttemptSecrets.make(this.tenant, this.#services.secrets)
  }

  readonly field: StepContext["field"] = (name) =>
    this.#request.modifications === undefined ? this.#field(name) : this.#modified(name, this.#field(name))

  #field(name: string): Effect.Effect<Json, StepError> {
    const template = this.work.fields[name]
    if (template === undefined) return Effect.succeed(written(this.work, name))
    return template.references.secrets.size > 0
      ? Effect.fail(AttemptSecrets.notAllowed(name))
      : this.scope.json(template, name)
  }

  /** Only an attempt that an operator has changed pays for this. */
  #modified<A extends Json | Redacted.Redacted<Json>>(
    name: string,
    value: Effect.Effect<A, StepError>
  ): Effect.Effect<A, StepError> {
    const { modifications } = this.#request
    if (modifications === undefined) return value
    return Effect.flatMap(this.scope.load(modifications), (patch) =>
      Effect.map(value, (plain): A => {
        const inside = (json: Json): Json => Modifications.modify(this.work.type, patch, name, json)
        return (Redacted.isRedacted(plain) ? Redacted.make(inside(Redacted.value(plain) as Json)) : inside(plain)) as A
      }))
  }

  readonly stored: StepContext["stored"] = (name) => {
    if (this.#request.modifications !== undefined) return Effect.map(this.field(name), (v): Value => ({ v }))
    const template = this.work.fields[name]
    if (template === undefined) return Effect.succeed<Value>({ v: written(this.work, name) })
    return template.references.secrets.size > 0
      ? Effect.fail(AttemptSecrets.notAllowed(name))
      : this.scope.stored(template, name)
  }

  get load(): StepContext["load"] {
    return (value) => this.scope.load(value)
  }

  /** The field as the key of a receipt takes it: a large value as it is stored, a secret by its name. */
  hashable(name: string): Effect.Effect<Json, StepError> {
    const template = this.work.fields[name]
    if (template === undefined || template.references.secrets.size === 0) {
      return Effect.map(this.stored(name), (value) => value as unknown as Json)
    }
    const names = [...template.references.secrets].map((secret): [string, Json] => [secret, `[secret ${secret}]`])
    return this.#modified(name, this.scope.json(template, name, { secrets: Object.fromEntries(names) }))
  }

  get secret(): StepContext["secret"] {
    return (name, host) => this.#secretsMade.reveal(name, host)
  }

  get secretJson(): StepContext["secretJson"] {
    return (name, host) => {
      const template = this.work.fields[name]
      if (template === undefined) return this.field(name)
      const filled = this.#secretsMade.fill(template, name, host, this.scope.json)
      return this.#request.modifications === undefined ? filled : this.#modified(name, filled)
    }
  }

  get secretField(): StepContext["secretField"] {
    return (name, host) => Effect.flatMap(this.secretJson(name, host), (value) => texts(name, value))
  }

  get log(): StepContext["log"] {
    return (line) => {
      this.#lines++
      if (this.#lines > attemptLinesMax) return Effect.void
      if (this.#lines === attemptLinesMax) {
        return this.#request.log(`… more than ${attemptLinesMax} lines; the rest is dropped`)
      }
      return this.#request.log(cut(this.secretsUsed?.scrub(line) ?? line))
    }
  }

  get emit(): StepContext["emit"] {
    return (event) => {
      const secrets = this.secretsUsed
      return this.#request.emit(secrets === undefined ? event : scrubEvent(secrets, event))
    }
  }

  get spend(): StepContext["spend"] {
    return (more) => {
      this.#usage = Usages.add(this.#usage, more)
    }
  }
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
