/**
 * One writer per index file, over all processes: an open exclusive transaction on a small SQLite file beside it. The
 * operating system ends it with its process, so that a killed writer never leaves a lock behind.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { DatabaseSync } from "node:sqlite"
import type { CorpusError } from "../CorpusError.ts"
import { failed } from "./IndexFile.ts"

/** Time between two looks at a lock that another process holds. */
const lookAgain = Duration.millis(25)

const sqliteBusy = 5

/** Waits until this scope holds the lock of `path`. Interruptible while it waits. */
export const acquire = (path: string): Effect.Effect<void, CorpusError, Scope.Scope> =>
  Effect.gen(function*() {
    while (!(yield* tryAcquire(`${path}.lock`))) yield* Effect.sleep(lookAgain)
  })

const tryAcquire = (path: string): Effect.Effect<boolean, CorpusError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        const database = new DatabaseSync(path, { timeout: 0 })
        try {
          database.exec("BEGIN EXCLUSIVE")
          return database
        } catch (cause) {
          database.close()
          if (cause instanceof Error && "errcode" in cause && cause.errcode === sqliteBusy) return undefined
          throw cause
        }
      },
      catch: failed
    }),
    (database) => Effect.sync(() => database?.close())
  ).pipe(Effect.map((database) => database !== undefined))
