/**
 * Paths that a `file` step may name: relative, inside the output root, and meaning the same file on every system.
 */
import * as Result from "effect/Result"

/** UTF-8 bytes of a whole path. */
export const pathBytesMax = 1024
/** UTF-8 bytes of one segment. */
export const segmentBytesMax = 200
/** Folders inside folders. */
export const segmentsMax = 16

/** The segments of a path, or what is wrong with it. */
export const parse = (path: string): Result.Result<ReadonlyArray<string>, string> => {
  if (path === "") return Result.fail("it is empty")
  if (!path.isWellFormed()) return Result.fail("it is no well-formed text")
  if (Buffer.byteLength(path) > pathBytesMax) return Result.fail(`it is longer than ${pathBytesMax} bytes`)
  if (/^[/\\]/.test(path) || /^[A-Za-z]:/.test(path)) return Result.fail("it is absolute")
  const segments = path.split("/")
  if (segments.length > segmentsMax) return Result.fail(`it has more than ${segmentsMax} parts`)
  for (const segment of segments) {
    const problem = segmentProblem(segment)
    if (problem !== undefined) return Result.fail(problem)
  }
  return Result.succeed(segments)
}

/** Names that Windows gives to devices, whatever comes after the first dot. */
const reserved = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9\u00b9\u00b2\u00b3]|lpt[0-9\u00b9\u00b2\u00b3])$/i

const segmentProblem = (segment: string): string | undefined => {
  if (segment === "") return "it has an empty part"
  if (segment === "." || segment === "..") return `it holds the part ${segment}`
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\0-\x1F\x7F]/.test(segment)) return "it holds a control character"
  if (/[\\<>:"|?*]/.test(segment)) return "it holds one of the characters \\ < > : \" | ? *"
  if (/[. ]$/.test(segment)) return "one of its parts ends with a dot or a space"
  if (reserved.test(segment.split(".")[0]!.trimEnd())) return "one of its parts is a reserved name"
  if (Buffer.byteLength(segment) > segmentBytesMax) return `one of its parts is longer than ${segmentBytesMax} bytes`
  return segment.startsWith(temporaryPrefix) ? `parts cannot begin with ${temporaryPrefix}` : undefined
}

/** What unfinished files are called; no flow can name one. */
export const temporaryPrefix = ".baton-"
