/**
 * The one door to an opened store: reads on this thread's connection, writes by name, either here or on the commit
 * thread. Everything thrown becomes the port's error here; a locked store is waited for without blocking the thread.
 */
import type { RunStoreError } from "@baton/engine/RunStore"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as CommitThread from "./CommitThread.ts"
import type { Connection } from "./Connection.ts"
import * as Failure from "./Failure.ts"
import type { Opened } from "./StoreFile.ts"
import * as Writes from "./Writes.ts"

/** How long a locked store is waited for before the caller is told `busy`. */
export class BusyWait extends Context.Reference<Duration.Duration>("baton/store-sqlite/BusyWait", {
  defaultValue: () => Duration.seconds(5)
}) {}

export interface StoreAccess {
  readonly read: <A>(body: (connection: Connection) => A) => Effect.Effect<A, RunStoreError>
  readonly write: <K extends keyof Writes.Writes>(
    name: K,
    ...args: Parameters<Writes.Writes[K]>
  ) => Effect.Effect<ReturnType<Writes.Writes[K]>, RunStoreError>
}

/** Delays of 5 ms doubling to 80 ms, spread, until `wait` has passed. */
const whileBusy = (wait: Duration.Duration) =>
  Schedule.min([Schedule.exponential("5 millis"), Schedule.spaced("80 millis")]).pipe(
    Schedule.jittered,
    Schedule.upTo({ duration: wait })
  )

const isBusy = (error: RunStoreError): boolean => error.reason === "busy"

/** Only a call that met a lock pays for the retries. */
export const untilFree = <A>(effect: Effect.Effect<A, RunStoreError>): Effect.Effect<A, RunStoreError> =>
  Effect.catch(effect, (error) =>
    isBusy(error)
      ? Effect.flatMap(BusyWait, (wait) => Effect.retry(effect, { while: isBusy, schedule: whileBusy(wait) }))
      : Effect.fail(error))

/** What a synchronous use of the store returns, throws for its reasons, or dies of: a bug. */
export const attempt = <A>(file: string, body: () => A): Effect.Effect<A, RunStoreError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(body())
    } catch (thrown) {
      const error = Failure.from(thrown, file)
      return error === undefined ? Effect.die(thrown) : Effect.fail(error)
    }
  })

const reader = ({ connection }: Opened): StoreAccess["read"] => (body) =>
  untilFree(attempt(connection.file, () => body(connection)))

/** Commits on this thread: each blocks it for one sync. */
export const makeInline = (opened: Opened): StoreAccess => {
  const writes = Writes.make(opened.connection, opened.version)
  return {
    read: reader(opened),
    write: (name, ...args) => untilFree(attempt(opened.connection.file, () => Writes.call(writes, name, args)))
  }
}

/** Commits on a thread of their own, for disks whose sync takes long. */
export const makeThreaded = (opened: Opened): Effect.Effect<StoreAccess, never, Scope.Scope> =>
  Effect.map(CommitThread.open(opened.connection, opened.version), (thread): StoreAccess => ({
    read: reader(opened),
    write: (name, ...args) => untilFree(thread.call(name, args))
  }))
