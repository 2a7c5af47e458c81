import * as AccessSuite from "@baton/engine/testing/AccessSuite"
import * as BlobStoreSuite from "@baton/engine/testing/BlobStoreSuite"
import * as FlowStoreSuite from "@baton/engine/testing/FlowStoreSuite"
import * as IdempotencySuite from "@baton/engine/testing/IdempotencySuite"
import * as ReceiptStoreSuite from "@baton/engine/testing/ReceiptStoreSuite"
import * as RunStoreSuite from "@baton/engine/testing/RunStoreSuite"
import * as SecretsSuite from "@baton/engine/testing/SecretsSuite"
import * as SessionsSuite from "@baton/engine/testing/SessionsSuite"
import * as StepLogSuite from "@baton/engine/testing/StepLogSuite"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as Layer from "effect/Layer"
import * as DataFolder from "./DataFolder.ts"

for (const commits of ["inline", "thread"] as const) {
  const process = DataFolder.process({ commits })
  const layer = Layer.provide(process, DataFolder.DataFolder.layer)
  const name = `sqlite file, ${commits}`
  RunStoreSuite.suite(name, layer)
  SessionsSuite.suite(name, { store: DataFolder.DataFolder.layer, process })
  BlobStoreSuite.suite(name, layer)
  FlowStoreSuite.suite(name, layer)
  StepLogSuite.suite(name, layer)
  ReceiptStoreSuite.suite(name, layer)
  IdempotencySuite.suite(name, layer)
  SecretsSuite.suite(name, layer)
  AccessSuite.suite(name, layer)
}

const memory = SqliteStore.layer({ data: ":memory:" })
RunStoreSuite.suite("sqlite in memory", memory)
BlobStoreSuite.suite("sqlite in memory", memory)
FlowStoreSuite.suite("sqlite in memory", memory)
StepLogSuite.suite("sqlite in memory", memory)
ReceiptStoreSuite.suite("sqlite in memory", memory)
IdempotencySuite.suite("sqlite in memory", memory)
SecretsSuite.suite("sqlite in memory", memory)
AccessSuite.suite("sqlite in memory", memory)
