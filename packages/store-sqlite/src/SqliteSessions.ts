/** Sessions on SQLite: a lock file each, owners in the store (SEMANTICS 8.14). */
import type { RunStoreError } from "@baton/engine/RunStore"
import { Sessions } from "@baton/engine/Sessions"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import * as Failure from "./Failure.ts"
import * as SessionLock from "./SessionLock.ts"
import * as SessionTable from "./SessionTable.ts"
import { attempt, type StoreAccess } from "./StoreAccess.ts"

/** Fresh names tried before giving up; each can only fail to somebody who looks at this very file at this very moment. */
const triesMax = 8

const openLock = (folder: string): SessionLock.SessionLock => {
  for (let i = 0; i < triesMax; i++) {
    const lock = SessionLock.open(folder, randomUUID())
    if (lock !== undefined) return lock
  }
  throw Failure.make("busy", folder)
}

/** This process's session: its lock is held until the scope closes. In memory nobody else can look. */
const acquire = (folder: string | undefined): Effect.Effect<string, RunStoreError, Scope.Scope> =>
  folder === undefined
    ? Effect.sync(() => randomUUID())
    : Effect.map(
      Effect.acquireRelease(attempt(folder, () => openLock(folder)), (lock) => Effect.sync(lock.close)),
      (lock) => lock.id
    )

/** `folder` holds the session files; none in memory. */
export const make = Effect.fnUntraced(function*({ read, write }: StoreAccess, folder: string | undefined) {
  const id = yield* acquire(folder)
  return Sessions.of({
    id,
    isAlive: (session) =>
      folder === undefined
        ? Effect.succeed(session === id)
        : attempt(folder, () => SessionLock.isAlive(folder, session)),
    heartbeat: () => Effect.void,
    adopt: (limit, only) => write("adopt", { session: id, folder, limit, only }),
    unowned: read((connection) => SessionTable.unowned(connection, { session: id, folder })),
    release: (runs) => write("release", id, runs),
    give: (tenant, run, command) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => write("give", tenant, run, command, now)),
    answer: (command) => read((connection) => SessionTable.answer(connection, command)),
    taken: (limit) => read((connection) => SessionTable.taken(connection, id, limit)),
    reply: (command, answer) => write("reply", command, answer)
  })
})
