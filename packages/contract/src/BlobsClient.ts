/**
 * Stored values, as a program may read them: what a document shows as `{ "$ref": "sha256:…", "bytes": n }`.
 *
 * An address is no permission: `not_found`, code `BLOB_MISSING`, answers one that this tenant does not have.
 */
import type { Json } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { ClientError } from "./Client.ts"

export class BlobsClient extends Context.Service<BlobsClient, {
  readonly read: (ref: string) => Effect.Effect<Json, ClientError>
}>()("baton/contract/BlobsClient") {}
