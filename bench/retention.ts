/**
 * What removing old runs costs others: the time of a commit, of 50 runs as in W1, before and while `Retention` removes the
 * runs of a store that are too old. Both in one process and on one SQLite file, as in `baton serve`.
 *
 * Run by hand: `node bench/retention.ts [runs]`.
 */
import type { BlobStore } from "@baton/engine/BlobStore"
import * as Retention from "@baton/engine/Retention"
import type { Commit, CommitOutcome } from "@baton/engine/RunStore"
import { RunStore } from "@baton/engine/RunStore"
import { Sessions } from "@baton/engine/Sessions"
import * as Journals from "@baton/engine/testing/Journals"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as Array from "effect/Array"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"

/** Records of each old run, and bytes of each record. */
const records = 12
const bytes = new Uint8Array(300).fill(32)
/** Runs under way at once. */
const width = 50
/** How long commits are measured with nothing beside them, in milliseconds. */
const aloneMs = 5_000

type Done = Extract<CommitOutcome, { readonly ok: true }>

const commitAll = Effect.fnUntraced(function*(batch: ReadonlyArray<Commit>) {
  const store = yield* RunStore
  if (!Array.isReadonlyArrayNonEmpty(batch)) return []
  return (yield* store.commit(batch)).flatMap((outcome): ReadonlyArray<Done> => outcome.ok ? [outcome] : [])
})

const fill = Effect.fnUntraced(function*(owner: string, runs: number) {
  const ended = Journals.summary({ status: "succeeded", createdAt: 1, endedAt: 2 })
  for (let first = 0; first < runs; first += 500) {
    const names = Array.range(first, Math.min(runs, first + 500) - 1).map((no) => `run_${no}`)
    const blobs = (run: string) => [Journals.blob(`${run} ${"x".repeat(2_000)}`)]
    let heads = yield* commitAll(
      names.map((run) =>
        Journals.creation(run, owner, { bytes, blobs: blobs(run), summary: Journals.summary({ createdAt: 1 }) })
      )
    )
    for (let record = 1; record < records; record++) {
      const more = record === records - 1 ? { bytes, summary: ended } : { bytes }
      heads = yield* commitAll(heads.map((head, index) => Journals.following(names[index] ?? "", owner, head, more)))
    }
  }
})

/** Commits one after another until it is interrupted; the time of each goes to `times`. */
const load = Effect.fnUntraced(function*(owner: string, name: string, times: globalThis.Array<number>) {
  const names = Array.range(1, width).map((no) => `${name}_${no}`)
  let heads = yield* commitAll(names.map((run) => Journals.creation(run, owner, { bytes })))
  for (;;) {
    const began = performance.now()
    heads = yield* commitAll(heads.map((head, index) => Journals.following(names[index] ?? "", owner, head, { bytes })))
    times.push(performance.now() - began)
    yield* Effect.yieldNow
  }
})

const told = (times: globalThis.Array<number>): string => {
  times.sort((a, b) => a - b)
  const at = (share: number): string => (times[Math.floor(times.length * share)] ?? 0).toFixed(2)
  return `${times.length} commits of ${width} runs: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms, most ${
    times.at(-1)?.toFixed(2)
  } ms`
}

const main: Effect.Effect<void, unknown, RunStore | BlobStore | Sessions> = Effect.gen(function*() {
  const [runs = 10_000] = process.argv.slice(2).map(Number)
  const owner = (yield* Sessions).id
  yield* fill(owner, runs)
  const before: globalThis.Array<number> = []
  yield* Effect.timeoutOrElse(load(owner, "alone", before), { duration: aloneMs, orElse: () => Effect.void })
  yield* Console.log(`alone: ${told(before)}`)
  const during: globalThis.Array<number> = []
  const beside = yield* Effect.forkChild(load(owner, "beside", during))
  const began = performance.now()
  const removed = yield* Retention.sweep(1_000)
  const seconds = (performance.now() - began) / 1_000
  yield* Fiber.interrupt(beside)
  yield* Console.log(`beside the removal of ${removed} runs in ${seconds.toFixed(1)} s: ${told(during)}`)
})

const folder = mkdtempSync(join(tmpdir(), "baton-bench-retention-"))
try {
  await Effect.runPromise(Effect.provide(main, SqliteStore.layer({ data: folder, program: "bench" })))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
