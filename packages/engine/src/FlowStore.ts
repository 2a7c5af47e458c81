/**
 * Published flows and the frozen documents of runs.
 *
 * Promise. A version, once published, never changes: publishing the same name and version with other content is refused.
 * `freeze` stores a canonical document under its hash, so that a run stays pinned to what it was started with.
 */
import type * as Flow from "@baton/kernel/Flow"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

export interface PublishedFlow {
  readonly name: string
  readonly version: string
  readonly hash: string
  readonly publishedAt: number
}

export class FlowStoreError extends Schema.TaggedError<FlowStoreError>()("FlowStoreError", {
  reason: Schema.Literals(["missing", "exists", "corrupt", "unavailable"]),
  message: Schema.String
}) {}

export class FlowStore extends Context.Service<FlowStore, {
  /** Stores a canonical document under the SHA-256 of its canonical JSON; the same document is stored once. */
  readonly freeze: (tenant: string, flow: Flow.Flow) => Effect.Effect<string, FlowStoreError>
  readonly frozen: (tenant: string, hash: string) => Effect.Effect<Flow.Flow, FlowStoreError>
  readonly publish: (tenant: string, flow: Flow.Flow, at: number) => Effect.Effect<PublishedFlow, FlowStoreError>
  /** The named version, or the one published last. */
  readonly find: (
    tenant: string,
    name: string,
    version: string | undefined
  ) => Effect.Effect<{ readonly flow: Flow.Flow; readonly published: PublishedFlow }, FlowStoreError>
  readonly list: (tenant: string) => Effect.Effect<ReadonlyArray<PublishedFlow>, FlowStoreError>
}>()("baton/engine/FlowStore") {}
