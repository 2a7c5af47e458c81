/** Flows by name: those that were published, and those that come with Baton. */
import { ClientError } from "@baton/contract/Client"
import type { FlowDocument, FlowItem } from "@baton/contract/FlowsClient"
import { FlowsClient } from "@baton/contract/FlowsClient"
import { timeText } from "@baton/contract/Wire"
import * as CanonicalJson from "@baton/engine/CanonicalJson"
import type { FlowStore, FlowStoreError, PublishedFlow } from "@baton/engine/FlowStore"
import { newest } from "@baton/engine/FlowStore"
import type * as Flow from "@baton/kernel/Flow"
import { nearest } from "@baton/kernel/Problem"
import type { Json } from "@baton/kernel/Value"
import * as Recipes from "@baton/recipes/Recipes"
import * as Cache from "effect/Cache"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Answers from "./Answers.ts"
import * as FlowSource from "./FlowSource.ts"
import type { Parts } from "./Parts.ts"

/** Names looked up that are kept. */
export const lookupsMax = 200
/** How long what a name means is kept: a version published by another process is seen after that. */
export const lookupsFor = Duration.minutes(5)

export interface Found {
  readonly flow: Flow.Flow
  readonly published: Omit<PublishedFlow, "publishedAt"> & { readonly publishedAt: number | undefined }
}

export interface FlowCatalog {
  readonly find: (tenant: string, name: string, version: string | undefined) => Effect.Effect<Found, ClientError>
  /** Forgets what names mean: something was published here. */
  readonly forget: Effect.Effect<void>
}

const keyOf = (tenant: string, name: string, version: string | undefined): string =>
  JSON.stringify(version === undefined ? [tenant, name] : [tenant, name, version])

const shipped = (name: string, version: string | undefined): Found | undefined => {
  const { flow, plan } = FlowSource.find(name) ?? {}
  if (flow === undefined || plan === undefined || (version !== undefined && version !== plan.version)) return undefined
  const hash = CanonicalJson.address(CanonicalJson.text(flow))
  return { flow, published: { name, version: plan.version, hash, publishedAt: undefined } }
}

/** Looks up published flows, keeping what it finds; what is not there is asked again each time. */
export const make = (flows: FlowStore["Service"]): Effect.Effect<FlowCatalog> =>
  Effect.map(
    Cache.makeWith((key: string): Effect.Effect<Found, FlowStoreError> => {
      const [tenant, name, version]: [string, string, string?] = JSON.parse(key)
      return flows.find(tenant, name, version)
    }, {
      capacity: lookupsMax,
      timeToLive: (exit) => Exit.isSuccess(exit) ? lookupsFor : Duration.zero
    }),
    (cache): FlowCatalog => ({
      // A tenant's own flow of that name stands before the one that comes with Baton.
      find: (tenant, name, version) =>
        Effect.catch(Cache.get(cache, keyOf(tenant, name, version)), (error) => {
          const own = error.reason === "missing" ? shipped(name, version) : undefined
          return own === undefined
            ? Effect.flatMap(hint(tenant, flows, name, version, error), (failed) => Effect.fail(failed))
            : Effect.succeed(own)
        }),
      forget: Cache.invalidateAll(cache)
    })
  )

/** What is not there, told with the name that was most likely meant. */
const hint = (
  tenant: string,
  flows: FlowStore["Service"],
  name: string,
  version: string | undefined,
  error: FlowStoreError
): Effect.Effect<ClientError> =>
  error.reason !== "missing" ? Effect.succeed(Answers.fromFlows(error)) : Effect.map(
    Effect.catch(flows.list(tenant), () => Effect.succeed([])),
    (published) => {
      const versions = published.filter((one) => one.name === name).map((one) => one.version)
      const names = new Set([...published.map((one) => one.name), ...Recipes.flows.map((one) => one.name)])
      const near = nearest(name, names)
      return new ClientError({
        reason: "not_found",
        code: "FLOW_MISSING",
        message: error.message,
        hint: version !== undefined && versions.length > 0
          ? `published versions of ${name}: ${versions.join(", ")}`
          : near !== undefined
          ? `did you mean ${near}?`
          : "give a flow file such as ./flow.yaml, or see: baton flows list"
      })
    }
  )

const item = ({ flow, published }: Found): FlowItem => ({
  name: published.name,
  version: published.version,
  hash: published.hash,
  publishedAt: published.publishedAt === undefined ? null : timeText(published.publishedAt),
  description: flow.description ?? null
})

const publish = Effect.fnUntraced(function*(parts: Parts, text: string, file: string) {
  const agents = yield* parts.agents.list
  const checked = FlowSource.check(text, file, new Set(agents.map((agent) => agent.name)))
  const { flow } = yield* FlowSource.require(checked, file)
  const before = yield* Effect.mapError(parts.flows.list(parts.tenant), Answers.fromFlows)
  const at = parts.clock.currentTimeMillisUnsafe()
  const published = yield* parts.flows.publish(parts.tenant, flow, at).pipe(
    Effect.mapError((error) =>
      error.reason !== "exists" ? Answers.fromFlows(error) : new ClientError({
        reason: "conflict",
        code: "VERSION_EXISTS",
        message: error.message,
        hint: `baton flows diff ${file} ${flow.name}@${flow.version ?? ""}`
      })
    )
  )
  yield* parts.catalog.forget
  const isNew = !before.some((one) => one.name === published.name && one.version === published.version)
  return { ...item({ flow, published }), isNew }
})

const list = Effect.fnUntraced(function*(parts: Parts, name: string | undefined) {
  const published = yield* Effect.mapError(parts.flows.list(parts.tenant), Answers.fromFlows)
  const names = [...new Set(published.map((one) => one.name))].filter((one) => name === undefined || one === name)
  const items: Array<FlowItem> = []
  for (const one of names.toSorted()) {
    const left = published.filter((version) => version.name === one)
    for (let next = newest(left); next !== undefined; next = name === undefined ? undefined : newest(left)) {
      const { flow } = yield* Effect.mapError(parts.flows.find(parts.tenant, one, next.version), Answers.fromFlows)
      items.push(item({ flow, published: next }))
      left.splice(left.indexOf(next), 1)
    }
  }
  if (name === undefined || items.length === 0) {
    for (const recipe of Recipes.flows) {
      const found = name === undefined || name === recipe.name ? shipped(recipe.name, undefined) : undefined
      if (found !== undefined && !names.includes(recipe.name)) items.push(item(found))
    }
  }
  return items
})

export const client = (parts: Parts): FlowsClient["Service"] =>
  FlowsClient.of({
    publish: (text, file) => publish(parts, text, file),
    list: (name) => list(parts, name),
    find: (name, version) =>
      Effect.map(parts.catalog.find(parts.tenant, name, version), (found): FlowDocument => ({
        ...item(found),
        canonical: found.flow as unknown as Json
      }))
  })
