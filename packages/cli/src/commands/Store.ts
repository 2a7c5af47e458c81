/** `backup` and `doctor`. */
import { type Finding, StoreClient } from "@baton/contract/StoreClient"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import { constants } from "node:fs"
import { access, statfs } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import * as Backend from "../Backend.ts"
import { Environment, hasUnicode } from "../Environment.ts"
import { exitCodes } from "../ExitCode.ts"
import type { Backup, Doctor } from "../Invocation.ts"
import { Printer } from "../Printer.ts"

export const backup = Effect.fnUntraced(function*(request: Backup) {
  const printer = yield* Printer
  const file = resolve(request.file)
  const made = yield* Backend.withPorts(
    { here: "a backup, which is a file beside the store," },
    Effect.flatMap(StoreClient, (store) => store.backup(file))
  )
  yield* printer.isJson
    ? printer.document({ schema: "baton.backup/1", ...made })
    : printer.answer(`wrote ${made.file} bytes=${made.bytes} runs=${made.runs}`)
  return exitCodes.done
})

/** Oldest Node that runs Baton. */
const nodeMajorMin = 24

/** Less free space than this many bytes is worth a warning. */
const freeBytesMin = 512 * 1024 * 1024

const node: Effect.Effect<Finding> = Effect.sync(() => {
  const major = Number(process.versions.node.split(".")[0])
  const message = `Node ${process.versions.node}, ${process.platform} ${process.arch}`
  return major >= nodeMajorMin
    ? { id: "node.version", status: "ok", message }
    : { id: "node.version", status: "fail", message, fix: `install Node ${nodeMajorMin} or newer` }
})

/** The directory itself, or the nearest one above that exists. */
const existing = async (path: string): Promise<string> => {
  const there = await access(path, constants.F_OK).then(() => true, () => false)
  return there || dirname(path) === path ? path : existing(dirname(path))
}

const directory = (data: string): Effect.Effect<ReadonlyArray<Finding>> =>
  Effect.promise(async () => {
    const place = await existing(data)
    const writable = await access(place, constants.W_OK).then(() => true, () => false)
    const disk = await statfs(place).catch(() => undefined)
    const free = disk === undefined ? undefined : disk.bavail * disk.bsize
    const gib = free === undefined ? "unknown" : `${(free / 1024 ** 3).toFixed(1)} GiB`
    const findings: Array<Finding> = [
      writable
        ? { id: "data.writable", status: "ok", message: `data directory ${data}` }
        : {
          id: "data.writable",
          status: "fail",
          message: `${place} is not writable`,
          fix: "another --data DIR, or its permissions"
        },
      free !== undefined && free < freeBytesMin
        ? { id: "data.space", status: "warn", message: `${gib} free`, fix: "make room: baton runs prune" }
        : { id: "data.space", status: "ok", message: `${gib} free` }
    ]
    return findings
  })

const terminal: Effect.Effect<Finding, never, Environment> = Effect.map(Environment, (values) =>
  hasUnicode(values)
    ? { id: "terminal.utf8", status: "ok", message: "the locale is UTF-8" }
    : { id: "terminal.utf8", status: "warn", message: "the locale is not UTF-8: marks are ASCII", fix: "LANG=C.UTF-8" })

const store = Backend.withPorts({}, Effect.flatMap(StoreClient, (client) => client.diagnose)).pipe(
  Effect.catchTag("Failure", (failure) => {
    const finding: Finding = {
      id: "store.open",
      status: "fail",
      message: `${failure.code}: ${failure.what}`,
      ...(failure.hint === undefined ? {} : { fix: failure.hint })
    }
    return Effect.succeed<ReadonlyArray<Finding>>([finding])
  })
)

export const doctor = Effect.fnUntraced(function*(_request: Doctor) {
  const printer = yield* Printer
  const data = yield* Backend.dataDirectory
  const findings = [yield* node, ...(yield* directory(data)), yield* terminal, ...(yield* store)]
  const failed = findings.some((finding) => finding.status === "fail")
  yield* printer.listing({
    document: { schema: "baton.doctor/1", ok: !failed, findings: findings as ReadonlyArray<Json> },
    items: findings as ReadonlyArray<Json>,
    empty: "",
    table: {
      header: ["status", "check", "found", "fix"],
      rows: findings.map((finding) => [finding.status, finding.id, finding.message, finding.fix ?? ""])
    }
  })
  return failed ? exitCodes.problems : exitCodes.done
})
