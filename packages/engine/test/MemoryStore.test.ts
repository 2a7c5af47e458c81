import * as MemorySecrets from "@baton/engine/MemorySecrets"
import * as MemoryState from "@baton/engine/MemoryState"
import * as MemoryStore from "@baton/engine/MemoryStore"
import * as BlobStoreSuite from "@baton/engine/testing/BlobStoreSuite"
import * as ClaimSuite from "@baton/engine/testing/ClaimSuite"
import * as FlowStoreSuite from "@baton/engine/testing/FlowStoreSuite"
import * as RunStoreSuite from "@baton/engine/testing/RunStoreSuite"
import * as SecretsSuite from "@baton/engine/testing/SecretsSuite"
import * as SessionsSuite from "@baton/engine/testing/SessionsSuite"
import * as StepLogSuite from "@baton/engine/testing/StepLogSuite"

const shared = MemoryState.MemoryState.layerWith({ dispatchRows: true })

RunStoreSuite.suite("memory", MemoryStore.layer)
RunStoreSuite.suite("memory, shared", MemoryStore.layerShared)
SessionsSuite.suite("memory", { store: MemoryState.MemoryState.layer, process: MemoryStore.layerOver })
SessionsSuite.suite("memory, shared", { store: shared, process: MemoryStore.layerOver })
ClaimSuite.suite("memory, shared", { store: shared, process: MemoryStore.layerOver })
BlobStoreSuite.suite("memory", MemoryStore.layer)
FlowStoreSuite.suite("memory", MemoryStore.layer)
StepLogSuite.suite("memory", MemoryStore.layer)
SecretsSuite.suite("memory", MemorySecrets.layer)
