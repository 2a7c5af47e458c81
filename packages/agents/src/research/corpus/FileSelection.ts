/**
 * Which files a call means: folders (all documents below them), files and globs, in one sorted list without repeats.
 *
 * Hidden entries, `node_modules` and links to folders are not followed. A file that is named is always tried; in a folder
 * and behind a glob only what may be a document is.
 */
import * as Effect from "effect/Effect"
import type * as fs from "node:fs"
import { type Dirent } from "node:fs"
import { readdir, realpath, stat } from "node:fs/promises"
import { isAbsolute, join, matchesGlob, relative, resolve, sep } from "node:path"
import { CorpusError, type CorpusErrorCode } from "../CorpusError.ts"
import { CorpusLimits, type ResearchConfig } from "../ResearchConfig.ts"
import { extensionOf, mayBeDocument } from "./DocumentKind.ts"

export interface SelectedFile {
  /** Absolute. */
  readonly path: string
  /** As reports name it. */
  readonly uri: string
  readonly bytes: number
  /** Changes whenever the file may have changed: modification and change time in nanoseconds. */
  readonly stamp: string
}

export interface Selection {
  readonly files: ReadonlyArray<SelectedFile>
  /** What the selection is, for naming its index: absolute selectors. */
  readonly selectors: ReadonlyArray<string>
  readonly notes: ReadonlyArray<string>
}

interface Found {
  readonly paths: Set<string>
  readonly others: Map<string, number>
  /** Folders that could not be listed. */
  readonly closed: Array<string>
  entries: number
  readonly entriesMax: number
}

const refuse = (code: CorpusErrorCode, message: string) => Effect.fail(new CorpusError({ code, message }))
const globCharacters = /[*?[\]{}]/
const ignoredFolders = new Set(["node_modules", "__pycache__"])

export const select = Effect.fn("FileSelection.select")(
  function*(config: ResearchConfig, files: ReadonlyArray<string> | null | undefined) {
    const limits = yield* CorpusLimits
    const shipped = files === undefined || files === null || files.length === 0
    const selectors = shipped ? [config.shipped.folder] : files
    if (selectors.length > limits.selectorsMax) {
      return yield* refuse(
        "FILES_REFUSED",
        `${selectors.length} paths are given; at most ${limits.selectorsMax} are taken`
      )
    }
    const base = config.root ?? config.workingFolder
    const found: Found = { paths: new Set(), others: new Map(), closed: [], entries: 0, entriesMax: limits.entriesMax }
    const absolute: Array<string> = []
    for (const selector of selectors) {
      if (selector.trim() === "" || selector.includes("\u0000")) {
        return yield* refuse("FILES_REFUSED", "a path is empty or contains a null byte")
      }
      const path = resolve(base, selector)
      absolute.push(path)
      if (!shipped) yield* guardRoot(config, path)
      yield* expand(path, selector, found)
    }
    const selected = yield* describe(config, shipped, found)
    if (selected.length === 0) return yield* refuse("CORPUS_EMPTY", emptyMessage(selectors, found))
    const bytes = selected.reduce((sum, file) => sum + file.bytes, 0)
    if (selected.length > limits.documentsMax || bytes > limits.corpusBytesMax) {
      return yield* refuse(
        "CORPUS_TOO_LARGE",
        `${selected.length} documents with ${bytes} bytes are selected; at most ${limits.documentsMax} documents with ` +
          `${limits.corpusBytesMax} bytes together are read. Name a smaller folder or a glob`
      )
    }
    return { files: selected, selectors: [...new Set(absolute)].sort(), notes: notesOn(found) } satisfies Selection
  }
)

const emptyMessage = (selectors: ReadonlyArray<string>, found: Found) => {
  const others = othersNote(found)[0]
  return `${selectors.join(", ")} holds no document (Markdown, text, HTML, PDF or DOCX)${
    others === undefined ? "" : `; ${others}`
  }`
}

const othersNote = (found: Found): ReadonlyArray<string> => {
  if (found.others.size === 0) return []
  const sorted = [...found.others].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
  const total = sorted.reduce((sum, [, count]) => sum + count, 0)
  const kinds = sorted.slice(0, 5).map(([extension, count]) => `.${extension} ${count}`).join(", ")
  return [
    `${total} ${total === 1 ? "file" : "files"} of other kinds in the folders ${
      total === 1 ? "was" : "were"
    } not read (${kinds})`
  ]
}

/** Folders that are named when they cannot be listed. */
const closedNamedMax = 5

const notesOn = (found: Found): ReadonlyArray<string> => {
  const { closed } = found
  if (closed.length === 0) return othersNote(found)
  const named = closed.slice(0, closedNamedMax).join(", ")
  return [
    ...othersNote(found),
    `${closed.length === 1 ? "a folder" : `${closed.length} folders`} could not be listed (${named})`
  ]
}

/** A path as written must not leave the root; links are checked once they are resolved. */
const guardRoot = (config: ResearchConfig, path: string) =>
  config.root === undefined || inside(config.root, path)
    ? Effect.void
    : refuse("FILES_REFUSED", `${path} is outside the folder that may be read (${config.root})`)

const inside = (root: string, path: string) => {
  const way = relative(root, path)
  return way === "" || (!isAbsolute(way) && way !== ".." && !way.startsWith(`..${sep}`))
}

const ioMessage = (cause: unknown) => cause instanceof Error ? cause.message : String(cause)
const statOf = (path: string) =>
  Effect.tryPromise({
    try: () => stat(path, { bigint: true }),
    catch: (cause) => new CorpusError({ code: "FILES_NOT_FOUND", message: ioMessage(cause) })
  })

const expand = Effect.fnUntraced(function*(path: string, selector: string, found: Found) {
  const named = yield* Effect.option(statOf(path))
  if (named._tag === "Some") {
    if (named.value.isDirectory()) return yield* walk(path, () => true, found)
    if (named.value.isFile()) return void found.paths.add(path)
    return yield* refuse("FILES_REFUSED", `${selector} is neither a file nor a folder`)
  }
  if (!globCharacters.test(selector)) return yield* refuse("FILES_NOT_FOUND", `${selector}: no such file or folder`)
  const before = found.paths.size
  const pattern = path.split(sep).join("/")
  yield* walk(globBase(path), (file) => matchesGlob(file.split(sep).join("/"), pattern), found)
  if (found.paths.size === before) return yield* refuse("FILES_NOT_FOUND", `${selector} matches no document`)
})

/** The folders before the first part with a wildcard. */
const globBase = (path: string) => {
  const parts = path.split(sep)
  const wild = parts.findIndex((part) => globCharacters.test(part))
  return parts.slice(0, wild).join(sep) || sep
}

const walk = Effect.fnUntraced(function*(start: string, accepts: (path: string) => boolean, found: Found) {
  const open = [start]
  for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
    const here = folder
    const entries: ReadonlyArray<Dirent> = yield* Effect.tryPromise(() => readdir(here, { withFileTypes: true })).pipe(
      Effect.orElseSucceed((): ReadonlyArray<Dirent> => {
        found.closed.push(here)
        return []
      })
    )
    found.entries += entries.length
    if (found.entries > found.entriesMax) {
      return yield* refuse(
        "CORPUS_TOO_LARGE",
        `${start} has more than ${found.entriesMax} entries. Name a smaller folder or single files`
      )
    }
    for (const entry of entries) {
      if (entry.name.startsWith(".")) continue
      const path = join(here, entry.name)
      if (entry.isDirectory()) {
        if (!ignoredFolders.has(entry.name)) open.push(path)
      } else if ((entry.isFile() || entry.isSymbolicLink()) && accepts(path)) take(path, found)
    }
  }
})

const take = (path: string, found: Found) => {
  if (mayBeDocument(path)) return void found.paths.add(path)
  const extension = extensionOf(path)
  found.others.set(extension, (found.others.get(extension) ?? 0) + 1)
}

/** Stats every file; what has vanished or is no regular file is left out. Sorted by name, so that order never depends on the disk. */
const describe = Effect.fnUntraced(function*(config: ResearchConfig, shipped: boolean, found: Found) {
  const root = config.root === undefined || shipped ? undefined : yield* realPath(config.root)
  const described = yield* Effect.forEach([...found.paths], (path) =>
    Effect.gen(function*() {
      if (root !== undefined) yield* guardRoot({ ...config, root }, yield* realPath(path))
      const info = yield* Effect.option(statOf(path))
      if (info._tag === "None" || !info.value.isFile()) return []
      return [{ path, uri: uriOf(config, shipped, path), bytes: Number(info.value.size), stamp: stampOf(info.value) }]
    }), { concurrency: 16 })
  return described.flat().sort((a, b) => (a.uri < b.uri ? -1 : a.uri > b.uri ? 1 : 0))
})

const realPath = (path: string) => Effect.promise(() => realpath(path).catch(() => path))
const stampOf = (info: fs.BigIntStats) => `${info.mtimeNs}:${info.ctimeNs}`

/** Relative to the working folder where that is possible; a file elsewhere keeps its absolute path. */
const uriOf = (config: ResearchConfig, shipped: boolean, path: string): string => {
  const base = shipped ? config.shipped.folder : config.root ?? config.workingFolder
  const named = inside(base, path) ? relative(base, path) : path
  const uri = named.split(sep).join("/")
  return shipped ? `${config.shipped.label}/${uri}` : uri
}
