/** The store itself, as a program may ask about it: a backup while runs go on, and facts for `doctor`. */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { ClientError } from "./Client.ts"

/** One thing `doctor` looked at. `fix` says what to do when it is not `ok`. */
export const Finding = Schema.Struct({
  /** Stable, such as `store.migrations`, `store.wal`, `model.key`. */
  id: Schema.String,
  status: Schema.Literals(["ok", "warn", "fail"]),
  message: Schema.String,
  fix: Schema.optionalKey(Schema.String)
})
export type Finding = typeof Finding.Type

export const Backup = Schema.Struct({
  file: Schema.String,
  bytes: Schema.Int,
  /** Runs in the copy. */
  runs: Schema.Int
})
export type Backup = typeof Backup.Type

export class StoreClient extends Context.Service<StoreClient, {
  /**
   * A consistent copy of the store in one new file, taken while runs go on. An existing file is refused (`conflict`,
   * code `FILE_EXISTS`); a copy that failed leaves no file behind.
   */
  readonly backup: (file: string) => Effect.Effect<Backup, ClientError>
  /** Looks at the store and at what runs need (keys, hosts, handlers); finding something wrong is not an error. */
  readonly diagnose: Effect.Effect<ReadonlyArray<Finding>, ClientError>
}>()("baton/contract/StoreClient") {}
