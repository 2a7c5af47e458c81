/**
 * Small writes of many callers in few commits: what comes while one is under way shares the next. Each caller waits for
 * theirs, and one that goes away takes nothing back.
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"

/** Changes of one commit. */
const groupMax = 256

interface Waiting<I, O, E> {
  readonly change: I
  readonly done: Deferred.Deferred<O, E>
}

/** `write` answers in the order it was asked, and makes all changes or none. */
export const make = <I, O, E>(
  write: (changes: ReadonlyArray<I>) => Effect.Effect<ReadonlyArray<O>, E>
): Effect.Effect<(change: I) => Effect.Effect<O, E>, never, Scope.Scope> =>
  Effect.map(Effect.scope, (scope) => {
    const waiting: Array<Waiting<I, O, E>> = []
    let isWriting = false
    const turn: Effect.Effect<void> = Effect.suspend(() => {
      const group = waiting.splice(0, groupMax)
      if (group.length === 0) {
        isWriting = false
        return Effect.void
      }
      return Effect.suspend(() => write(group.map(({ change }) => change))).pipe(
        Effect.exit,
        Effect.flatMap((exit) =>
          Effect.sync(() => {
            for (const [index, { done }] of group.entries()) {
              Deferred.doneUnsafe(done, Exit.map(exit, (answers) => answers[index]!))
            }
          })
        ),
        Effect.andThen(turn)
      )
    })
    return (change) =>
      // Whoever is interrupted once it is up to them to write has still begun to: all who come later wait for that.
      Effect.uninterruptibleMask((restore) =>
        Effect.suspend(() => {
          const done = Deferred.makeUnsafe<O, E>()
          const heard = restore(Deferred.await(done))
          waiting.push({ change, done })
          if (isWriting) return heard
          isWriting = true
          // Whoever is ready to ask gets the chance to share this commit.
          const begun = Effect.forkIn(Effect.uninterruptible(Effect.andThen(Effect.yieldNow, turn)), scope)
          return Effect.andThen(begun, heard)
        })
      )
  })
