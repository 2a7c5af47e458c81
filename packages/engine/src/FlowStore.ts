/**
 * Published flows and the frozen documents of runs.
 *
 * Promise. A version, once published, never changes: publishing the same name and version with other content is refused.
 * `freeze` stores a canonical document under its hash, so that a run stays pinned to what it was started with.
 */
import type * as Flow from "@baton/kernel/Flow"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SemVer from "effect/SemVer"

export interface PublishedFlow {
  readonly name: string
  readonly version: string
  readonly hash: string
  readonly publishedAt: number
}

/** The version of a flow that states none, made from its content, so that each content has its own. */
export const versionOf = (hash: string): string => `sha-${hash.slice("sha256:".length).slice(0, 12)}`

const parsed = ({ version }: PublishedFlow): SemVer.SemVer | undefined =>
  Option.getOrUndefined(Result.getSuccess(SemVer.parse(version)))

/**
 * The newest of one flow's versions, given in the order of publishing: the highest by the order of Semantic Versioning
 * 2.0.0; versions of another form are older than all of that form; of equals the one published last.
 */
export const newest = (versions: ReadonlyArray<PublishedFlow>): PublishedFlow | undefined =>
  versions.reduce<PublishedFlow | undefined>((best, one) => {
    if (best === undefined) return one
    const [before, after] = [parsed(best), parsed(one)]
    if (before === undefined) return one
    return after !== undefined && SemVer.Order(after, before) >= 0 ? one : best
  }, undefined)

export class FlowStoreError extends Schema.TaggedError<FlowStoreError>()("FlowStoreError", {
  reason: Schema.Literals(["missing", "exists", "corrupt", "unavailable"]),
  message: Schema.String
}) {}

export class FlowStore extends Context.Service<FlowStore, {
  /** Stores a canonical document under the address of its canonical JSON, `sha256:<hex>`; the same document once. */
  readonly freeze: (tenant: string, flow: Flow.Flow) => Effect.Effect<string, FlowStoreError>
  readonly frozen: (tenant: string, hash: string) => Effect.Effect<Flow.Flow, FlowStoreError>
  /** Publishing the same content again answers what is there; other content fails with `exists`. */
  readonly publish: (tenant: string, flow: Flow.Flow, at: number) => Effect.Effect<PublishedFlow, FlowStoreError>
  /** The named version, or the {@link newest}. */
  readonly find: (
    tenant: string,
    name: string,
    version: string | undefined
  ) => Effect.Effect<{ readonly flow: Flow.Flow; readonly published: PublishedFlow }, FlowStoreError>
  /** In the order of publishing. */
  readonly list: (tenant: string) => Effect.Effect<ReadonlyArray<PublishedFlow>, FlowStoreError>
}>()("baton/engine/FlowStore") {}
