/**
 * What SQLite and the file system say, in the words of the port: a reason and what to do about it. The driver's own text,
 * which may quote SQL or values, never leaves this file, and neither do stack traces.
 */
import { RunStoreError } from "@baton/engine/RunStore"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

export type Reason = RunStoreError["reason"]

const Coded = Schema.Struct({ code: Schema.String, errcode: Schema.optionalKey(Schema.Number) })
const decode = Schema.decodeUnknownOption(Coded)

/** Primary result codes (sqlite.org/rescode.html); extended codes carry them in the low byte. */
const byResult: { readonly [code: number]: Reason } = {
  3: "read_only", // PERM
  5: "busy",
  6: "busy", // LOCKED
  8: "read_only",
  10: "unavailable", // IOERR
  11: "corrupt",
  13: "full",
  14: "read_only", // CANTOPEN
  26: "corrupt" // NOTADB
}

const byErrno: { readonly [code: string]: Reason } = {
  EACCES: "read_only",
  EPERM: "read_only",
  EROFS: "read_only",
  ENOSPC: "full",
  EDQUOT: "full"
}

const advice: { readonly [reason in Reason]: (file: string) => string } = {
  unavailable: (file) =>
    `The store ${file} could not be read or written: the disk reported an error. Check the disk, then try again.`,
  busy: (file) => `The store ${file} is locked by another program. Close what holds it open, then try again.`,
  full: (file) => `The disk that holds ${file} is full. Nothing was written. Free some space, then try again.`,
  read_only: (file) =>
    `The store ${file} cannot be opened for writing. Check the permissions of the file and its folder, or choose another data folder.`,
  newer: (file) => `The store ${file} was written by a newer version of Baton. Use that version or a newer one.`,
  corrupt: (file) =>
    `The store ${file} is damaged or is not a Baton store. Restore it from a backup, or choose another data folder.`,
  gone: (file) =>
    `The store ${file} was removed, moved or replaced while it was in use. Nothing was written. Put it back, or start this process again.`
}

export const make = (reason: Reason, file: string): RunStoreError =>
  new RunStoreError({ reason, message: advice[reason](file) })

/** The port's error for whatever was thrown, or nothing when it is a bug of ours, which must not look like a full disk. */
export const from = (thrown: unknown, file: string): RunStoreError | undefined => {
  if (thrown instanceof RunStoreError) return thrown
  const { code, errcode } = Option.getOrElse(decode(thrown), () => ({ code: "", errcode: undefined }))
  const reason = code === "ERR_SQLITE_ERROR" ? byResult[(errcode ?? 0) & 0xff] : byErrno[code]
  return reason === undefined ? undefined : make(reason, file)
}

/** Whether the connection must be opened again: after a failed sync nobody knows what the disk holds (fsyncgate). */
export const losesConnection = (thrown: unknown): boolean =>
  Option.match(decode(thrown), {
    onNone: () => false,
    onSome: ({ code, errcode }) => code === "ERR_SQLITE_ERROR" && ((errcode ?? 0) & 0xff) === 10
  })
