/** All ports of the store in memory. */
import * as Layer from "effect/Layer"
import * as MemoryAccessKeys from "./MemoryAccessKeys.ts"
import * as MemoryAccessTokens from "./MemoryAccessTokens.ts"
import * as MemoryAuditLog from "./MemoryAuditLog.ts"
import * as MemoryBlobStore from "./MemoryBlobStore.ts"
import * as MemoryFlowStore from "./MemoryFlowStore.ts"
import * as MemoryReceiptStore from "./MemoryReceiptStore.ts"
import * as MemoryRunStore from "./MemoryRunStore.ts"
import * as MemorySessions from "./MemorySessions.ts"
import * as MemoryState from "./MemoryState.ts"
import * as MemoryStepLog from "./MemoryStepLog.ts"

/** The ports over a given state: provide it twice over one state to have two processes on one store. */
export const layerOver = Layer.mergeAll(
  MemoryRunStore.layer,
  MemorySessions.layer,
  MemoryBlobStore.layer,
  MemoryFlowStore.layer,
  MemoryStepLog.layer,
  MemoryReceiptStore.layer,
  MemoryAccessKeys.layer,
  MemoryAccessTokens.layer,
  MemoryAuditLog.layer
)

/** One process on one store. The state is provided too, for tests that look behind the ports. */
export const layer = Layer.provideMerge(layerOver, MemoryState.MemoryState.layer)

/** The same, behaving like a shared store: dispatch rows, claims, leases. */
export const layerShared = Layer.provideMerge(layerOver, MemoryState.MemoryState.layerWith({ dispatchRows: true }))
