/**
 * Writes the audit log without making requests queue one by one: entries that come while a commit is under way share the
 * next one. Whoever records waits until their entry is durable, so that nothing is acknowledged unrecorded; when the log
 * cannot be written, the answer says so.
 *
 * Requests of nobody proven are bounded: at most {@link strangersPerSecond} entries a second, the next one telling how many
 * have none of their own. A flood of wrong keys cannot fill the disk.
 */
import { type AuditDraft, AuditLogError } from "@baton/engine/AuditLog"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import { Host } from "../Local.ts"

/** Entries that wait for the log; more wait for their place. */
const waitingMax = 4_096
/** Entries of one commit. */
const batchMax = 512
/** Entries a second for requests of nobody proven, after a first {@link strangersBurst}. */
export const strangersPerSecond = 10
export const strangersBurst = 100

interface Waiting {
  readonly draft: AuditDraft
  readonly done: Deferred.Deferred<void, AuditLogError>
}

export class AuditWriter extends Context.Service<AuditWriter, {
  /** Returns when the entry is durable. */
  readonly record: (draft: AuditDraft) => Effect.Effect<void, AuditLogError>
}>()("baton/server/access/AuditWriter") {}

/** A bucket of tokens, and how often it was empty. */
class Strangers {
  #tokens = strangersBurst
  #at = 0
  #suppressed = 0

  /** The draft to write, with what was left out before it, or nothing. */
  admit(draft: AuditDraft): AuditDraft | undefined {
    const { at } = draft
    this.#tokens = Math.min(strangersBurst, this.#tokens + ((at - this.#at) / 1000) * strangersPerSecond)
    this.#at = at
    if (this.#tokens < 1) {
      this.#suppressed++
      return undefined
    }
    this.#tokens--
    const suppressed = this.#suppressed
    this.#suppressed = 0
    return suppressed === 0 ? draft : { ...draft, suppressed }
  }
}

export const layer: Layer.Layer<AuditWriter, never, Host> = Layer.effect(
  AuditWriter,
  Effect.gen(function*() {
    const { parts: { audit } } = yield* Host
    const queue = yield* Queue.bounded<Waiting>(waitingMax)
    const strangers = new Strangers()

    const write = (batch: ReadonlyArray<Waiting>) =>
      Effect.uninterruptible(
        Effect.flatMap(Effect.exit(audit.append(batch.map(({ draft }) => draft))), (exit) =>
          Effect.sync(() => {
            for (const { done } of batch) Deferred.doneUnsafe(done, exit)
          }))
      )
    yield* Effect.addFinalizer(() =>
      Effect.flatMap(Queue.clear(queue), (rest) => rest.length === 0 ? Effect.void : write(rest))
    )
    yield* Effect.forkScoped(Effect.forever(Effect.flatMap(Queue.takeBetween(queue, 1, batchMax), write)))

    return AuditWriter.of({
      record: Effect.fnUntraced(function*(asked) {
        const draft = asked.method === "none" ? strangers.admit(asked) : asked
        if (draft === undefined) return
        const done = Deferred.makeUnsafe<void, AuditLogError>()
        const isTaken = yield* Queue.offer(queue, { draft, done })
        if (!isTaken) {
          return yield* new AuditLogError({ reason: "unavailable", message: "the audit log has been closed" })
        }
        yield* Deferred.await(done)
      })
    })
  })
)
