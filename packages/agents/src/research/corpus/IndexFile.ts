/**
 * One index: a SQLite file with the evidence units of a selection of documents. It is a cache; deleting it costs time only.
 *
 * Readers see one snapshot. A writer holds `IndexLock`, replaces a document in one transaction, and may be killed at any
 * moment: what was committed is complete documents.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { rmSync } from "node:fs"
import { DatabaseSync, type StatementSync } from "node:sqlite"
import { CorpusError } from "../CorpusError.ts"
import type { Locator } from "../Evidence.ts"
import { plainText } from "./Block.ts"
import type { EvidenceUnit, UnitKind } from "./EvidenceUnit.ts"
import type { SelectedFile } from "./FileSelection.ts"
import { indexed } from "./Terms.ts"

/** Another number makes every older index file void. */
export const indexVersion = 1

const tables = `
  CREATE TABLE document (
    id INTEGER PRIMARY KEY, uri TEXT NOT NULL UNIQUE, path TEXT NOT NULL, bytes INTEGER NOT NULL, stamp TEXT NOT NULL,
    hash TEXT NOT NULL, title TEXT NOT NULL, place TEXT NOT NULL CHECK (place IN ('line', 'page', 'paragraph')),
    units INTEGER NOT NULL, words INTEGER NOT NULL, note TEXT, skip_code TEXT, skip_reason TEXT
  ) STRICT;
  CREATE TABLE section (id INTEGER PRIMARY KEY, document INTEGER NOT NULL, headings TEXT NOT NULL) STRICT;
  CREATE INDEX section_document ON section (document);
  CREATE TABLE unit (
    id INTEGER PRIMARY KEY, document INTEGER NOT NULL, position INTEGER NOT NULL, section INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('sentence', 'item', 'row', 'code')), text TEXT NOT NULL, lead TEXT NOT NULL,
    first INTEGER NOT NULL, last INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX unit_document ON unit (document, position);
  CREATE VIRTUAL TABLE evidence USING fts5 (
    text, heading, content = '', contentless_delete = 1, tokenize = 'porter unicode61 remove_diacritics 2'
  );
  PRAGMA user_version = ${indexVersion};`

export interface DocumentRow {
  readonly id: number
  readonly uri: string
  readonly path: string
  readonly bytes: number
  readonly stamp: string
  readonly hash: string
  readonly title: string
  readonly place: "line" | "page" | "paragraph"
  readonly units: number
  readonly words: number
  readonly note: string | null
  readonly skip_code: string | null
  readonly skip_reason: string | null
}

export interface StoredUnit {
  readonly id: number
  readonly uri: string
  readonly title: string
  readonly hash: string
  readonly position: number
  readonly kind: UnitKind
  readonly text: string
  readonly lead: string
  readonly headings: ReadonlyArray<string>
  readonly locator: Locator
  /** Relevance to the search that found it, larger is better; 0 when it was not searched. */
  readonly rank: number
}

export interface IndexFile {
  readonly path: string
  readonly database: DatabaseSync
  readonly sql: {
    readonly documents: StatementSync
    readonly insertDocument: StatementSync
    readonly finishDocument: StatementSync
    readonly touchDocument: StatementSync
    readonly insertSection: StatementSync
    readonly insertUnit: StatementSync
    readonly insertEvidence: StatementSync
    readonly search: StatementSync
    readonly frequency: StatementSync
    readonly unitAt: StatementSync
    readonly unitsBetween: StatementSync
  }
}

const unitColumns =
  `unit.id, document.uri, document.title, document.hash, document.place, unit.position, unit.kind, unit.text,
  unit.lead, unit.first, unit.last, section.headings`
const unitJoin = "JOIN document ON document.id = unit.document JOIN section ON section.id = unit.section"

/**
 * The full-text index leaves numbers beyond 2^53 behind as "last row id", which a statement that runs later would refuse to
 * report as a number.
 */
const writing = (database: DatabaseSync, sql: string): StatementSync => {
  const statement = database.prepare(sql)
  statement.setReadBigInts(true)
  return statement
}

const prepare = (path: string, database: DatabaseSync): IndexFile => ({
  path,
  database,
  sql: {
    documents: database.prepare("SELECT * FROM document ORDER BY uri"),
    insertDocument: writing(
      database,
      `INSERT INTO document (uri, path, bytes, stamp, hash, title, place, units, words, note, skip_code, skip_reason)
       VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, ?, ?, ?)`
    ),
    finishDocument: writing(database, "UPDATE document SET units = ?, words = ?, note = ? WHERE id = ?"),
    touchDocument: writing(database, "UPDATE document SET path = ?, bytes = ?, stamp = ? WHERE id = ?"),
    insertSection: writing(database, "INSERT INTO section (document, headings) VALUES (?, ?)"),
    insertUnit: writing(
      database,
      "INSERT INTO unit (document, position, section, kind, text, lead, first, last) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
    ),
    insertEvidence: writing(database, "INSERT INTO evidence (rowid, text, heading) VALUES (?, ?, ?)"),
    search: database.prepare(
      `SELECT ${unitColumns}, hit.score FROM (
         SELECT rowid, bm25(evidence, 1.0, 0.4) AS score FROM evidence WHERE evidence MATCH ? ORDER BY score, rowid LIMIT ?
       ) AS hit JOIN unit ON unit.id = hit.rowid ${unitJoin} ORDER BY hit.score, document.uri, unit.position`
    ),
    frequency: database.prepare("SELECT count(*) AS n FROM evidence WHERE evidence MATCH ?"),
    unitAt: database.prepare(`SELECT ${unitColumns} FROM unit ${unitJoin} WHERE unit.id = ?`),
    unitsBetween: database.prepare(
      `SELECT ${unitColumns} FROM unit ${unitJoin} WHERE document.uri = ? AND document.hash = ?
         AND unit.last >= ? AND unit.first <= ? ORDER BY unit.position LIMIT 200`
    )
  }
})

/** Opens or creates the file; a damaged one, or one of another version, is made anew. Call it holding the lock. */
export const openForWriting = (path: string): Effect.Effect<IndexFile, CorpusError, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => {
        try {
          return create(path)
        } catch {
          for (const suffix of ["", "-wal", "-shm"]) rmSync(path + suffix, { force: true })
          return create(path)
        }
      },
      catch: failed
    }),
    (index) => Effect.sync(() => index.database.close())
  )

/** Opens an index that is complete; `undefined` when there is none that this program can read. */
export const openForReading = (path: string): Effect.Effect<IndexFile | undefined, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      let database: DatabaseSync | undefined
      try {
        database = new DatabaseSync(path, { readOnly: true, timeout: busyMilliseconds })
        if (versionOf(database) === indexVersion) return prepare(path, database)
      } catch {
        // No file yet, or one that the writer will make anew.
      }
      database?.close()
      return undefined
    }),
    (index) => Effect.sync(() => index?.database.close())
  )

/** Writers are serialised by the lock file, so that waiting inside SQLite is short. */
const busyMilliseconds = 2_000

const create = (path: string): IndexFile => {
  const database = new DatabaseSync(path, { timeout: busyMilliseconds })
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY")
    const version = versionOf(database)
    if (version === 0) database.exec(`BEGIN IMMEDIATE; ${tables} COMMIT`)
    else if (version !== indexVersion) throw new Error("another version")
    return prepare(path, database)
  } catch (cause) {
    database.close()
    throw cause
  }
}

const versionOf = (database: DatabaseSync) => Number(database.prepare("PRAGMA user_version").get()?.["user_version"])

export const failed = (cause: unknown): CorpusError =>
  new CorpusError({
    code: "INDEX_FAILED",
    message: `the index of the documents cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`
  })

/** Units written before other work gets a turn. */
const unitsPerTurn = 256

/** Replaces one document in one transaction; on failure or interruption nothing of it remains. */
export const replaceDocument = (
  index: IndexFile,
  file: SelectedFile,
  content: {
    readonly hash: string
    readonly title: string
    readonly place: string
    readonly note: string | undefined
    readonly units: Iterable<EvidenceUnit>
    readonly skipped?: { readonly code: string; readonly reason: string }
  },
  unitsMax: number
): Effect.Effect<void, CorpusError> =>
  Effect.acquireUseRelease(
    attempt(() => index.database.exec("BEGIN IMMEDIATE")),
    () =>
      Effect.gen(function*() {
        yield* attempt(() => deleteDocument(index, file.uri))
        const { hash, note, place, skipped, title } = content
        const { lastInsertRowid } = yield* attempt(() =>
          index.sql.insertDocument.run(
            file.uri,
            file.path,
            file.bytes,
            file.stamp,
            hash,
            title,
            place,
            note ?? null,
            skipped?.code ?? null,
            skipped?.reason ?? null
          )
        )
        const document = Number(lastInsertRowid)
        const writer = unitWriter(index, document, title)
        for (const unit of content.units) {
          if (writer.count >= unitsMax) break
          yield* attempt(() => writer.write(unit))
          if (writer.count % unitsPerTurn === 0) yield* Effect.yieldNow
        }
        const cut = writer.count >= unitsMax ? `only its first ${unitsMax} evidence units were read` : undefined
        yield* attempt(() => index.sql.finishDocument.run(writer.count, writer.words, cut ?? note ?? null, document))
        yield* attempt(() => index.database.exec("COMMIT"))
      }),
    () =>
      Effect.sync(() => {
        if (index.database.isTransaction) index.database.exec("ROLLBACK")
      })
  )

const attempt = <A>(run: () => A) => Effect.try({ try: run, catch: failed })

const unitWriter = (index: IndexFile, document: number, title: string) => {
  let headings: ReadonlyArray<string> | undefined
  let section = 0
  let heading = ""
  const writer = {
    count: 0,
    words: 0,
    write: (unit: EvidenceUnit) => {
      if (headings === undefined || !same(headings, unit.headings)) {
        headings = unit.headings
        section = Number(index.sql.insertSection.run(document, JSON.stringify(headings)).lastInsertRowid)
        heading = indexed([title, ...headings].join(" — "))
      }
      const { first, kind, last, lead, text } = unit
      const row = index.sql.insertUnit.run(document, writer.count, section, kind, text, lead, first, last)
      const context = lead === "" ? heading : `${heading} — ${indexed(lead)}`
      index.sql.insertEvidence.run(row.lastInsertRowid, indexed(kind === "code" ? text : plainText(text)), context)
      writer.count++
      for (let at = 0; at >= 0; at = text.indexOf(" ", at + 1)) writer.words++
    }
  }
  return writer
}

const same = (a: ReadonlyArray<string>, b: ReadonlyArray<string>) =>
  a.length === b.length && a.every((text, at) => text === b[at])

export const deleteDocument = (index: IndexFile, uri: string): void => {
  const { database } = index
  const old = database.prepare("SELECT id FROM document WHERE uri = ?").get(uri)?.["id"]
  if (typeof old !== "number") return
  writing(database, "DELETE FROM evidence WHERE rowid IN (SELECT id FROM unit WHERE document = ?)").run(old)
  for (const table of ["unit", "section"]) writing(database, `DELETE FROM ${table} WHERE document = ?`).run(old)
  writing(database, "DELETE FROM document WHERE id = ?").run(old)
}
