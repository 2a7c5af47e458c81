/**
 * A selection of documents, indexed and open for reading. Opening it brings the index up to date first: unchanged files
 * (size and times) are not read again, and of all openers, in any process, one does the work while the others wait.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { createHash } from "node:crypto"
import { mkdirSync, readdirSync, rmSync, statSync } from "node:fs"
import { join } from "node:path"
import { CorpusError } from "../CorpusError.ts"
import type { CorpusSummary, Locator } from "../Evidence.ts"
import { CorpusLimits, EvidenceLimits, type ResearchConfig } from "../ResearchConfig.ts"
import * as DocumentReader from "./DocumentReader.ts"
import { select, type SelectedFile, type Selection } from "./FileSelection.ts"
import * as IndexFile from "./IndexFile.ts"
import * as IndexLock from "./IndexLock.ts"
import * as PackedReader from "./PackedReader.ts"

export interface Corpus {
  readonly summary: CorpusSummary
  /** Evidence units, the number that rarity is measured against. */
  readonly size: number
  /** The best `limit` units for words joined by OR; a word may be a prefix-free token only. */
  readonly search: (words: ReadonlyArray<string>, limit: number) => ReadonlyArray<IndexFile.StoredUnit>
  /** How many units hold a word (after stemming). One that stands in titles and headings only counts as a rare word. */
  readonly frequency: (word: string) => number
  /** The unit before (-1) or after (+1) another one in the same document. */
  readonly neighbour: (unit: IndexFile.StoredUnit, step: -1 | 1) => IndexFile.StoredUnit | undefined
  /** The stored units that a locator spans, in reading order. */
  readonly between: (uri: string, hash: string, locator: Locator) => ReadonlyArray<IndexFile.StoredUnit>
}

export type Progress = (line: string) => Effect.Effect<void>

/** Progress is told every so many documents, and before each document of so many bytes. */
const progressDocuments = 250
const progressBytes = 8 * 1024 * 1024

export interface Corpora {
  /** Opens the documents that `files` names, the shipped ones when it names none. `progress` hears of long work. */
  readonly open: (
    files: ReadonlyArray<string> | null | undefined,
    progress?: Progress
  ) => Effect.Effect<Corpus, CorpusError, Scope.Scope>
  /** Opens the index that a summary names, as it stands; `undefined` when it is gone. */
  readonly reopen: (index: string) => Effect.Effect<Corpus | undefined, never, Scope.Scope>
}

export const make = (config: ResearchConfig): Corpora => {
  const turns = new Map<string, { readonly semaphore: Semaphore.Semaphore; users: number }>()
  return {
    open: Effect.fn("Corpus.open")(function*(files, progress = () => Effect.void) {
      const selection = yield* select(config, files)
      const name = nameOf(selection)
      const path = join(config.indexFolder, `${name}.db`)
      yield* withTurn(turns, path, refresh(config, path, selection, progress))
      const index = yield* IndexFile.openForReading(path)
      if (index === undefined) return yield* Effect.fail(IndexFile.failed("it was deleted while it was in use"))
      return yield* reader(index, name, selection.notes)
    }),
    reopen: Effect.fnUntraced(function*(name) {
      if (!/^[0-9a-f]{32}$/.test(name)) return undefined
      const index = yield* IndexFile.openForReading(join(config.indexFolder, `${name}.db`))
      return index === undefined
        ? undefined
        : yield* reader(index, name, []).pipe(Effect.orElseSucceed(() => undefined))
    })
  }
}

const nameOf = (selection: Selection) =>
  createHash("sha256").update(JSON.stringify([IndexFile.indexVersion, selection.selectors])).digest("hex").slice(0, 32)

/** Within a process openers of one index queue up in memory; the lock file is for other processes. */
const withTurn = <A, E, R>(
  turns: Map<string, { readonly semaphore: Semaphore.Semaphore; users: number }>,
  path: string,
  effect: Effect.Effect<A, E, R>
) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const turn = turns.get(path) ?? { semaphore: Semaphore.makeUnsafe(1), users: 0 }
      turn.users++
      turns.set(path, turn)
      return turn
    }),
    (turn) => turn.semaphore.withPermits(1)(effect),
    (turn) =>
      Effect.sync(() => {
        if (--turn.users === 0) turns.delete(path)
      })
  )

const refresh = (config: ResearchConfig, path: string, selection: Selection, progress: Progress) =>
  Effect.scoped(Effect.gen(function*() {
    const current = yield* IndexFile.openForReading(path)
    if (current !== undefined && isFresh(current, selection.files)) return
    yield* prepareFolder(config.indexFolder, path)
    yield* IndexLock.acquire(path)
    const index = yield* IndexFile.openForWriting(path)
    yield* update(index, selection.files, progress)
  }))

const documentsOf = (index: IndexFile.IndexFile) =>
  index.sql.documents.all() as unknown as ReadonlyArray<IndexFile.DocumentRow>

const isFresh = (index: IndexFile.IndexFile, files: ReadonlyArray<SelectedFile>) => {
  const documents = documentsOf(index)
  return documents.length === files.length &&
    files.every((file, at) => documents[at]?.uri === file.uri && isUnchanged(documents[at], file))
}

const isUnchanged = (document: IndexFile.DocumentRow, file: SelectedFile) =>
  document.path === file.path && document.bytes === file.bytes && document.stamp === file.stamp

const prepareFolder = Effect.fnUntraced(function*(folder: string, path: string) {
  const { indexesMax } = yield* CorpusLimits
  yield* Effect.try({
    try: () => {
      mkdirSync(folder, { recursive: true })
      const files = readdirSync(folder).filter((name) => /^[0-9a-f]{32}\.db$/.test(name))
      if (files.length < indexesMax || files.some((name) => join(folder, name) === path)) return
      const aged = files.map((name) => ({ name, used: statSync(join(folder, name)).mtimeMs })).sort((a, b) =>
        b.used - a.used
      )
      for (const { name } of aged.slice(indexesMax - 1)) {
        for (const suffix of ["", "-wal", "-shm", ".lock"]) rmSync(join(folder, name + suffix), { force: true })
      }
    },
    catch: IndexFile.failed
  })
})

const update = Effect.fnUntraced(function*(
  index: IndexFile.IndexFile,
  files: ReadonlyArray<SelectedFile>,
  progress: Progress
) {
  const limits = yield* CorpusLimits
  const packed = yield* PackedReader.make
  const known = new Map(documentsOf(index).map((document) => [document.uri, document]))
  for (const [at, file] of files.entries()) {
    const document = known.get(file.uri)
    known.delete(file.uri)
    if (document !== undefined && isUnchanged(document, file)) continue
    yield* Effect.yieldNow
    if (file.bytes >= progressBytes || (at > 0 && at % progressDocuments === 0)) {
      yield* progress(`reading document ${at + 1} of ${files.length}: ${file.uri}, ${file.bytes} bytes`)
    }
    const read = yield* DocumentReader.read(file, packed)
    if (document !== undefined && read.hash !== "" && read.hash === document.hash && document.skip_code === null) {
      index.sql.touchDocument.run(file.path, file.bytes, file.stamp, document.id)
      continue
    }
    const content = read._tag === "Readable"
      ? read
      : { hash: read.hash, title: file.uri, place: "line", note: undefined, units: [], skipped: read }
    yield* IndexFile.replaceDocument(index, file, content, limits.documentUnitsMax)
  }
  yield* Effect.try({
    try: () => {
      for (const uri of known.keys()) IndexFile.deleteDocument(index, uri)
      index.database.exec("PRAGMA wal_checkpoint(PASSIVE)")
    },
    catch: IndexFile.failed
  })
})

/** A snapshot for the length of the scope, with the summary of what it holds. */
const reader = Effect.fnUntraced(function*(
  index: IndexFile.IndexFile,
  name: string,
  notes: ReadonlyArray<string>
): Effect.fn.Return<Corpus, CorpusError> {
  const { skippedNamedMax } = yield* EvidenceLimits
  const documents = yield* Effect.try({
    try: () => {
      index.database.exec("BEGIN")
      return documentsOf(index)
    },
    catch: IndexFile.failed
  })
  const readable = documents.filter((document) => document.skip_code === null)
  const skipped = documents.filter((document) => document.skip_code !== null)
    .map(({ skip_code, skip_reason, uri }) => ({ uri, code: skip_code ?? "", reason: skip_reason ?? "" }))
  const size = readable.reduce((sum, document) => sum + document.units, 0)
  if (size === 0) return yield* Effect.fail(nothingReadable(skipped))
  const fingerprint = createHash("sha256")
  for (const { hash, uri } of documents) fingerprint.update(`${uri}\u0000${hash}\u0000`)
  return {
    size,
    summary: {
      documents: readable.length,
      units: size,
      words: readable.reduce((sum, document) => sum + document.words, 0),
      fingerprint: fingerprint.digest("hex"),
      index: name,
      skipped: skipped.slice(0, skippedNamedMax),
      skippedMore: Math.max(0, skipped.length - skippedNamedMax),
      notes: [...notes, ...readable.flatMap(({ note, uri }) => note === null ? [] : [`${uri}: ${note}`])]
    },
    search: (words, limit) => words.length === 0 ? [] : index.sql.search.all(matching(words), limit).map(toUnit),
    frequency: (word) => {
      const count = (match: string) => Number(index.sql.frequency.get(match)?.["n"] ?? 0)
      const term = matching([word])
      const texts = count(`text : ${term}`)
      return texts > 0 || count(term) === 0 ? texts : Math.ceil(size * headingShare)
    },
    neighbour: (unit, step) => {
      const row = index.sql.unitAt.get(unit.id + step)
      const found = row === undefined ? undefined : toUnit(row)
      return found?.uri === unit.uri ? found : undefined
    },
    between: (uri, hash, locator) => {
      const [first, last] = spanOf(locator)
      return index.sql.unitsBetween.all(uri, hash, first, last).map(toUnit)
    }
  }
})

const nothingReadable = (skipped: CorpusSummary["skipped"]) => {
  const first = skipped[0]
  if (first === undefined) {
    return new CorpusError({
      code: "CORPUS_EMPTY",
      message: "the documents hold no sentence, list item, table row or code"
    })
  }
  const more = skipped.length > 1 ? ` (and ${skipped.length - 1} more documents)` : ""
  const code = first.code === "DOCUMENT_TOO_LARGE" ? "DOCUMENT_TOO_LARGE" : "DOCUMENT_UNREADABLE"
  return new CorpusError({ code, message: `no document can be read. ${first.uri}: ${first.reason}${more}` })
}

/** Share of all units that a word of headings is taken to stand in. */
const headingShare = 0.01

const matching = (words: ReadonlyArray<string>) =>
  words.map((word) => `"${word.replaceAll("\"", "\"\"")}"`).join(" OR ")

const spanOf = (locator: Locator): readonly [number, number] => {
  if ("page" in locator) return [locator.page, locator.page]
  return "paragraph" in locator ? [locator.paragraph, locator.paragraph] : [locator.lines.from, locator.lines.to]
}

const toUnit = (row: Record<string, unknown>): IndexFile.StoredUnit => {
  const first = Number(row["first"])
  const place = row["place"]
  return {
    id: Number(row["id"]),
    uri: String(row["uri"]),
    title: String(row["title"]),
    hash: String(row["hash"]),
    position: Number(row["position"]),
    kind: row["kind"] as IndexFile.StoredUnit["kind"],
    text: String(row["text"]),
    lead: String(row["lead"]),
    headings: JSON.parse(String(row["headings"])) as ReadonlyArray<string>,
    locator: place === "line"
      ? { lines: { from: first, to: Number(row["last"]) } }
      : place === "page"
      ? { page: first }
      : { paragraph: first },
    rank: row["score"] === undefined ? 0 : -Number(row["score"])
  }
}
