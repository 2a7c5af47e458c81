/**
 * Baton in this process, on a data folder: the one place where a local program's layers are chosen. Any number of such
 * processes may use one folder side by side; each owns the runs it starts, and takes over others only when told to.
 */
import * as AgentRegistry from "@baton/agents/AgentRegistry"
import * as LocalEndpoints from "@baton/agents/model/LocalEndpoints"
import * as ModelConfig from "@baton/agents/model/ModelConfig"
import * as ModelProviders from "@baton/agents/model/ModelProviders"
import * as ModelRegistry from "@baton/agents/model/ModelRegistry"
import * as PriceFile from "@baton/agents/model/PriceFile"
import { PriceTable } from "@baton/agents/model/Prices"
import * as RateCards from "@baton/agents/model/RateCards"
import * as ModelAgents from "@baton/agents/ModelAgents"
import * as ResearchAgents from "@baton/agents/research/ResearchAgents"
import * as HttpTool from "@baton/agents/tools/HttpTool"
import * as PatchTool from "@baton/agents/tools/PatchTool"
import { ApprovalsClient } from "@baton/contract/ApprovalsClient"
import { AuditClient } from "@baton/contract/AuditClient"
import { BlobsClient } from "@baton/contract/BlobsClient"
import { ClientError } from "@baton/contract/Client"
import * as Clients from "@baton/contract/Client"
import { FlowsClient } from "@baton/contract/FlowsClient"
import { KeysClient } from "@baton/contract/KeysClient"
import { LinksClient } from "@baton/contract/LinksClient"
import { OperatorClient } from "@baton/contract/OperatorClient"
import { PatchesClient } from "@baton/contract/PatchesClient"
import type { Ports } from "@baton/contract/Ports"
import { ReceiptsClient } from "@baton/contract/ReceiptsClient"
import { SecretsClient } from "@baton/contract/SecretsClient"
import { StoreClient } from "@baton/contract/StoreClient"
import { UsageClient } from "@baton/contract/UsageClient"
import { WebhooksClient } from "@baton/contract/WebhooksClient"
import { AccessKeys } from "@baton/engine/AccessKeys"
import { AccessTokens } from "@baton/engine/AccessTokens"
import { Agents } from "@baton/engine/Agents"
import { AgentTools, byName } from "@baton/engine/AgentTool"
import { AuditLog } from "@baton/engine/AuditLog"
import { BlobStore } from "@baton/engine/BlobStore"
import { Coordinator } from "@baton/engine/Coordinator"
import * as Engine from "@baton/engine/Engine"
import { EventFeed } from "@baton/engine/EventFeed"
import { FlowStore } from "@baton/engine/FlowStore"
import { HttpDialer } from "@baton/engine/HttpDialer"
import { IdempotencyStore } from "@baton/engine/IdempotencyStore"
import { Plans } from "@baton/engine/Plans"
import { ReceiptStore } from "@baton/engine/ReceiptStore"
import * as Retention from "@baton/engine/Retention"
import { RunStore, RunStoreError } from "@baton/engine/RunStore"
import { Secrets } from "@baton/engine/Secrets"
import { Sessions } from "@baton/engine/Sessions"
import { StepLog } from "@baton/engine/StepLog"
import { StepTypes } from "@baton/engine/StepType"
import { Sweeper } from "@baton/engine/Sweeper"
import * as WorkerTypes from "@baton/engine/WorkerTypes"
import { semantics } from "@baton/kernel/Event"
import type * as Flow from "@baton/kernel/Flow"
import * as NetPolicy from "@baton/net/NetPolicy"
import * as UndiciDialer from "@baton/net/UndiciDialer"
import * as Recipes from "@baton/recipes/Recipes"
import * as AskUserTool from "@baton/steps/AskUserTool"
import { OutputRoot } from "@baton/steps/FileStep"
import type { HandlerSet } from "@baton/steps/FunctionHandlers"
import { FunctionHandlers } from "@baton/steps/FunctionHandlers"
import * as FunctionTools from "@baton/steps/FunctionTools"
import * as Steps from "@baton/steps/Steps"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import { SqliteUpkeep } from "@baton/store-sqlite/SqliteUpkeep"
import * as Clock from "effect/Clock"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import { join, relative, resolve } from "node:path"
import * as AuditOffice from "./access/AuditOffice.ts"
import * as KeyOffice from "./access/KeyOffice.ts"
import * as LinkOffice from "./access/LinkOffice.ts"
import * as Answers from "./Answers.ts"
import * as Approvals from "./Approvals.ts"
import * as BlobOffice from "./BlobOffice.ts"
import * as CallerPorts from "./CallerPorts.ts"
import * as FlowCatalog from "./FlowCatalog.ts"
import * as StoreWatch from "./gate/StoreWatch.ts"
import * as Handlers from "./Handlers.ts"
import * as LocalClient from "./LocalClient.ts"
import * as OperatorOffice from "./OperatorOffice.ts"
import type { Parts } from "./Parts.ts"
import { defaultTenant, localActor } from "./Parts.ts"
import * as ReceiptOffice from "./ReceiptOffice.ts"
import * as RetentionSetting from "./RetentionSetting.ts"
import * as RunPatches from "./RunPatches.ts"
import * as StoreOffice from "./StoreOffice.ts"
import * as CarriedTrace from "./telemetry/CarriedTrace.ts"
import * as MachineMeter from "./telemetry/MachineMeter.ts"
import * as Telemetry from "./telemetry/Telemetry.ts"
import * as UsageOffice from "./UsageOffice.ts"
import * as WebhookOffice from "./WebhookOffice.ts"
import * as Webhooks from "./webhooks/Webhooks.ts"

export interface LocalOptions {
  /** Folder of the store, or `:memory:`. */
  readonly data: string
  /** The functions of `function` steps: the module that exports them, or the functions that the host program registers. */
  readonly handlers: string | HandlerSet | undefined
  /** Take over unfinished runs whose process died. */
  readonly adopt: boolean
  /** Work on the steps of owned runs (default true); with false the process only asks, decides and records. */
  readonly execute?: boolean
  /** Node types that are worked on; absent: all. Steps of other types wait. */
  readonly types?: ReadonlySet<string>
  /**
   * `send`: this process delivers to webhooks when no other one does; `attend`: so it does, and its environment says which
   * hooks of the environment there are; `none`. By default a process that executes sends.
   */
  readonly webhooks?: "send" | "attend" | "none"
  /** Whether this process can be asked for metrics (default false). */
  readonly metrics?: boolean
  /** Remove finished runs that are old enough (`dev`, `serve`); a process of one command never does. */
  readonly retain?: boolean
  /** Folder that `file` steps write into. */
  readonly outputRoot: string
}

/** Folder outside of which research agents read no document; without it they read what this user may read. */
const readRoot = Config.option(Config.String("BATON_READ_ROOT"))

/** Every call of steps and models; `BATON_NET_ALLOW` and `BATON_NET_PORTS` say what it may reach besides the public web. */
const dialer = CarriedTrace.layerDialer.pipe(
  Layer.provide(UndiciDialer.layer),
  Layer.provide(NetPolicy.NetPolicy.layerFromEnv)
)

/** What agents may list as tools; what comes with the program cannot be replaced by a function of the same name. */
const tools = Layer.effect(
  AgentTools,
  Effect.gen(function*() {
    return byName([
      AskUserTool.make,
      PatchTool.tool,
      HttpTool.make(yield* HttpDialer),
      ...FunctionTools.make(yield* FunctionHandlers)
    ])
  })
)

const agents = (options: LocalOptions) =>
  Layer.effect(
    Agents,
    Effect.gen(function*() {
      const registry = yield* ModelRegistry.ModelRegistry
      const root = yield* readRoot
      const research = {
        ...(Option.isSome(root) ? { root: resolve(root.value) } : {}),
        indexFolder: options.data === ":memory:" ? resolve(".baton", "corpus") : join(options.data, "corpus"),
        workingFolder: resolve("."),
        shipped: Recipes.shippedDocuments
      }
      const served = { registry, tools: yield* AgentTools }
      return AgentRegistry.make({
        sources: ResearchAgents.sources(research, registry),
        define: ModelAgents.make(served),
        describe: ModelAgents.describe(served)
      })
    })
  ).pipe(Layer.provide(ModelRegistry.ModelRegistry.layer()), Layer.provide(tools))

/** A path in a step's output reads the same wherever the project lies. */
const shown = (root: string): string => {
  const below = relative(resolve("."), root)
  return below === "" || below.startsWith("..") ? root : below
}

const steps = (options: LocalOptions, handlers: Layer.Layer<FunctionHandlers, ClientError>) =>
  Steps.layer.pipe(
    Layer.provide(handlers),
    Layer.provide(Layer.succeed(OutputRoot, shown(options.outputRoot)))
  )

const machine = (options: LocalOptions, handlers: Layer.Layer<FunctionHandlers, ClientError>) =>
  Engine.layer({
    adopt: options.adopt,
    execute: options.execute ?? true,
    ...(options.types === undefined ? {} : { types: options.types })
  }).pipe(
    Layer.provideMerge(steps(options, handlers)),
    Layer.provideMerge(agents(options).pipe(Layer.provide(handlers))),
    Layer.provideMerge(dialer),
    Layer.provideMerge(PriceFile.layer),
    Layer.provideMerge(StoreWatch.StoreWatch.layer),
    Layer.provideMerge(SqliteStore.layer({ data: options.data }))
  )

/** A program that lacks the rules an unfinished run was made under must not touch it (SEMANTICS 8.13c). */
const requireSemantics = Effect.fnUntraced(function*(parts: Parts): Effect.fn.Return<void, ClientError> {
  const status = ["pending", "running", "waiting"] as const
  const open = yield* parts.store.tenants.pipe(
    Effect.flatMap((tenants) => Effect.forEach(tenants, (tenant) => parts.store.list({ tenant, status, limit: 1000 }))),
    Effect.mapError(Answers.fromStore)
  )
  const unknown = open.flat().filter((row) => row.semantics !== semantics)
  if (unknown.length === 0) return
  return yield* Effect.fail(
    new ClientError({
      reason: "unavailable",
      code: "SEMANTICS_UNKNOWN",
      message: `unfinished runs were made under rules this program does not have: ${
        unknown.map((row) => row.run).join(", ")
      }`,
      hint: "finish them with the newer Baton, or choose another folder with --data"
    })
  )
})

/** Prices as they are now, those of the operator's list before the built-in ones. */
const ratesOf = Effect.fnUntraced(function*(agents: Agents["Service"]) {
  const table = yield* PriceTable
  const { model: defaultModel } = yield* ModelConfig.load
  const known = { find: agents.find, providers: ModelProviders.names, defaultModel }
  return (flows: ReadonlyArray<Flow.Flow>, bound: { readonly [name: string]: string }) =>
    Effect.provideService(RateCards.make(flows, bound, known), PriceTable, table)
})

/** What every tenant's ports share: made once in a process. */
export class Host extends Context.Service<Host, {
  readonly parts: Parts
  /** Of requests that may come again. */
  readonly keys: IdempotencyStore["Service"]
  /** All ports for one tenant, with the name of who acts. Cheap: nothing is opened. */
  readonly portsOf: (who: CallerPorts.Who) => Context.Context<Ports>
  /** How the store is doing; cheap to ask. */
  readonly health: Effect.Effect<StoreWatch.StoreHealth>
}>()("baton/server/Host") {}

const servedBy = ({ execute = true, types }: LocalOptions, known: ReadonlyArray<string>): ReadonlySet<string> =>
  new Set(execute ? known.filter((type) => WorkerTypes.serves(types, type)) : [])

/** Steps of a type that is misspelt would wait for ever, and nobody would see why. */
const checkTypes = (types: ReadonlySet<string> | undefined, known: ReadonlyArray<string>) => {
  const unknown = [...(types ?? [])].find((type) => !known.includes(type))
  return unknown === undefined ? Effect.void : Effect.fail(
    new ClientError({
      reason: "invalid",
      code: "ROLE_UNKNOWN",
      message: `worker:${unknown.slice(0, 64)}: no worker works on steps of that type`,
      hint: `worker:TYPE, where TYPE is one of ${known.filter((type) => type !== "gather").toSorted().join(", ")}`
    })
  )
}

const host = (options: LocalOptions) =>
  Layer.effect(
    Host,
    Effect.gen(function*() {
      const types = [...(yield* StepTypes).keys(), "gather"]
      yield* checkTypes(options.types, types)
      const parts: Parts = {
        tenant: defaultTenant,
        by: localActor,
        coordinator: yield* Coordinator,
        sweeper: yield* Sweeper,
        plans: yield* Plans,
        store: yield* RunStore,
        sessions: yield* Sessions,
        blobs: yield* BlobStore,
        flows: yield* FlowStore,
        catalog: yield* FlowCatalog.make(yield* FlowStore),
        feed: yield* EventFeed,
        log: yield* StepLog,
        secrets: yield* Secrets,
        receipts: yield* ReceiptStore,
        keys: yield* AccessKeys,
        tokens: yield* AccessTokens,
        audit: yield* AuditLog,
        webhooks: yield* Webhooks.make,
        agents: yield* Agents,
        rates: yield* ratesOf(yield* Agents),
        clock: yield* Clock.Clock,
        endpoints: Effect.provideService(LocalEndpoints.detect(), HttpDialer, yield* HttpDialer),
        execute: options.execute ?? true,
        served: servedBy(options, types),
        functions: (yield* FunctionHandlers).handlers
      }
      yield* requireSemantics(parts)
      const keep = yield* RetentionSetting.load
      if (options.retain === true) yield* Retention.start(keep)
      const upkeep = yield* SqliteUpkeep
      const { execute = true, webhooks = execute ? "send" : "none" } = options
      if (webhooks !== "none") yield* Webhooks.start(parts, webhooks)
      return {
        parts,
        keys: yield* IdempotencyStore,
        portsOf: CallerPorts.remembered((who) => ports({ ...parts, ...who }, upkeep, options.data)),
        health: yield* StoreWatch.health(options.data)
      }
    })
  )

const ports = (parts: Parts, upkeep: SqliteUpkeep["Service"], data: string): Context.Context<Ports> =>
  Context.make(Clients.Client, LocalClient.make(parts)).pipe(
    Context.add(ApprovalsClient, Approvals.make(parts)),
    Context.add(AuditClient, AuditOffice.make(parts)),
    Context.add(KeysClient, KeyOffice.make(parts)),
    Context.add(LinksClient, LinkOffice.make(parts)),
    Context.add(BlobsClient, BlobOffice.make(parts)),
    Context.add(OperatorClient, OperatorOffice.make(parts)),
    Context.add(ReceiptsClient, ReceiptOffice.make(parts)),
    Context.add(SecretsClient, StoreOffice.secrets(parts)),
    Context.add(FlowsClient, FlowCatalog.client(parts)),
    Context.add(PatchesClient, RunPatches.make(parts)),
    Context.add(UsageClient, UsageOffice.make(parts)),
    Context.add(WebhooksClient, WebhookOffice.make(parts)),
    Context.add(StoreClient, StoreOffice.store(parts, upkeep, data))
  )

/** Which variable is wrong stands in the problem's path: ["NAME"]. */
export const fromConfig = ({ cause }: Config.ConfigError): ClientError => {
  const text = cause.message.replace(/\s+/g, " ").trim()
  const name = /\["(\w+)"\]/.exec(text)?.[1]
  return new ClientError({
    reason: "invalid",
    code: "CONFIG_INVALID",
    message: name === undefined ? text : `${name}: ${text.slice(0, text.indexOf(" at [")).trim()}`,
    hint: name === undefined ? "check the environment's BATON_ variables" : `unset ${name}, or give it another value`
  })
}

const fromPrices = ({ file, message }: PriceFile.PriceFileError): ClientError =>
  new ClientError({
    reason: "invalid",
    code: "PRICES_INVALID",
    message: `BATON_PRICES: ${file}: ${message.replace(/\s+/g, " ")}`,
    hint:
      "give it the shape {\"asOf\": DATE, \"models\": {\"provider/model\": {\"input\": USD, \"output\": USD}}}, per million tokens"
  })

/** Why this process cannot start. */
export const toClientError = (error: unknown): ClientError => {
  if (error instanceof ClientError) return error
  if (error instanceof RunStoreError) return Answers.fromStore(error)
  if (error instanceof Config.ConfigError) return fromConfig(error)
  if (error instanceof PriceFile.PriceFileError) return fromPrices(error)
  const message = error instanceof Error ? error.message : String(error)
  return new ClientError({ reason: "unavailable", code: "START_FAILED", message })
}

/** Baton in this process, for any tenant; closing its scope stops the machine in order. */
export const hostLayer = (options: LocalOptions): Layer.Layer<Host | Telemetry.Telemetry, ClientError> => {
  const handlers = typeof options.handlers === "object"
    ? FunctionHandlers.layer(options.handlers)
    : Layer.effect(FunctionHandlers, Handlers.load(options.handlers))
  return Layer.merge(host(options), MachineMeter.layer).pipe(
    Layer.provide(machine(options, handlers)),
    Layer.provide(handlers),
    Layer.provideMerge(Telemetry.layer({ metrics: options.metrics === true })),
    Layer.catch((error) => Layer.effectContext(Effect.fail(toClientError(error))))
  )
}

/** Everything a local program needs: the ports of the one person at this machine. */
export const layer = (options: LocalOptions): Layer.Layer<Ports, ClientError> =>
  Layer.effectContext(Effect.map(Host, ({ portsOf }) => portsOf({ tenant: defaultTenant, by: localActor }))).pipe(
    Layer.provide(hostLayer(options))
  )
