import * as RunStoreSuite from "@baton/engine/testing/RunStoreSuite"
import * as SessionsSuite from "@baton/engine/testing/SessionsSuite"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as Layer from "effect/Layer"
import * as DataFolder from "./DataFolder.ts"

for (const commits of ["inline", "thread"] as const) {
  const process = DataFolder.process({ commits })
  RunStoreSuite.suite(`sqlite file, ${commits}`, Layer.provide(process, DataFolder.DataFolder.layer))
  SessionsSuite.suite(`sqlite file, ${commits}`, { store: DataFolder.DataFolder.layer, process })
}

RunStoreSuite.suite("sqlite in memory", SqliteStore.layer({ data: ":memory:" }))
