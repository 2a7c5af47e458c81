/** Secrets, backups and a look at the store, for people. */
import { ClientError } from "@baton/contract/Client"
import { SecretsClient } from "@baton/contract/SecretsClient"
import type { Finding } from "@baton/contract/StoreClient"
import { StoreClient } from "@baton/contract/StoreClient"
import { timeText } from "@baton/contract/Wire"
import * as Retention from "@baton/engine/Retention"
import type { RunRow } from "@baton/engine/RunStore"
import { RunStore } from "@baton/engine/RunStore"
import type { SecretsError } from "@baton/engine/Secrets"
import * as DurationText from "@baton/kernel/DurationText"
import * as Stall from "@baton/kernel/Stall"
import * as SqliteUpkeep from "@baton/store-sqlite/SqliteUpkeep"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { existsSync, statSync } from "node:fs"
import { statfs } from "node:fs/promises"
import * as Answers from "./Answers.ts"
import type { Parts } from "./Parts.ts"
import * as RetentionSetting from "./RetentionSetting.ts"
import * as RunReading from "./RunReading.ts"
import * as WebhookFindings from "./webhooks/WebhookFindings.ts"

/** Free bytes below which the doctor warns. */
const freeBytesMin = 200 * 1024 * 1024
/** Bytes of the write-ahead log above which a reader must have been open for long. */
const logBytesMax = 256 * 1024 * 1024

const fromSecrets = (error: SecretsError): ClientError =>
  new ClientError({
    reason: error.reason === "name_invalid" ? "invalid" : error.reason === "missing" ? "not_found" : "unavailable",
    code: `SECRET_${error.reason.toUpperCase()}`,
    message: error.message
  })

export const secrets = (parts: Parts): SecretsClient["Service"] =>
  SecretsClient.of({
    set: (name, value, hosts) => Effect.mapError(parts.secrets.set(parts.tenant, name, value, hosts), fromSecrets),
    list: parts.secrets.list(parts.tenant).pipe(
      Effect.mapError(fromSecrets),
      Effect.map((list) =>
        list.map(({ hosts, name, source, updatedAt }) => ({
          name,
          hosts: [...hosts],
          source,
          updatedAt: updatedAt === undefined ? null : timeText(updatedAt)
        }))
      )
    ),
    remove: (name) => Effect.mapError(parts.secrets.remove(parts.tenant, name), fromSecrets)
  })

const countRuns = (parts: Parts) =>
  Effect.gen(function*() {
    let count = 0
    let after: string | undefined
    for (;;) {
      const rows = yield* parts.store.list({
        tenant: parts.tenant,
        limit: 1000,
        ...(after === undefined ? {} : { after })
      })
      count += rows.length
      after = rows.at(-1)?.run
      if (rows.length < 1000) return count
    }
  }).pipe(Effect.mapError(Answers.fromStore))

type Upkeep = SqliteUpkeep.SqliteUpkeep["Service"]

const backup = Effect.fnUntraced(function*(parts: Parts, upkeep: Upkeep, file: string) {
  if (existsSync(file)) {
    return yield* Effect.fail(
      new ClientError({
        reason: "conflict",
        code: "FILE_EXISTS",
        message: `${file} is there already and is not overwritten`,
        hint: "choose another file"
      })
    )
  }
  // The store's own words would blame the store: what cannot be written here is the copy.
  yield* Effect.mapError(
    upkeep.backup(file),
    (error) =>
      error.reason === "unavailable" || error.reason === "read_only" || error.reason === "full"
        ? new ClientError({
          reason: "unavailable",
          code: "BACKUP_UNWRITABLE",
          message: `the backup ${file} could not be written${error.reason === "full" ? ": the disk is full" : ""}`,
          hint: "choose a file in a folder that exists and has room"
        })
        : Answers.fromStore(error)
  )
  return { file, bytes: statSync(file).size, runs: yield* countRuns(parts) }
})

const finding = (id: string, status: Finding["status"], message: string, fix?: string): Finding => ({
  id,
  status,
  message,
  ...(fix === undefined ? {} : { fix })
})

const mebibytes = (bytes: number): string => `${Math.round(bytes / 1024 / 1024)} MiB`

/** Unfinished runs whose reasons the doctor asks for; more are not looked at. */
const explainedMax = 1000

/** The standing check over all unfinished runs: each has a reason with its door, and moves or waits. */
const standing = Effect.fnUntraced(function*(parts: Parts, open: ReadonlyArray<RunRow>) {
  const silent: Array<string> = []
  for (const { run } of open.slice(0, explainedMax)) {
    const reasons = yield* RunReading.reasons(parts, run)
    if (reasons.length > 0 && reasons.every(({ door }) => door !== "")) continue
    // It may have ended meanwhile.
    const row = yield* Effect.mapError(parts.store.find(parts.tenant, run), Answers.fromStore)
    if (row !== undefined && row.endedAt === undefined) silent.push(run)
  }
  const stalled = open.filter(({ code }) => code === Stall.code)
  return [
    silent.length === 0
      ? finding("runs.explained", "ok", "every unfinished run has a reason and a door")
      : finding("runs.explained", "fail", `nobody can say why ${silent.length} runs are not finished: ${silent[0]}`),
    stalled.length === 0
      ? finding("runs.progress", "ok", "every unfinished run moves or waits")
      : finding(
        "runs.progress",
        "warn",
        `${stalled.length} unfinished runs do not move, such as ${stalled[0]?.run}`,
        `baton runs explain ${stalled[0]?.run}`
      )
  ]
})

/** Runs that a server would have removed by now. */
const retention = Effect.fnUntraced(function*(parts: Parts) {
  const keep = yield* RetentionSetting.load
  if (keep === undefined) return finding("runs.retention", "ok", "finished runs are kept for ever (BATON_RETENTION)")
  const before = parts.clock.currentTimeMillisUnsafe() - Duration.toMillis(keep)
  const due = yield* Retention.due(parts.tenant, before).pipe(
    Effect.provideService(RunStore, parts.store),
    Effect.mapError(Answers.fromStore)
  )
  const kept = DurationText.format(Duration.toMillis(keep))
  return finding(
    "runs.retention",
    "ok",
    due === 0
      ? `no finished run is older than ${kept}`
      : `${due} finished runs are older than ${kept}: baton serve removes them, or baton runs prune`
  )
})

const diagnose = Effect.fnUntraced(function*(parts: Parts, upkeep: Upkeep, data: string) {
  const found: Array<Finding> = []
  const size = yield* Effect.mapError(upkeep.size, Answers.fromStore)
  found.push(finding("store.open", "ok", `the store opens (${mebibytes(size.file)})`))
  found.push(
    size.log > logBytesMax
      ? finding(
        "store.wal",
        "warn",
        `the write-ahead log has ${mebibytes(size.log)}`,
        "end processes that read for long"
      )
      : finding("store.wal", "ok", `the write-ahead log has ${mebibytes(size.log)}`)
  )
  const disk = yield* Effect.result(Effect.tryPromise({ try: () => statfs(data), catch: () => undefined }))
  if (disk._tag === "Success") {
    const free = disk.success.bavail * disk.success.bsize
    found.push(
      free < freeBytesMin
        ? finding("store.disk", "fail", `only ${mebibytes(free)} are free`, "free some space")
        : finding("store.disk", "ok", `${mebibytes(free)} are free`)
    )
  }
  const faults = yield* Effect.mapError(upkeep.verifyAll, Answers.fromStore)
  found.push(
    faults.length === 0
      ? finding("store.chain", "ok", "every journal's hash chain holds")
      : finding(
        "store.chain",
        "fail",
        `${faults.length} runs have broken records, first ${faults[0]?.run}`,
        "restore a backup"
      )
  )
  const open = yield* Effect.mapError(
    parts.store.list({ tenant: parts.tenant, status: ["pending", "running", "waiting"], limit: 1000 }),
    Answers.fromStore
  )
  let orphans = 0
  for (const row of open) {
    const alive = row.owner !== undefined &&
      (yield* Effect.mapError(parts.sessions.isAlive(row.owner), Answers.fromStore))
    if (!alive) orphans++
  }
  found.push(
    orphans === 0
      ? finding("runs.owned", "ok", `${open.length} unfinished runs, all with a living process`)
      : finding("runs.owned", "warn", `${orphans} unfinished runs have no living process`, "baton runs resume RUN")
  )
  found.push(...(yield* standing(parts, open)))
  found.push(yield* retention(parts))
  found.push(...(yield* WebhookFindings.findings(parts)))
  const agents = yield* parts.agents.list
  found.push(finding("agents", "ok", `${agents.length} agents are registered`))
  for (const { baseUrl, references } of yield* parts.endpoints) {
    const models = references.slice(0, 3).join(", ")
    found.push(finding("model.local", "ok", `${baseUrl} serves ${references.length} models: ${models}`))
  }
  return found
})

export const store = (parts: Parts, upkeep: Upkeep, data: string): StoreClient["Service"] =>
  StoreClient.of({
    backup: (file) => backup(parts, upkeep, file),
    diagnose: diagnose(parts, upkeep, data)
  })
