/** What the local client works with, gathered once. */
import type { LocalEndpoint } from "@baton/agents/model/LocalEndpoints"
import type { Scope } from "@baton/contract/http/Scope"
import type { AccessKeys } from "@baton/engine/AccessKeys"
import type { AccessTokens } from "@baton/engine/AccessTokens"
import type { Agents } from "@baton/engine/Agents"
import type { AuditLog } from "@baton/engine/AuditLog"
import type { BlobStore } from "@baton/engine/BlobStore"
import type { Coordinator } from "@baton/engine/Coordinator"
import type { EventFeed } from "@baton/engine/EventFeed"
import type { FlowStore } from "@baton/engine/FlowStore"
import type { Plans } from "@baton/engine/Plans"
import type { ReceiptStore } from "@baton/engine/ReceiptStore"
import type { RunStore } from "@baton/engine/RunStore"
import type { Secrets } from "@baton/engine/Secrets"
import type { Sessions } from "@baton/engine/Sessions"
import type { StepLog } from "@baton/engine/StepLog"
import type { Sweeper } from "@baton/engine/Sweeper"
import type * as Flow from "@baton/kernel/Flow"
import type { RateCard } from "@baton/kernel/Rates"
import type { FunctionHandler } from "@baton/steps/FunctionHandlers"
import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import type { FlowCatalog } from "./FlowCatalog.ts"
import type { Telling } from "./webhooks/Webhooks.ts"

/** The tenant of a store that serves one person. */
export const defaultTenant = "default"
/** Who acts where nobody has said who they are: the person at this machine. */
export const localActor = "local"

export interface Parts {
  /** Whose runs, flows, secrets and receipts: all that is asked or told through these parts is about this tenant. */
  readonly tenant: string
  /** Who acts, for the journal. */
  readonly by: string
  /** Groups that the one who acts is in, where that has been proven. */
  readonly groups?: ReadonlyArray<string>
  /** What the one who acts may; absent in a program that works on the store itself, which nobody can stop. */
  readonly scopes?: ReadonlySet<Scope>
  /** Id of the key that has proven it. */
  readonly key?: string
  readonly coordinator: Coordinator["Service"]
  readonly sweeper: Sweeper["Service"]
  readonly plans: Plans["Service"]
  readonly store: RunStore["Service"]
  readonly sessions: Sessions["Service"]
  readonly blobs: BlobStore["Service"]
  readonly flows: FlowStore["Service"]
  readonly catalog: FlowCatalog
  readonly feed: EventFeed["Service"]
  readonly log: StepLog["Service"]
  readonly secrets: Secrets["Service"]
  readonly receipts: ReceiptStore["Service"]
  readonly keys: AccessKeys["Service"]
  readonly tokens: AccessTokens["Service"]
  readonly audit: AuditLog["Service"]
  readonly webhooks: Telling
  readonly agents: Agents["Service"]
  /** The prices of now, of every model that the agents of some flows may ask. */
  readonly rates: (
    flows: ReadonlyArray<Flow.Flow>,
    bound: { readonly [name: string]: string }
  ) => Effect.Effect<RateCard>
  readonly clock: Clock.Clock
  /** Model servers on this machine, asked now. */
  readonly endpoints: Effect.Effect<ReadonlyArray<LocalEndpoint>>
  /** Steps are executed here. */
  readonly execute: boolean
  /** Node types that this process works on; none when it executes nothing. */
  readonly served: ReadonlySet<string>
  /** Functions served here, by name. */
  readonly functions: ReadonlyMap<string, FunctionHandler>
}
