import * as MemoryState from "@baton/engine/MemoryState"
import * as MemoryStore from "@baton/engine/MemoryStore"
import * as RunStoreSuite from "@baton/engine/testing/RunStoreSuite"
import * as SessionsSuite from "@baton/engine/testing/SessionsSuite"

RunStoreSuite.suite("memory", MemoryStore.layer)
SessionsSuite.suite("memory", { store: MemoryState.MemoryState.layer, process: MemoryStore.layerOver })
