/**
 * `agent`: asks an agent, or the agents of a list in turn.
 *
 * A name means, in this order: what the run binds it to, an agent the flow defines, a registered agent. The next agent of
 * a list is asked when the one before has failed, but never when an irreversible call may have been made. With a timeout,
 * each agent of a list gets an equal share of what is left of it.
 */
import type { AgentAnswer, AgentError } from "@baton/engine/Agents"
import { Agents } from "@baton/engine/Agents"
import type { StepContext, StepResult, StepType } from "@baton/engine/StepType"
import type * as Flow from "@baton/kernel/Flow"
import type { StepError } from "@baton/kernel/StepError"
import { Usage } from "@baton/kernel/Usage"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as AgentDeterminants from "./AgentDeterminants.ts"

/** Agents one step may name. */
export const candidatesMax = 8

export const make: Effect.Effect<StepType, never, Agents> = Effect.map(Agents, (agents) => ({
  type: "agent",
  determinants: (context) =>
    AgentDeterminants.make(
      agents,
      candidatesOf(context).map(({ agent, model, name }) => ({ agent, model, name: name ?? context.path }))
    ),
  execute: (context) => execute(agents, context)
}))

/** One agent to ask: how the flow calls it, and what stands behind that name. */
interface Candidate {
  readonly name: string | undefined
  readonly agent: string | Flow.AgentDefinition
  readonly outputSchema: JsonObject | undefined
  readonly model: string | undefined
}

const execute = Effect.fnUntraced(function*(
  agents: Agents["Service"],
  context: StepContext
): Effect.fn.Return<StepResult, StepError> {
  const candidates = candidatesOf(context)
  if (candidates.length === 0 || candidates.length > candidatesMax) {
    return yield* Effect.fail(wrongNumber(candidates.length))
  }
  const input = yield* context.field("input")
  const startedAt = yield* Clock.currentTimeMillis
  const failures: Array<{ readonly agent: string; readonly code: string; readonly message: string }> = []
  for (const [index, candidate] of candidates.entries()) {
    const last = index === candidates.length - 1
    const share = last ? undefined : yield* shareOf(context, startedAt, candidates.length - index)
    const asked = yield* Effect.result(ask(agents, context, candidate, index, input, share))
    if (Result.isSuccess(asked)) return resultOf(candidate, asked.success)
    const error = asked.failure
    if (last || !mayGoOn(context, error)) return yield* Effect.fail(withStory(error, failures))
    const name = candidate.name ?? "the agent"
    failures.push({ agent: name, code: error.code, message: error.message })
    yield* context.log(`${name} failed (${error.code}: ${error.message}); asking the next agent`)
  }
  return yield* Effect.fail(wrongNumber(0))
})

const candidatesOf = (context: StepContext): ReadonlyArray<Candidate> => {
  const { definition } = context.work
  const named = "agent" in definition ? definition.agent : []
  if (typeof named === "string") return [byName(context, named)]
  if (isList(named)) return named.map((name) => byName(context, name))
  return [defined(context, undefined, named)]
}

const isList = (
  named: ReadonlyArray<string> | Flow.AgentDefinition
): named is ReadonlyArray<string> => Array.isArray(named)

const byName = (context: StepContext, name: string): Candidate => {
  const bound = own(context.agents, name)
  const definition = own(context.flowAgents, name)
  if (bound !== undefined) {
    return { name, agent: bound, outputSchema: definition?.outputSchema, model: definition?.model }
  }
  return definition === undefined
    ? { name, agent: name, outputSchema: undefined, model: undefined }
    : defined(context, name, definition)
}

const own = <A>(record: { readonly [name: string]: A }, name: string): A | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined

const defined = (context: StepContext, name: string | undefined, definition: Flow.AgentDefinition): Candidate => ({
  name,
  agent: definition.use === undefined ? definition : own(context.agents, definition.use) ?? definition.use,
  outputSchema: definition.outputSchema,
  model: definition.model
})

const shareOf = (context: StepContext, startedAt: number, left: number): Effect.Effect<number | undefined> =>
  context.timeout === undefined ? Effect.succeed(undefined) : Effect.map(
    Clock.currentTimeMillis,
    (now) => Math.max(1, Math.floor((Duration.toMillis(context.timeout!) - (now - startedAt)) / left))
  )

const ask = (
  agents: Agents["Service"],
  context: StepContext,
  candidate: Candidate,
  index: number,
  input: Json,
  shareMs: number | undefined
): Effect.Effect<AgentAnswer, StepError> => {
  const outputSchema = (context.work.definition.output as JsonObject | undefined) ?? candidate.outputSchema
  const call = agents.call({
    tenant: context.tenant,
    run: context.run,
    path: context.path,
    attempt: context.attempt,
    key: index === 0 ? context.key : `${context.key}.${index}`,
    agent: candidate.agent,
    name: candidate.name ?? context.path,
    input,
    ...(outputSchema === undefined ? undefined : { outputSchema }),
    ...(candidate.model === undefined ? undefined : { model: candidate.model }),
    emit: context.emit,
    log: context.log,
    conversation: context.conversation(index)
  }).pipe(
    Effect.tapError((error) => Effect.sync(() => spend(context, error))),
    Effect.mapError(stepError)
  )
  return shareMs === undefined
    ? call
    : Effect.timeoutOrElse(call, { duration: shareMs, orElse: () => Effect.fail(outOfTime(shareMs)) })
}

const resultOf = (candidate: Candidate, answer: AgentAnswer): StepResult => ({
  output: answer.output,
  agent: candidate.name ?? answer.agent,
  ...(answer.asks === undefined ? undefined : { asks: answer.asks }),
  ...(answer.usage === undefined ? undefined : { usage: answer.usage }),
  ...(answer.warnings === undefined ? undefined : { warnings: answer.warnings })
})

const mayGoOn = (context: StepContext, error: StepError): boolean =>
  !context.announced && (context.work.effect !== "irreversible" || error.sent === false)

/** What a failed call has used is paid all the same. */
const spend = (context: StepContext, error: AgentError): void => {
  const usage = Schema.decodeUnknownOption(Usage)(error.usage)
  if (Option.isSome(usage)) context.spend(usage.value)
}

const kinds = {
  timeout: "timeout",
  api: "api",
  validation: "validation",
  configuration: "configuration",
  unknown_agent: "configuration",
  refused: "policy",
  store: "io"
} as const

const stepError = (error: AgentError): StepError => ({
  code: error.code ?? (error.reason === "unknown_agent" ? "AGENT_UNKNOWN" : `AGENT_${error.reason.toUpperCase()}`),
  kind: kinds[error.reason],
  message: error.message,
  retryable: error.retryable,
  ...(error.status === undefined ? undefined : { status: error.status }),
  ...(error.retryAfterMs === undefined ? undefined : { retryAfterMs: error.retryAfterMs }),
  ...(error.sent === undefined ? undefined : { sent: error.sent }),
  ...(error.problems === undefined ? undefined : { detail: { problems: error.problems } })
})

const outOfTime = (ms: number): StepError => ({
  code: "AGENT_TIMEOUT",
  kind: "timeout",
  message: `The agent did not answer within its share of the step's timeout, ${ms} ms.`,
  retryable: true,
  sent: true
})

const wrongNumber = (found: number): StepError => ({
  code: "AGENT_CONFIGURATION",
  kind: "configuration",
  message: `An agent step names 1 to ${candidatesMax} agents; this one names ${found}.`,
  retryable: false,
  sent: false
})

/** The last agent's error, and what the ones before it said. */
const withStory = (
  error: StepError,
  failures: ReadonlyArray<{ readonly agent: string; readonly code: string; readonly message: string }>
): StepError =>
  failures.length === 0
    ? error
    : { ...error, detail: { ...(error.detail as JsonObject | undefined), before: failures } }
