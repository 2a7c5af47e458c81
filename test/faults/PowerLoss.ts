/**
 * What a disk may hold after the power went at any point of a recorded history of writes: everything that was synced, and of
 * the rest nothing, all, or any part, torn within a write.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Chance } from "../../packages/kernel/test/random/Chance.ts"

export interface Operation {
  readonly op: "write" | "sync" | "cut" | "remove" | "say"
  readonly path: string
  readonly offset: number
  readonly bytes: Uint8Array
}

export const read = (log: string): ReadonlyArray<Operation> => {
  const all = readFileSync(log)
  const found: Array<Operation> = []
  for (let at = 0; at < all.length;) {
    const end = all.indexOf(10, at)
    const [op = "", path = "", offset = "", n = ""] = all.subarray(at, end).toString("utf8").split(" ")
    const carries = op === "write" || op === "say"
    const bytes = carries ? all.subarray(end + 1, end + 1 + Number(n)) : new Uint8Array()
    found.push({ op: op as Operation["op"], path, offset: Number(offset), bytes })
    at = end + 1 + bytes.length
  }
  return found
}

type Change = Pick<Operation, "op" | "offset" | "bytes">

/** A sector: what a disk writes whole or not at all, in bytes. */
const sector = 512

class File {
  /** What a sync has made safe; `undefined`: the file is not. */
  durable: Buffer | undefined
  pending: Array<Change> = []

  static apply(content: Buffer | undefined, change: Change): Buffer | undefined {
    if (change.op === "remove") return undefined
    const size = change.op === "cut" ? change.offset : change.offset + change.bytes.length
    const now = content ?? Buffer.alloc(0)
    const next = change.op === "cut" || size > now.length ? Buffer.alloc(size) : Buffer.from(now)
    now.copy(next, 0, 0, Math.min(now.length, next.length))
    if (change.op === "write") next.set(change.bytes, change.offset)
    return next
  }

  sync(): void {
    this.durable = this.pending.reduce(File.apply, this.durable)
    this.pending = []
  }
}

/** What survives of the writes that were not synced. */
export type Luck = "nothing" | "everything" | Chance

const survivors = (pending: ReadonlyArray<Change>, luck: Luck): ReadonlyArray<Change> => {
  if (luck === "nothing") return []
  if (luck === "everything") return pending
  return pending.flatMap((change) => {
    if (luck.is(0.4)) return []
    if (change.op !== "write" || luck.is(0.5)) return [change]
    const kept = luck.int(0, Math.floor(change.bytes.length / sector)) * sector
    return [{ ...change, bytes: change.bytes.subarray(0, kept) }]
  })
}

/** The disk as the operations leave it, one after the other. */
export class Disk {
  readonly #files = new Map<string, File>()

  do({ bytes, offset, op, path }: Operation): void {
    if (op === "say") return
    if (op === "sync" && path === ".") return this.#syncFolder()
    const file = this.#files.get(path) ?? new File()
    this.#files.set(path, file)
    if (op === "sync") file.sync()
    else file.pending.push({ op, offset, bytes })
  }

  /** Names that were taken away stay away; what is in the files is another matter. */
  #syncFolder(): void {
    for (const file of this.#files.values()) {
      const last = file.pending.findLastIndex(({ op }) => op === "remove")
      if (last === -1) continue
      file.durable = undefined
      file.pending = file.pending.slice(last + 1)
    }
  }

  /** Lays out what is found after the power went now. */
  image(folder: string, luck: Luck): void {
    for (const [path, { durable, pending }] of this.#files) {
      const content = survivors(pending, luck).reduce(File.apply, durable)
      if (content === undefined) continue
      mkdirSync(dirname(join(folder, path)), { recursive: true })
      writeFileSync(join(folder, path), content)
    }
  }
}
