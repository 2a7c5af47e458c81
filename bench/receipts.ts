/**
 * What a receipt costs: one attempt that finds its result, from its fields to its outcome, on an SQLite file that holds as
 * many receipts as it may. The commit of the answer is not part of it; it is that of any step.
 *
 * Run by hand: `node bench/receipts.ts [attempts]`.
 */
import * as Attempt from "@baton/engine/Attempt"
import { BlobStore } from "@baton/engine/BlobStore"
import type { ReceiptDesk } from "@baton/engine/Receipts"
import { receiptsMax, ReceiptStore } from "@baton/engine/ReceiptStore"
import * as StoredValue from "@baton/engine/StoredValue"
import * as AttemptHarness from "@baton/engine/testing/AttemptHarness"
import type { Json } from "@baton/kernel/Value"
import { inline } from "@baton/kernel/Value"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"

const work = AttemptHarness.workOf(
  { type: "function", function: "f", input: { question: "${ input.question }", text: "${ input.text }" } },
  { receiptMs: 3_600_000 }
)

const stepType = {
  type: "function",
  determinants: () => Effect.succeed({ version: "1", model: "m", prompt: "p".repeat(1_000) }),
  execute: () => Effect.succeed({ output: "made" })
}

/** Middle and near worst of the times, in microseconds. */
const measured = (times: Array<number>): string => {
  times.sort((a, b) => a - b)
  const at = (share: number): number => Math.round((times[Math.floor(times.length * share)] ?? 0) * 1_000)
  return `${at(0.5)} µs in the middle, ${at(0.99)} µs at the 99th of 100`
}

const main = Effect.gen(function*() {
  const [attempts = 2_000] = process.argv.slice(2).map(Number)
  const store = yield* ReceiptStore
  const blobs = yield* BlobStore
  const secrets = AttemptHarness.secretsOf({}, "")
  const services = { blobs, secrets, stepTypes: new Map([[stepType.type, stepType]]) }
  const desk: ReceiptDesk = { store, flow: "bench", node: "f", now: Date.now, told: new Set() }
  const attempt = (n: number, text: string) => {
    const roots = { input: inline({ question: `question ${n}`, text }) }
    return Attempt.run(AttemptHarness.requestOf(work, { roots, request: { receipts: desk } }), services)
  }
  const fill = Effect.fnUntraced(function*(text: string, output: Json) {
    for (let n = 0; n < receiptsMax; n++) {
      const { keep } = yield* attempt(n, text)
      const made: Array<StoredValue.NewBlob> = []
      const value = StoredValue.store(output, made)
      for (const { bytes } of made) yield* blobs.put("main", bytes)
      if (keep !== undefined) yield* store.put("main", { ...keep, output: value })
    }
  })
  const time = Effect.fnUntraced(function*(text: string, from: number) {
    const times: Array<number> = []
    for (let n = 0; n < attempts; n++) {
      const startedAt = performance.now()
      const { outcome } = yield* attempt(from + (n % receiptsMax), text)
      times.push(performance.now() - startedAt)
      const isHit = outcome.ok === true && outcome.receipt?.kind === "hit"
      if (isHit !== (from === 0)) throw new Error(`attempt ${n} answered ${JSON.stringify(outcome).slice(0, 200)}`)
    }
    return measured(times)
  })
  yield* fill("short", "answer")
  yield* time("short", 0)
  yield* Console.log(`hit, small input and output: ${yield* time("short", 0)}`)
  yield* Console.log(`miss, small input: ${yield* time("short", receiptsMax)}`)
  const long = "x".repeat(50_000)
  yield* fill(long, "y".repeat(100_000))
  yield* Console.log(`hit, 50 kB of input, 100 kB of output: ${yield* time(long, 0)}`)
})

const folder = mkdtempSync(join(tmpdir(), "baton-receipts-"))
try {
  await Effect.runPromise(main.pipe(Effect.provide(SqliteStore.layer({ data: join(folder, "data") }))))
} finally {
  rmSync(folder, { recursive: true, force: true })
}
