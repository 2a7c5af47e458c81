/** Dead letters: looked at, reprocessed, discarded. The state of each is stored, with who settled it and when. */
import { ClientError } from "@baton/contract/Client"
import type { DeadLetterItem, LettersQuery, MadeRun, OperatorClient, Reprocessed } from "@baton/contract/OperatorClient"
import { timeText } from "@baton/contract/Wire"
import type { LetterFate, StoredLetter } from "@baton/engine/DeadLetter"
import { openFate } from "@baton/engine/DeadLetter"
import { isFinished } from "@baton/engine/RunStore"
import { store } from "@baton/engine/StoredValue"
import * as Sha256 from "@baton/kernel/Sha256"
import * as Effect from "effect/Effect"
import * as Answers from "./Answers.ts"
import type { Parts } from "./Parts.ts"
import * as RunControl from "./RunControl.ts"
import * as RunFork from "./RunFork.ts"
import * as RunReading from "./RunReading.ts"

const prefix = "dl_"
/** Most letters of one page. */
const pageMax = 1000

const refuse = (reason: ClientError["reason"], code: string, message: string, hint?: string) =>
  Effect.fail(new ClientError({ reason, code, message, ...(hint === undefined ? {} : { hint }) }))

const item = (letter: StoredLetter): DeadLetterItem => ({
  id: `${prefix}${letter.id}`,
  run: letter.run,
  path: letter.path,
  attempt: letter.attempt,
  code: letter.code,
  message: letter.message,
  at: timeText(letter.at),
  state: letter.state,
  settledAt: letter.settledAt === undefined ? null : timeText(letter.settledAt),
  by: letter.by ?? null,
  note: letter.note ?? null,
  into: letter.into ?? null
})

const numberOf = (id: string): number | undefined =>
  /^dl_\d{1,15}$/.test(id) ? Number(id.slice(prefix.length)) : undefined

const find = Effect.fnUntraced(function*(parts: Parts, id: string): Effect.fn.Return<StoredLetter, ClientError> {
  const number = numberOf(id)
  const [letter] = number === undefined
    ? []
    : yield* Effect.mapError(parts.store.deadLetters({ tenant: parts.tenant, id: number, limit: 1 }), Answers.fromStore)
  if (letter !== undefined) return letter
  return yield* refuse("not_found", "LETTER_NOT_FOUND", `there is no dead letter ${id}`, "baton deadletters list")
})

export const show = (parts: Parts, id: string): Effect.Effect<DeadLetterItem, ClientError> =>
  Effect.map(find(parts, id), item)

export const list = Effect.fnUntraced(
  function*(parts: Parts, query: LettersQuery): Effect.fn.Return<ReadonlyArray<DeadLetterItem>, ClientError> {
    const after = query.after === undefined ? undefined : (yield* find(parts, query.after)).id
    const letters = yield* Effect.mapError(
      parts.store.deadLetters({
        tenant: parts.tenant,
        limit: Math.min(Math.max(1, query.limit), pageMax),
        ...(query.state === undefined ? {} : { state: query.state }),
        ...(query.run === undefined ? {} : { run: query.run }),
        ...(after === undefined ? {} : { after })
      }),
      Answers.fromStore
    )
    return letters.map(item)
  }
)

const settled = (letter: StoredLetter): Effect.Effect<never, ClientError> => {
  const into = letter.into === undefined ? "" : ` as ${letter.into}`
  const at = letter.settledAt === undefined ? "" : ` at ${timeText(letter.settledAt)}`
  const who = letter.by === undefined ? "" : ` by ${letter.by}`
  const message = `${prefix}${letter.id} was ${letter.state}${into}${who}${at}`
  return refuse("conflict", "LETTER_SETTLED", message, `baton deadletters show ${prefix}${letter.id}`)
}

/** Exactly one of several who settle a letter at once goes on. */
const settle = Effect.fnUntraced(function*(
  parts: Parts,
  letter: StoredLetter,
  fate: LetterFate
): Effect.fn.Return<void, ClientError> {
  const won = yield* Effect.mapError(
    parts.store.settleLetter(parts.tenant, letter.id, letter, fate),
    Answers.fromStore
  )
  if (!won) return yield* settled(yield* find(parts, `${prefix}${letter.id}`))
})

/** How long somebody may take to make the run that a letter has been promised to, in milliseconds. */
const promiseMs = 60_000

/** A letter promised to a run that was never made is as good as open: whoever promised it died on the way. */
const isBroken = Effect.fnUntraced(function*(parts: Parts, letter: StoredLetter) {
  if (letter.state !== "reprocessed" || letter.into === undefined) return false
  if (parts.clock.currentTimeMillisUnsafe() - (letter.settledAt ?? 0) < promiseMs) return false
  return (yield* Effect.mapError(parts.store.find(parts.tenant, letter.into), Answers.fromStore)) === undefined
})

const isWaiting = Effect.fnUntraced(function*(parts: Parts, letter: StoredLetter) {
  const reasons = yield* RunReading.reasons(parts, letter.run)
  const asks = new Set(["operator", "unknown_outcome", "credential"])
  return reasons.some(({ path, reason }) => path === letter.path && asks.has(reason))
})

type Options = Parameters<OperatorClient["Service"]["reprocess"]>[1]

const retryStep = Effect.fnUntraced(
  function*(parts: Parts, letter: StoredLetter, options: Options): Effect.fn.Return<void, ClientError> {
    const blobs: Parameters<typeof store>[1] = []
    const patch = options.modifications === undefined ? undefined : store(options.modifications, blobs)
    for (const { bytes } of blobs) yield* Effect.mapError(parts.blobs.put(parts.tenant, bytes), Answers.fromBlobs)
    // The record of the retry settles the letter.
    yield* RunControl.ask(parts, letter.run, (at) => ({
      type: "ResolveStep",
      at,
      by: options.by ?? parts.by,
      path: letter.path,
      action: "retry",
      ...(options.note === undefined ? {} : { note: options.note }),
      ...(patch === undefined ? {} : { modifications: patch })
    }))
  }
)

/**
 * The run that a letter is reprocessed as, always the same one: whoever takes a letter up that somebody else has not finished
 * with, and does finish with later, makes the same run, of which the store takes one.
 */
export const runOf = ({ at, id, run }: Pick<StoredLetter, "at" | "id" | "run">): string =>
  Sha256.timedId("run", at, JSON.stringify([run, id]))

const asNewRun = Effect.fnUntraced(
  function*(parts: Parts, letter: StoredLetter, options: Options): Effect.fn.Return<MadeRun, ClientError> {
    const at = parts.clock.currentTimeMillisUnsafe()
    const into = runOf(letter)
    const fate = { state: "reprocessed", settledAt: at, by: options.by ?? parts.by, note: options.note, into } as const
    yield* settle(parts, letter, fate)
    const request = { run: letter.run, step: letter.path, ...options, id: into }
    // A run that is there stays what the letter came to, whatever went wrong behind its making.
    const reopen = Effect.flatMap(
      parts.store.find(parts.tenant, into),
      (made) => made === undefined ? parts.store.settleLetter(parts.tenant, letter.id, fate, openFate) : Effect.void
    )
    return yield* Effect.tapError(RunFork.retry(parts, request), () => Effect.ignore(reopen))
  }
)

export const reprocess = Effect.fnUntraced(
  function*(parts: Parts, id: string, options: Options): Effect.fn.Return<Reprocessed, ClientError> {
    const letter = yield* find(parts, id)
    if (letter.state !== "open" && !(yield* isBroken(parts, letter))) return yield* settled(letter)
    const row = yield* Effect.mapError(parts.store.find(parts.tenant, letter.run), Answers.fromStore)
    if (row === undefined) return yield* Effect.fail(Answers.runNotFound(letter.run))
    if (isFinished(row)) {
      const made = yield* asNewRun(parts, letter, options)
      return { kind: "run", letter: yield* show(parts, id), made }
    }
    if (!(yield* isWaiting(parts, letter))) {
      const message = `${letter.run} goes on, and ${letter.path} does not wait; reprocess it when the run is over`
      return yield* refuse("conflict", "RUN_NOT_FINISHED", message, `baton runs watch ${letter.run}`)
    }
    yield* retryStep(parts, letter, options)
    return { kind: "step", letter: yield* show(parts, id) }
  }
)

export const discard = Effect.fnUntraced(
  function*(
    parts: Parts,
    id: string,
    note: string | undefined,
    by: string = parts.by
  ): Effect.fn.Return<DeadLetterItem, ClientError> {
    const letter = yield* find(parts, id)
    if (letter.state !== "open") return yield* settled(letter)
    const row = yield* Effect.mapError(parts.store.find(parts.tenant, letter.run), Answers.fromStore)
    if (row !== undefined && !isFinished(row) && (yield* isWaiting(parts, letter))) {
      const message =
        `${letter.path} of ${letter.run} waits for a decision; to discard its letter would leave it waiting`
      return yield* refuse("conflict", "LETTER_WAITING", message, `baton runs skip|abort ${letter.run} ${letter.path}`)
    }
    const settledAt = parts.clock.currentTimeMillisUnsafe()
    yield* settle(parts, letter, { state: "discarded", settledAt, by, note, into: undefined })
    return yield* show(parts, id)
  }
)
