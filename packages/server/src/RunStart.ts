/** Starting a run: the flow is checked, its input fits, what it needs is there; then it is made durable. */
import { ClientError } from "@baton/contract/Client"
import type { StartRun } from "@baton/contract/Client"
import type { RunDocument } from "@baton/contract/RunDocument"
import type { AuditDraft } from "@baton/engine/AuditLog"
import type { NewBlob } from "@baton/engine/StoredValue"
import { store } from "@baton/engine/StoredValue"
import type * as Flow from "@baton/kernel/Flow"
import * as JsonBounds from "@baton/kernel/JsonBounds"
import * as JsonSchema from "@baton/kernel/JsonSchema"
import type { Plan } from "@baton/kernel/Plan"
import type { Json, JsonObject } from "@baton/kernel/Value"
import { undeclaredEffectOf } from "@baton/steps/FunctionHandlers"
import * as Effect from "effect/Effect"
import * as Trails from "./access/Trail.ts"
import * as Answers from "./Answers.ts"
import * as FlowPinning from "./FlowPinning.ts"
import * as FlowSource from "./FlowSource.ts"
import type { Parts } from "./Parts.ts"
import * as RunBudget from "./RunBudget.ts"
import * as RunId from "./RunId.ts"
import * as RunReading from "./RunReading.ts"
import { RequestTrace } from "./telemetry/CarriedTrace.ts"
import * as WebhookOffice from "./WebhookOffice.ts"

/** HTTP status of an answer that made something. */
const created = 201

const refuse = (code: string, message: string, more: { hint?: string; problems?: ReadonlyArray<Json> } = {}) =>
  Effect.fail(new ClientError({ reason: "invalid", code, message, ...more }))

/**
 * The flow of a request, checked. The same request gets the same objects, which whoever freezes flows knows again: what
 * was looked up or compiled a moment ago is not compiled and stored anew for every run.
 */
export const flowOf = Effect.fnUntraced(function*(parts: Parts, flow: StartRun["flow"]) {
  if ("text" in flow) return yield* FlowSource.ofText(flow.text, flow.file)
  const found = yield* parts.catalog.find(parts.tenant, flow.name, flow.version)
  return yield* FlowSource.ofPublished(found.flow, flow.name)
})

/** Refuses a plan whose steps, or those of the flows it calls, this process could not execute. */
export const requireServed = Effect.fnUntraced(function*(parts: Parts, plan: Plan, command: string) {
  const plans = yield* FlowPinning.family(parts, plan)
  const bodies = plans.flatMap(({ nodes }) =>
    nodes.flatMap((node) => node.each === undefined ? [node] : [node.each.body])
  )
  for (const work of bodies) {
    if (!("function" in work.definition)) continue
    const name = work.definition.function
    const handler = parts.functions.get(name)
    if (handler === undefined) {
      return yield* refuse("FUNCTION_UNKNOWN", `no function ${name} is registered`, {
        hint: `${command} --handlers FILE   (a module that exports ${name})`
      })
    }
    const effect = undeclaredEffectOf(handler, work)
    if (effect !== undefined) {
      return yield* refuse(
        "EFFECT_UNDECLARED",
        `the function ${name} says that it is ${effect}, and its node says nothing`,
        {
          hint: `give the node an effect: ${effect}, or what it is there`
        }
      )
    }
  }
})

export const requireSecrets = Effect.fnUntraced(function*(parts: Parts, plans: ReadonlyArray<Plan>) {
  const missing: Array<string> = []
  for (const name of new Set(plans.flatMap((plan) => plan.document.secrets ?? []))) {
    const has = yield* Effect.catch(parts.secrets.has(parts.tenant, name), () => Effect.succeed(false))
    if (!has) missing.push(name)
  }
  if (missing.length > 0) {
    return yield* refuse("SECRET_MISSING", `the flow needs secrets that are not set: ${missing.join(", ")}`, {
      hint: `baton secrets set ${missing[0]} --host HOST`
    })
  }
})

export const requireInput = Effect.fnUntraced(function*(flow: Flow.Flow, input: Json) {
  const violation = JsonBounds.check(input)
  if (violation !== undefined) {
    return yield* refuse("INPUT_INVALID", `the input is no JSON within bounds: ${violation.message}`)
  }
  if (flow.input === undefined) return
  const problems = JsonSchema.validate(flow.input as JsonObject, input)
  if (problems.length > 0) {
    const [first] = problems
    return yield* refuse(
      "INPUT_INVALID",
      `the input does not fit ${flow.name}: ${
        first?.pointer === "" ? "input" : `input${first?.pointer}`
      }: ${first?.message}`,
      { problems: problems.map(({ message, pointer }) => ({ pointer, message })) }
    )
  }
})

/** Agents that name no model get the run's; it stays with the run, so that a resume asks the same one. */
const withModel = (flow: Flow.Flow, model: string | undefined): Flow.Flow => {
  if (model === undefined || flow.agents === undefined) return flow
  const agents = Object.entries(flow.agents).map(([name, agent]) => [name, { model, ...agent }] as const)
  return { ...flow, agents: Object.fromEntries(agents) }
}

const modelAgent = /^research\/llm\/(planner|researcher|writer)$/

/** A research agent that is bound without a model of its own gets the run's. */
const withModels = (agents: StartRun["agents"], model: string | undefined): StartRun["agents"] =>
  agents === undefined || model === undefined
    ? agents
    : Object.fromEntries(
      Object.entries(agents).map(([name, agent]) => [name, modelAgent.test(agent) ? `${agent}@${model}` : agent])
    )

/** What creating this run is in the audit log, when it was asked for over HTTP. */
const auditOf = (trail: Trails.Trail | undefined, run: string, at: number): AuditDraft | undefined =>
  trail?.principal === undefined || trail.action === undefined
    ? undefined
    : Trails.entry(trail, { at, action: trail.action, object: run, outcome: "done", status: created })

/** Starts a run; answers as it is once that is durable. */
export const start = Effect.fnUntraced(
  function*(parts: Parts, request: StartRun): Effect.fn.Return<RunDocument, ClientError> {
    const { flow: written, origin } = yield* flowOf(parts, request.flow)
    const file = "text" in request.flow ? request.flow.file : request.flow.name
    yield* requireInput(written, request.input)
    for (const name of Object.keys(request.agents ?? {})) {
      if (!Object.hasOwn(written.agents ?? {}, name)) {
        return yield* refuse("AGENT_UNKNOWN", `${written.name} has no agent ${name} that could be bound`)
      }
    }
    const agents = withModels(request.agents, request.model)
    const frozen = yield* FlowPinning.freeze(parts, written, { file, origin }, (flow) => withModel(flow, request.model))
    yield* requireServed(parts, frozen.plan, `baton run ${file}`)
    yield* requireSecrets(parts, yield* FlowPinning.family(parts, frozen.plan))
    const ledger = yield* RunBudget.terms(parts, frozen.plan, frozen.plan.document, {
      ...request,
      ...(agents && { agents })
    })
    const trace = yield* RequestTrace
    const at = parts.clock.currentTimeMillisUnsafe()
    const run = request.id ?? RunId.make("run", at)
    const blobs: Array<NewBlob> = []
    const input = store(request.input, blobs)
    // The hook is there before the first record: a run that is there is told of, whenever this process dies.
    const undo = yield* WebhookOffice.addForRun(parts, run, request.webhook)
    const trail = yield* Trails.Trail
    const audit = auditOf(trail, run, at)
    let shown: RunDocument | undefined
    const settled = yield* parts.coordinator.submit({
      tenant: parts.tenant,
      run,
      plan: frozen.plan,
      blobs,
      audit,
      seen: (slot, state) => {
        shown = RunReading.atHand(parts, slot, state)
      },
      command: {
        type: "CreateRun",
        at,
        run,
        flow: { name: frozen.plan.name, version: frozen.plan.version, hash: frozen.hash },
        input,
        by: request.by ?? parts.by,
        ...(request.tags === undefined ? {} : { tags: request.tags }),
        ...(agents === undefined ? {} : { agents }),
        ...(ledger === undefined ? {} : { ledger }),
        ...(trace === undefined ? {} : { trace })
      }
    })
    yield* Effect.tapError(Answers.fromSettled(run, settled), () => undo)
    if (trail !== undefined && audit !== undefined) trail.recorded = audit.status
    return shown ?? (yield* RunReading.show(parts, run))
  }
)
