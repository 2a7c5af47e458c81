/**
 * A small program that runs one agent with two tools on the SQLite store, and may kill itself on the way. It ends when the
 * run has ended, or waits for a person. Arguments as JSON: see {@link Order}.
 */
import * as AgentRegistry from "@baton/agents/AgentRegistry"
import * as ModelRegistry from "@baton/agents/model/ModelRegistry"
import * as ModelAgents from "@baton/agents/ModelAgents"
import { Agents } from "@baton/engine/Agents"
import { byName } from "@baton/engine/AgentTool"
import { Coordinator } from "@baton/engine/Coordinator"
import * as Engine from "@baton/engine/Engine"
import type { Failpoint } from "@baton/engine/Failpoint"
import { Failpoints } from "@baton/engine/Failpoint"
import * as MachineLimits from "@baton/engine/MachineLimits"
import { Plans } from "@baton/engine/Plans"
import { RunStore } from "@baton/engine/RunStore"
import { StepTypes } from "@baton/engine/StepType"
import { inline } from "@baton/kernel/Value"
import * as UndiciDialer from "@baton/net/UndiciDialer"
import * as AgentStep from "@baton/steps/AgentStep"
import type { FunctionContext } from "@baton/steps/FunctionHandlers"
import * as FunctionTools from "@baton/steps/FunctionTools"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as AgentWorkload from "./AgentWorkload.ts"

export interface Order {
  readonly data: string
  /** Where the tools work: what is done there is done. */
  readonly origin: string
  /** The process kills itself when it reaches this place for the n-th time. */
  readonly kill?: { readonly point: Failpoint; readonly n: number }
}

const order: Order = JSON.parse(process.argv[2] ?? "null")

const counts = new Map<Failpoint, number>()

const reach = (point: Failpoint): Effect.Effect<void> =>
  Effect.sync(() => {
    const n = (counts.get(point) ?? 0) + 1
    counts.set(point, n)
    if (order.kill?.point === point && order.kill.n === n) process.kill(process.pid, "SIGKILL")
  })

const at = (path: string) => async (input: unknown, { key }: FunctionContext) => {
  const answer = await fetch(`${order.origin}/${path}`, {
    method: "POST",
    headers: { "idempotency-key": key },
    body: JSON.stringify(input)
  })
  return await answer.json()
}

const handlers = new Map(Object.entries({
  lookup: at("lookup"),
  charge: Object.assign(at("charge"), { effect: "irreversible" as const })
}))

const agents = Layer.effect(
  Agents,
  Effect.gen(function*() {
    const registry = yield* ModelRegistry.ModelRegistry
    const tools = byName(FunctionTools.make({ handlers, version: "1" }))
    return AgentRegistry.make({ sources: [], define: ModelAgents.make({ registry, tools }) })
  })
).pipe(Layer.provide(ModelRegistry.ModelRegistry.layer()), Layer.provide(UndiciDialer.layer))

const limits: MachineLimits.MachineLimits = { ...MachineLimits.defaults, sweepEvery: Duration.millis(50) }

const layer = Engine.layer({ adopt: true }).pipe(
  Layer.provide(
    Layer.effect(StepTypes, Effect.map(AgentStep.make, (step) => new Map([[step.type, step]]))).pipe(
      Layer.provide(agents)
    )
  ),
  Layer.provideMerge(SqliteStore.layer({ data: order.data }))
)

const { run, tenant } = AgentWorkload

const start = Effect.gen(function*() {
  const store = yield* RunStore
  if ((yield* store.find(tenant, run)) !== undefined) return
  const { hash, plan } = yield* Effect.flatMap(Plans, (plans) => plans.freeze(tenant, AgentWorkload.flow))
  const flow = { name: plan.name, version: plan.version, hash }
  yield* (yield* Coordinator).submit({
    tenant,
    run,
    plan,
    blobs: [],
    command: { type: "CreateRun", at: Date.now(), run, flow, input: inline({ customer: "Ada" }) }
  })
})

const rested = Effect.gen(function*() {
  const store = yield* RunStore
  for (;;) {
    const row = yield* store.find(tenant, run)
    if (row !== undefined && row.status !== "running" && row.status !== "pending") return
    yield* Effect.sleep(10)
  }
})

await Effect.runPromise(
  Effect.andThen(start, rested).pipe(
    Effect.provide(layer),
    Effect.provideService(Failpoints, reach),
    Effect.provideService(MachineLimits.MachineLimits, limits)
  )
)
