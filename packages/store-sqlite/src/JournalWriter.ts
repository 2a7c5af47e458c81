/**
 * The commit: the hot path of the whole machine.
 *
 * One transaction and one sync per batch; a record that changes nothing but the journal costs one insertion. The fence
 * (head, previous hash, owner) is kept in this process and is true as long as no other connection has written, which
 * SQLite tells by `data_version` once per batch, under the write lock. The unique index on (run, seq) stands behind it.
 */
import * as RecordHash from "@baton/engine/RecordHash"
import { type Commit, type CommitOutcome, isFinished, type RunSummary } from "@baton/engine/RunStore"
import type { BlobRef } from "@baton/kernel/Value"
import * as AuditTable from "./AuditTable.ts"
import * as Blobs from "./BlobTable.ts"
import type { Connection } from "./Connection.ts"
import * as DoorTable from "./DoorTable.ts"
import * as LetterTable from "./LetterTable.ts"
import * as Migrations from "./Migrations.ts"
import * as PlaceTable from "./PlaceTable.ts"
import * as UsageTable from "./UsageTable.ts"

interface Fence {
  readonly runNo: number
  readonly owner: string | undefined
  head: number
  hash: Uint8Array
}

/** Runs whose fence is kept; the one that was first kept goes first. */
const fencesMax = 20_000

const empty = new Uint8Array()

const keyOf = (tenant: string, run: string): string => `${tenant}\u0000${run}`

export class JournalWriter {
  readonly #connection: Connection
  readonly #version: number
  readonly #fences = new Map<string, Fence>()
  #generation = 0
  #dataVersion: unknown = undefined

  constructor(connection: Connection, version: number) {
    this.#connection = connection
    this.#version = version
  }

  commit(batch: ReadonlyArray<Commit>): ReadonlyArray<CommitOutcome> {
    return this.#connection.write(() => {
      this.#refresh()
      const outcomes = batch.map((commit) => this.#commitOne(commit))
      const audit = batch.flatMap(({ audit }, index) =>
        audit !== undefined && outcomes[index]?.ok === true ? audit : []
      )
      if (audit.length > 0) AuditTable.write(this.#connection, audit)
      return outcomes
    })
  }

  /** Forgets the fences; for writes that change owners. */
  forget(): void {
    this.#fences.clear()
  }

  /** Forgets those of runs that were removed; those of others stay true. */
  forgetRuns(tenant: string, runs: ReadonlyArray<string>): void {
    for (const run of runs) this.#fences.delete(keyOf(tenant, run))
  }

  #refresh() {
    const dataVersion = this.#connection.get("PRAGMA data_version")?.["data_version"]
    if (dataVersion === this.#dataVersion && this.#generation === this.#connection.generation) return
    this.#fences.clear()
    Migrations.requireVersion(this.#connection, this.#version)
    this.#dataVersion = dataVersion
    this.#generation = this.#connection.generation
  }

  #commitOne(commit: Commit): CommitOutcome {
    const key = keyOf(commit.tenant, commit.run)
    const isCreation = commit.expected === 0 && commit.references === undefined
    const fence = this.#fences.get(key) ?? (isCreation ? undefined : this.#load(commit))
    const refusal = this.#refusal(fence, commit)
    if (refusal !== undefined) {
      if (fence !== undefined) this.#keep(key, fence)
      return { ok: false, reason: refusal }
    }
    const holders = commit.place?.takes === true
      ? PlaceTable.occupied(this.#connection, commit.tenant, commit.place, fence === undefined)
      : undefined
    if (holders !== undefined) {
      if (fence !== undefined) this.#keep(key, fence)
      return { ok: false, reason: "full", holders }
    }
    const runNo = fence?.runNo ?? this.#create(commit)
    if (runNo === undefined) return { ok: false, reason: "exists" }
    const hash = RecordHash.next(commit.previous, commit.bytes)
    const head = commit.expected + commit.n
    this.#connection.run(
      "INSERT INTO journal (run_no, seq, n, hash, bytes) VALUES (?, ?, ?, ?, ?)",
      runNo,
      commit.expected + 1,
      commit.n,
      hash,
      commit.bytes
    )
    this.#writeRest(runNo, commit, fence !== undefined)
    if (commit.summary !== undefined && isFinished(commit.summary)) {
      this.#fences.delete(key)
    } else if (fence === undefined) {
      this.#keep(key, { runNo, owner: commit.owner, head, hash })
    } else {
      fence.head = head
      fence.hash = hash
      this.#keep(key, fence)
    }
    return { ok: true, head, hash }
  }

  #keep(key: string, fence: Fence) {
    if (this.#fences.has(key)) return
    if (this.#fences.size >= fencesMax) {
      for (const oldest of this.#fences.keys()) {
        this.#fences.delete(oldest)
        break
      }
    }
    this.#fences.set(key, fence)
  }

  #load({ run, tenant }: Commit): Fence | undefined {
    const row = this.#connection.get("SELECT run_no, owner FROM run WHERE tenant = ? AND run = ?", tenant, run)
    if (row === undefined) return undefined
    const runNo = Number(row["run_no"])
    const last = this.#connection.get(
      "SELECT seq, n, hash FROM journal WHERE run_no = ? ORDER BY seq DESC LIMIT 1",
      runNo
    )
    return {
      runNo,
      owner: typeof row["owner"] === "string" ? row["owner"] : undefined,
      head: last === undefined ? 0 : Number(last["seq"]) + Number(last["n"]) - 1,
      hash: last?.["hash"] instanceof Uint8Array ? last["hash"] : empty
    }
  }

  #refusal(fence: Fence | undefined, commit: Commit): "conflict" | "exists" | "not_owner" | "blob_missing" | undefined {
    if (fence === undefined) {
      if (commit.expected !== 0) return "conflict"
    } else if (commit.expected === 0) {
      return "exists"
    } else if (fence.owner !== commit.owner) {
      return "not_owner"
    } else if (fence.head !== commit.expected || !RecordHash.equals(fence.hash, commit.previous)) {
      return "conflict"
    }
    return commit.references === undefined || this.#hasAll(commit, commit.references) ? undefined : "blob_missing"
  }

  #hasAll(commit: Commit, references: ReadonlyArray<BlobRef>): boolean {
    const carried = new Set((commit.blobs ?? []).map(({ ref }) => ref))
    return references.every((ref) => carried.has(ref) || Blobs.find(this.#connection, commit.tenant, ref) !== undefined)
  }

  /** The new run's number; `undefined` when a run of that name is there. */
  #create(commit: Commit): number | undefined {
    // Creation without a summary is a bug of the caller, not a state of the store: the batch dies.
    if (commit.summary === undefined) throw new Error(`the record that creates run ${commit.run} carries no summary`)
    return this.#connection.insertNew(
      `INSERT INTO run (tenant, run, owner, epoch, flow, parent_run, parent_path, parent_attempt, depth, lineage_run, version,
        flow_hash, status, paused, code, reason, semantics, created_at, ended_at, tags)
        VALUES (?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (tenant, run) DO NOTHING`,
      commit.tenant,
      commit.run,
      commit.owner ?? null,
      commit.summary.flow,
      commit.summary.parent?.run ?? null,
      commit.summary.parent?.path ?? null,
      commit.summary.parent?.attempt ?? null,
      commit.summary.parent?.depth ?? 0,
      commit.summary.madeFrom ?? null,
      ...columns(commit.summary)
    )
  }

  #writeRest(runNo: number, commit: Commit, isUpdate: boolean) {
    if (isUpdate && commit.summary !== undefined) {
      this.#connection.run(
        `UPDATE run SET version = ?, flow_hash = ?, status = ?, paused = ?, code = ?, reason = ?, semantics = ?,
          created_at = ?, ended_at = ?, tags = ? WHERE run_no = ?`,
        ...columns(commit.summary),
        runNo
      )
    }
    if (commit.timers !== undefined) this.#writeTimers(runNo, commit.timers)
    for (const { bytes, ref } of commit.blobs ?? []) {
      Blobs.refer(this.#connection, runNo, Blobs.write(this.#connection, commit.tenant, ref, bytes, commit.at))
    }
    for (const ref of commit.references ?? []) {
      const blobNo = Blobs.find(this.#connection, commit.tenant, ref)
      if (blobNo !== undefined) Blobs.refer(this.#connection, runNo, blobNo)
    }
    for (const flow of commit.flows ?? []) {
      this.#connection.run("INSERT OR IGNORE INTO run_flow (run_no, hash) VALUES (?, ?)", runNo, flow)
    }
    for (const { answer, id } of commit.answered ?? []) {
      this.#connection.run("UPDATE command SET answer = ? WHERE id = ? AND answer IS NULL", answer, id)
    }
    if (commit.deadLetters !== undefined || commit.lettersEnded !== undefined) {
      LetterTable.write(this.#connection, runNo, commit)
    }
    if (commit.usage !== undefined) UsageTable.write(this.#connection, runNo, commit.usage)
    if (commit.place !== undefined) PlaceTable.write(this.#connection, runNo, commit.tenant, commit.place)
    if (commit.doors !== undefined) DoorTable.write(this.#connection, runNo, commit.at, commit.doors)
  }

  #writeTimers(runNo: number, timers: NonNullable<Commit["timers"]>) {
    for (const { kind, path } of timers.clear) {
      this.#connection.run("DELETE FROM timer WHERE run_no = ? AND path = ? AND kind = ?", runNo, path, kind)
    }
    for (const { due, kind, n, path } of timers.set) {
      this.#connection.run(
        `INSERT INTO timer (run_no, path, kind, n, due) VALUES (?, ?, ?, ?, ?)
          ON CONFLICT (run_no, path, kind) DO UPDATE SET n = excluded.n, due = excluded.due`,
        runNo,
        path,
        kind,
        n,
        due
      )
    }
  }
}

/** All but the flow's name and the parent, which a run keeps: indexes hold them. */
const columns = (summary: RunSummary) => [
  summary.version,
  summary.flowHash,
  summary.status,
  summary.paused ? 1 : 0,
  summary.code ?? null,
  summary.reason ?? null,
  summary.semantics,
  summary.createdAt,
  summary.endedAt ?? null,
  JSON.stringify(summary.tags)
]
