/** Published flows, as a program may ask about them. A version, once published, never changes. */
import type { Json } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ClientError } from "./Client.ts"

/** One line of `flows list`. */
export const FlowItem = Schema.Struct({
  name: Schema.String,
  version: Schema.String,
  /** Address of the canonical document. */
  hash: Schema.String,
  /** RFC 3339; null for a flow that comes with the program. */
  publishedAt: Schema.Union([Schema.String, Schema.Null]),
  description: Schema.Union([Schema.String, Schema.Null])
})
export type FlowItem = typeof FlowItem.Type

export interface FlowDocument extends FlowItem {
  /** The flow in the canonical form. */
  readonly canonical: Json
}

export class FlowsClient extends Context.Service<FlowsClient, {
  /**
   * Publishes a document under its name and version. The same content again is no change; other content under a version
   * that is there is refused (`conflict`, code `VERSION_EXISTS`); a faulty document, `FLOW_INVALID`.
   */
  readonly publish: (text: string, file: string) => Effect.Effect<FlowItem & { readonly isNew: boolean }, ClientError>
  /** Newest version of each flow first, by name; with a name, all versions of that flow. */
  readonly list: (name?: string) => Effect.Effect<ReadonlyArray<FlowItem>, ClientError>
  /** The named version, or the newest by semantic version; `not_found`, code `FLOW_MISSING`, tells the nearest name. */
  readonly find: (name: string, version?: string) => Effect.Effect<FlowDocument, ClientError>
}>()("baton/contract/FlowsClient") {}
