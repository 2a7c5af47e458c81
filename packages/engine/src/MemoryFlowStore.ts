/** Flows in memory. */
import type * as Flow from "@baton/kernel/Flow"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as CanonicalJson from "./CanonicalJson.ts"
import { FlowStore, FlowStoreError, newest, type PublishedFlow, versionOf } from "./FlowStore.ts"
import * as MemoryState from "./MemoryState.ts"

type State = typeof MemoryState.MemoryState.Service

const freeze = (state: State, tenant: string, flow: Flow.Flow): string => {
  const text = CanonicalJson.text(flow)
  const hash = CanonicalJson.address(text)
  state.documents.set(MemoryState.key(tenant, hash), text)
  return hash
}

const frozen = (state: State, tenant: string, hash: string): Effect.Effect<Flow.Flow, FlowStoreError> => {
  const text = state.documents.get(MemoryState.key(tenant, hash))
  return text === undefined
    ? Effect.fail(new FlowStoreError({ reason: "missing", message: `No flow document ${hash} is stored.` }))
    : Effect.succeed(JSON.parse(text) as Flow.Flow)
}

const publish = Effect.fnUntraced(function*(state: State, tenant: string, flow: Flow.Flow, at: number) {
  const hash = CanonicalJson.address(CanonicalJson.text(flow))
  const version = flow.version ?? versionOf(hash)
  const versions = state.published.get(tenant) ?? []
  const found = versions.find((other) => other.name === flow.name && other.version === version)
  if (found?.hash === hash) return found
  if (found !== undefined) {
    return yield* new FlowStoreError({
      reason: "exists",
      message: `${flow.name} ${version} is published with other content. Give the changed flow a new version.`
    })
  }
  const published: PublishedFlow = { name: flow.name, version, hash, publishedAt: at }
  freeze(state, tenant, flow)
  state.published.set(tenant, [...versions, published])
  return published
})

const find = Effect.fnUntraced(function*(state: State, tenant: string, name: string, version: string | undefined) {
  const published = newest(
    (state.published.get(tenant) ?? [])
      .filter((other) => other.name === name && (version === undefined || other.version === version))
  )
  if (published === undefined) {
    const wanted = version === undefined ? name : `${name} ${version}`
    return yield* new FlowStoreError({ reason: "missing", message: `No flow ${wanted} is published.` })
  }
  return { flow: yield* frozen(state, tenant, published.hash), published }
})

export const layer: Layer.Layer<FlowStore, never, MemoryState.MemoryState> = Layer.effect(
  FlowStore,
  Effect.gen(function*() {
    const state = yield* MemoryState.MemoryState
    return FlowStore.of({
      freeze: (tenant, flow) => Effect.sync(() => freeze(state, tenant, flow)),
      frozen: (tenant, hash) => Effect.suspend(() => frozen(state, tenant, hash)),
      publish: (tenant, flow, at) => publish(state, tenant, flow, at),
      find: (tenant, name, version) => find(state, tenant, name, version),
      list: (tenant) => Effect.sync(() => [...state.published.get(tenant) ?? []])
    })
  })
)
