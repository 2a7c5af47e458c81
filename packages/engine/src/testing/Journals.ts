/** Material of the conformance suites: records that a store takes without looking into them. */
import * as Effect from "effect/Effect"
import * as CanonicalJson from "../CanonicalJson.ts"
import * as RecordHash from "../RecordHash.ts"
import { type Commit, type CommitOutcome, RunStore, type RunStoreError, type RunSummary } from "../RunStore.ts"

export const tenant = "acme"

const encoder = new TextEncoder()

export const bytes = (text: string): Uint8Array => encoder.encode(text)

export const blob = (text: string) => ({ ref: CanonicalJson.address(text), bytes: bytes(text) })

export const summary = (changes: Partial<RunSummary> = {}): RunSummary => ({
  flow: "review",
  version: "1.0.0",
  flowHash: CanonicalJson.address("review"),
  status: "running",
  paused: false,
  code: undefined,
  reason: undefined,
  semantics: 1,
  createdAt: 1000,
  endedAt: undefined,
  tags: { team: "editors" },
  ...changes
})

/** The record that creates a run. */
export const creation = (run: string, owner: string | undefined, changes: Partial<Commit> = {}): Commit => ({
  tenant,
  run,
  expected: 0,
  previous: new Uint8Array(),
  owner,
  n: 1,
  bytes: bytes(`[{"_tag":"RunCreated","run":"${run}"}]`),
  at: 1000,
  summary: summary(),
  ...changes
})

/** The record after `before`. */
export const following = (
  run: string,
  owner: string | undefined,
  before: { readonly head: number; readonly hash: Uint8Array },
  changes: Partial<Commit> = {}
): Commit => ({
  tenant,
  run,
  expected: before.head,
  previous: before.hash,
  owner,
  n: 1,
  bytes: bytes(`[{"_tag":"StepSucceeded","after":${before.head}}]`),
  at: 2000,
  ...changes
})

/** Commits one record that must be accepted. */
export const accepted = Effect.fnUntraced(function*(commit: Commit) {
  const store = yield* RunStore
  const [outcome] = yield* store.commit([commit])
  if (outcome?.ok === true) return outcome
  return yield* Effect.die(new Error(`refused: ${outcome?.reason}`))
})

/** Commits one record and tells its fate in a word. */
export const fate = (commit: Commit): Effect.Effect<string, RunStoreError, RunStore> =>
  Effect.flatMap(RunStore, (store) => Effect.map(store.commit([commit]), (outcomes) => outcomes.map(word).join()))

export const word = (outcome: CommitOutcome): string => outcome.ok ? "ok" : outcome.reason

/** Checks the chain as a reader would. */
export const isChain = (records: ReadonlyArray<{ bytes: Uint8Array; hash: Uint8Array; n: number; seq: number }>) => {
  let previous: Uint8Array = new Uint8Array()
  let next = 1
  for (const record of records) {
    if (record.seq !== next || !RecordHash.equals(RecordHash.next(previous, record.bytes), record.hash)) return false
    previous = record.hash
    next += record.n
  }
  return true
}
