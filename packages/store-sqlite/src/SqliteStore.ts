/**
 * All ports of the store on one SQLite file, `<data>/baton.db`, or in memory.
 *
 * Promise. What `commit` has acknowledged survives power loss. Any number of processes may use one data folder at a time.
 */
import { AccessKeys } from "@baton/engine/AccessKeys"
import { AccessTokens } from "@baton/engine/AccessTokens"
import { AuditLog } from "@baton/engine/AuditLog"
import { BlobStore } from "@baton/engine/BlobStore"
import { FlowStore } from "@baton/engine/FlowStore"
import { IdempotencyStore } from "@baton/engine/IdempotencyStore"
import { ReceiptStore } from "@baton/engine/ReceiptStore"
import { RunStore, type RunStoreError } from "@baton/engine/RunStore"
import { Secrets, type SecretsError } from "@baton/engine/Secrets"
import { Sessions } from "@baton/engine/Sessions"
import { StepLog } from "@baton/engine/StepLog"
import { WebhookStore } from "@baton/engine/WebhookStore"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as SqliteAccess from "./SqliteAccess.ts"
import * as SqliteBlobStore from "./SqliteBlobStore.ts"
import * as SqliteFlowStore from "./SqliteFlowStore.ts"
import * as SqliteIdempotencyStore from "./SqliteIdempotencyStore.ts"
import * as SqliteReceiptStore from "./SqliteReceiptStore.ts"
import * as SqliteRunStore from "./SqliteRunStore.ts"
import * as SqliteSecrets from "./SqliteSecrets.ts"
import * as SqliteSessions from "./SqliteSessions.ts"
import * as SqliteStepLog from "./SqliteStepLog.ts"
import * as SqliteUpkeep from "./SqliteUpkeep.ts"
import * as SqliteWebhooks from "./SqliteWebhooks.ts"
import * as StoreAccess from "./StoreAccess.ts"
import * as StoreFile from "./StoreFile.ts"

export interface Options {
  /** Folder of the store, made when it is not there, or `:memory:`. */
  readonly data: string
  /** Which program writes, for the store's own record; `baton` by default. */
  readonly program?: string
  /** Where commits run; `auto` (default) moves them to a thread when a sync takes over {@link inlineSyncMsMax}. */
  readonly commits?: "auto" | "inline" | "thread"
}

/** Above this, in milliseconds, the fastest of a few syncs moves commits to a thread (SEMANTICS 8.14). */
export const inlineSyncMsMax = 1

const isThreaded = ({ commits = "auto", data }: Options, opened: StoreFile.Opened): boolean => {
  if (data === StoreFile.inMemory || commits === "inline") return false
  return commits === "thread" || StoreFile.measureSync(opened, inlineSyncMsMax) > inlineSyncMsMax
}

const make = Effect.fnUntraced(function*(options: Options) {
  const { data, program = "baton" } = options
  const opened = yield* Effect.acquireRelease(
    StoreAccess.untilFree(StoreAccess.attempt(StoreFile.fileOf(data), () => StoreFile.open(data, program))),
    ({ connection }) => Effect.sync(() => connection.close())
  )
  const threaded = yield* StoreAccess.untilFree(
    StoreAccess.attempt(opened.connection.file, () => isThreaded(options, opened))
  )
  const access = threaded ? yield* StoreAccess.makeThreaded(opened) : StoreAccess.makeInline(opened)
  const folder = data === StoreFile.inMemory ? undefined : StoreFile.sessionsOf(data)
  const sessions = yield* SqliteSessions.make(access, folder)
  const keyFile = data === StoreFile.inMemory ? undefined : StoreFile.keyOf(data)
  // It is read when it is needed first, by whoever that is: what the configuration says is known here only.
  const configuration = yield* ConfigProvider.ConfigProvider
  const key = yield* Effect.cached(
    Effect.provideService(SqliteSecrets.openKey(keyFile), ConfigProvider.ConfigProvider, configuration)
  )
  const secrets = yield* SqliteSecrets.make(access, key)
  const keys = yield* SqliteIdempotencyStore.make(access)
  return Context.make(RunStore, SqliteRunStore.make(access)).pipe(
    Context.add(Sessions, sessions),
    Context.add(BlobStore, SqliteBlobStore.make(access)),
    Context.add(FlowStore, SqliteFlowStore.make(access)),
    Context.add(StepLog, SqliteStepLog.make(access)),
    Context.add(ReceiptStore, SqliteReceiptStore.make(access)),
    Context.add(IdempotencyStore, keys),
    Context.add(AccessKeys, SqliteAccess.keys(access)),
    Context.add(AccessTokens, SqliteAccess.tokens(access)),
    Context.add(AuditLog, SqliteAccess.audit(access)),
    Context.add(Secrets, secrets),
    Context.add(WebhookStore, SqliteWebhooks.make(access, key, sessions.id, folder)),
    Context.add(SqliteUpkeep.SqliteUpkeep, SqliteUpkeep.make(access, opened.connection.file))
  )
})

export type Ports =
  | RunStore
  | Sessions
  | BlobStore
  | FlowStore
  | StepLog
  | ReceiptStore
  | IdempotencyStore
  | AccessKeys
  | AccessTokens
  | AuditLog
  | Secrets
  | WebhookStore
  | SqliteUpkeep.SqliteUpkeep

/** One process on one store. Built afresh wherever it is provided: two of them on one folder are two sessions. */
export const layer = (
  options: Options
): Layer.Layer<Ports, RunStoreError | SecretsError> => Layer.effectContext(make(options))
