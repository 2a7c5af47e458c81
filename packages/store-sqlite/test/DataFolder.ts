/** A folder of its own for every test, removed afterwards. */
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export class DataFolder extends Context.Service<DataFolder, { readonly path: string }>()("baton/test/DataFolder") {
  static readonly layer = Layer.fresh(Layer.effect(
    DataFolder,
    Effect.acquireRelease(
      Effect.sync(() => ({ path: mkdtempSync(join(tmpdir(), "baton-store-")) })),
      ({ path }) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
    )
  ))
}

/** One process on the folder. */
export const process = (options: Omit<SqliteStore.Options, "data">) =>
  Layer.unwrap(Effect.map(DataFolder, ({ path }) => SqliteStore.layer({ ...options, data: path })))
