/**
 * Writes a file below a root so that it is there whole or not at all, and nowhere else.
 *
 * Every folder is opened by name inside the folder before it, refusing links, and on Linux everything after is relative to
 * the opened folder (`/proc/self/fd`), so that exchanging a folder for a link in between changes nothing. Elsewhere the
 * real path of the folder is checked against the root. The bytes go to a temporary file in the same folder, are synced,
 * renamed over the name, and the folder is synced.
 */
import type { StepError } from "@baton/kernel/StepError"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import { constants } from "node:fs"
import * as fs from "node:fs/promises"
import * as Path from "node:path"
import { temporaryPrefix } from "./OutputPath.ts"

/** Bytes of one file. */
export const fileBytesMax = 1024 * 1024 * 1024

export interface Written {
  readonly bytes: number
  /** Lower-case hex. */
  readonly sha256: string
}

/** `tag` names the writer: a file that the same writer left unfinished is replaced. */
export const write = (
  root: string,
  segments: ReadonlyArray<string>,
  tag: string,
  content: Stream.Stream<Uint8Array, StepError>
): Effect.Effect<Written, StepError> => Effect.scoped(writeScoped(root, segments, tag, content))

const writeScoped = Effect.fnUntraced(function*(
  root: string,
  segments: ReadonlyArray<string>,
  tag: string,
  content: Stream.Stream<Uint8Array, StepError>
): Effect.fn.Return<Written, StepError, Scope.Scope> {
  const folder = yield* openFolders(root, segments.slice(0, -1))
  const name = segments.at(-1)!
  yield* attempt(() => requireReplaceable(folder.inside(name)))
  const temporary = folder.inside(`${temporaryPrefix}${tag}.part`)
  const file = yield* Effect.acquireRelease(
    attempt(() => create(temporary)),
    (handle, exit) => Effect.promise(() => discard(handle, Exit.isSuccess(exit) ? undefined : temporary))
  )
  const written = yield* fill(file, content)
  yield* Effect.uninterruptible(attempt(async () => {
    await file.sync()
    await requireSame(file, temporary)
    await fs.rename(temporary, folder.inside(name))
    await requireSame(file, folder.inside(name))
    await folder.handle.sync()
  }))
  return written
})

interface Folder {
  readonly handle: fs.FileHandle
  readonly inside: (name: string) => string
}

const openFolders = Effect.fnUntraced(function*(
  root: string,
  segments: ReadonlyArray<string>
): Effect.fn.Return<Folder, StepError, Scope.Scope> {
  const real = yield* attempt(async () => {
    await fs.mkdir(root, { recursive: true })
    return fs.realpath(root)
  })
  let folder = yield* open(real, real)
  let path = real
  for (const segment of segments) {
    const inside = folder.inside(segment)
    path = Path.join(path, segment)
    const parent = folder
    yield* attempt(() => makeFolder(inside, parent.handle))
    folder = yield* open(inside, path)
  }
  return folder
})

/** `expected` is the folder's path without links: where it must be. */
const open = (path: string, expected: string): Effect.Effect<Folder, StepError, Scope.Scope> =>
  Effect.acquireRelease(
    attempt(() => openFolder(path, expected)),
    (folder) => Effect.promise(() => folder.handle.close())
  )

const openFolder = async (path: string, expected: string): Promise<Folder> => {
  const before = await fs.lstat(path)
  if (!before.isDirectory()) throw new Refused("a part of it is a link or no folder")
  const handle = await fs.open(path, constants.O_RDONLY | directoryOnly | noFollow)
  try {
    const opened = await handle.stat()
    if (opened.ino !== before.ino || opened.dev !== before.dev) throw new Refused("a folder was exchanged")
    const anchor = await anchorOf(handle, expected)
    return { handle, inside: (name) => Path.join(anchor, name) }
  } catch (error) {
    await handle.close()
    throw error
  }
}

const directoryOnly = constants.O_DIRECTORY ?? 0
const noFollow = constants.O_NOFOLLOW ?? 0

/** A path that stays with the opened folder where the system has one; else its real path, checked. */
const anchorOf = async (handle: fs.FileHandle, expected: string): Promise<string> => {
  const anchor = `/proc/self/fd/${handle.fd}`
  const real = process.platform === "linux" ? await fs.realpath(anchor).catch(() => undefined) : undefined
  if (real !== undefined) return anchor
  if (await fs.realpath(expected) !== expected) throw new Refused("a part of it is a link")
  return expected
}

const makeFolder = async (path: string, parent: fs.FileHandle): Promise<void> => {
  try {
    await fs.mkdir(path)
  } catch (error) {
    if (codeOf(error) === "EEXIST") return
    throw error
  }
  await parent.sync()
}

const requireReplaceable = async (path: string): Promise<void> => {
  const there = await fs.lstat(path).catch((error: unknown) => {
    if (codeOf(error) === "ENOENT") return undefined
    throw error
  })
  if (there !== undefined && !there.isFile()) throw new Refused("there is a link or a folder of that name")
}

/** A leftover is from a writer that died: nobody else uses this tag. */
const create = async (path: string): Promise<fs.FileHandle> => {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | noFollow
  try {
    return await fs.open(path, flags, 0o666)
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error
    await fs.unlink(path)
    return await fs.open(path, flags, 0o666)
  }
}

const discard = async (handle: fs.FileHandle, leftover: string | undefined): Promise<void> => {
  if (leftover !== undefined && await isSame(handle, leftover)) await fs.unlink(leftover).catch(() => {})
  await handle.close().catch(() => {})
}

const isSame = async (handle: fs.FileHandle, path: string): Promise<boolean> => {
  const [opened, named] = await Promise.all([handle.stat(), fs.lstat(path).catch(() => undefined)])
  return named !== undefined && named.ino === opened.ino && named.dev === opened.dev
}

/** Two deliveries of one attempt may write at once: only the one whose file it is may go on. */
const requireSame = async (handle: fs.FileHandle, path: string): Promise<void> => {
  if (!await isSame(handle, path)) throw new Contended()
}

const fill = (
  file: fs.FileHandle,
  content: Stream.Stream<Uint8Array, StepError>
): Effect.Effect<Written, StepError> => {
  const hash = createHash("sha256")
  let bytes = 0
  return content.pipe(
    Stream.runForEach((part) => {
      bytes += part.byteLength
      if (bytes > fileBytesMax) return Effect.fail(tooLarge)
      hash.update(part)
      return attempt(() => file.writeFile(part))
    }),
    Effect.map(() => ({ bytes, sha256: hash.digest("hex") }))
  )
}

class Refused extends Error {}
class Contended extends Error {}

const attempt = <A>(evaluate: () => Promise<A>): Effect.Effect<A, StepError> =>
  Effect.tryPromise({ try: evaluate, catch: stepError })

const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : ""

/** `why` says what about the path is not allowed. */
export const pathRefused = (why: string): StepError => ({
  code: "PATH_REFUSED",
  kind: "io",
  message: `The file's path is refused: ${why}. It must be a relative path inside the output folder.`,
  retryable: false
})

const tooLarge: StepError = {
  code: "FILE_TOO_LARGE",
  kind: "io",
  message: `The file would be larger than ${fileBytesMax} bytes.`,
  retryable: false
}

/** What the file system says, in our words; paths of the machine stay out. */
export const stepError = (error: unknown): StepError => {
  if (error instanceof Refused) return pathRefused(error.message)
  if (error instanceof Contended) {
    return io("FILE_CONTENDED", "Another delivery of this step wrote the file at once.", true)
  }
  const code = codeOf(error)
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return io("DISK_FULL", "There is no space left for the file.", true)
    case "EROFS":
      return io("READ_ONLY", "The output folder is on a read-only file system.", false)
    case "EACCES":
    case "EPERM":
      return io("PERMISSION_DENIED", "The output folder cannot be written to.", false)
    case "ELOOP":
    case "ENOTDIR":
    case "EISDIR":
    case "ENAMETOOLONG":
      return pathRefused(`the file system says ${code}`)
    default:
      return io("FILE_FAILED", `The file cannot be written: ${code === "" ? "unknown error" : code}.`, true)
  }
}

const io = (code: string, message: string, retryable: boolean): StepError => ({ code, kind: "io", message, retryable })
