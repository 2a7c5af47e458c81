/**
 * What access costs a request: checking a key (its checksum, its hash, its row in a SQLite file), and writing the entry of
 * the audit log before the answer, alone and together with others. Run by hand: `node bench/access.ts [rounds]`.
 */
import { AccessKeys } from "@baton/engine/AccessKeys"
import { type AuditDraft, AuditLog } from "@baton/engine/AuditLog"
import * as KeyText from "@baton/server/access/KeyText"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { performance } from "node:perf_hooks"
import * as Meter from "./Meter.ts"

const rounds = Number(process.argv[2] ?? 300)
/** Keys of the tenant. */
const keys = 1000
/** Entries of one commit. */
const batches = [1, 10, 50]

const id = (n: number): string => `key_${String(n).padStart(26, "0")}`

const draft = (n: number): AuditDraft => ({
  tenant: "default",
  at: 1_800_000_000_000 + n,
  actor: "ci",
  method: "key",
  key: id(1),
  action: "POST /api/v1/runs",
  object: `run_${String(n).padStart(26, "0")}`,
  outcome: "done",
  status: 201,
  request: `req_${String(n).padStart(26, "0")}`,
  address: "127.0.0.1"
})

/** Microseconds of one of `count`, on the clock and of the processor. */
const micros = <A, E>(count: number, work: (n: number) => Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const read = Meter.start()
    for (let n = 0; n < count; n++) yield* work(n)
    const { cpuMicros, seconds } = read()
    return { wall: (seconds * 1_000_000) / count, cpu: cpuMicros / count }
  })

const measure = Effect.gen(function*() {
  const store = yield* AccessKeys
  const audit = yield* AuditLog
  const texts = Array.from({ length: keys }, (_, n) => KeyText.make("live", id(n)))
  for (const [n, text] of texts.entries()) {
    const key = { id: id(n), tenant: "default", name: "ci", groups: [], scopes: ["runs:read", "runs:write"] }
    yield* store.add({ ...key, digest: KeyText.digestOf(text), createdAt: 1, createdBy: "local" })
  }
  const check = (n: number) =>
    Effect.gen(function*() {
      const text = texts[n % keys]!
      const key = yield* store.find(KeyText.idOf(text) ?? "")
      if (key === undefined || !KeyText.isSame(KeyText.digestOf(text), key.digest)) return yield* Effect.die("no key")
    })
  yield* micros(2000, check)
  const checked = yield* micros(20_000, check)
  yield* Console.log(`check a key: ${checked.wall.toFixed(1)} µs, ${checked.cpu.toFixed(1)} µs of the processor`)
  for (const size of batches) {
    const { cpu, wall } = yield* micros(
      rounds,
      (round) => audit.append(Array.from({ length: size }, (_, n) => draft(round * size + n)))
    )
    const each = `${(wall / size).toFixed(0)} µs an entry, ${(cpu / size).toFixed(0)} µs of the processor`
    yield* Console.log(`${size} entries in a commit: ${wall.toFixed(0)} µs; ${each}`)
  }
  const begun = performance.now()
  const { entries, fault } = yield* audit.verify("default")
  const ms = performance.now() - begun
  yield* Console.log(`verify ${entries} entries: ${ms.toFixed(0)} ms${fault === undefined ? "" : ", BROKEN"}`)
})

const data = mkdtempSync(join(tmpdir(), "baton-bench-access-"))
await Effect.runPromise(Effect.provide(measure, SqliteStore.layer({ data }))).finally(() =>
  rmSync(data, { recursive: true, force: true })
)
