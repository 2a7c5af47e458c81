/** What the research agents are told when they are made, and every bound they keep. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"

export interface ResearchConfig {
  /** Absolute folder for the index files; it may be deleted at any time, they are only a cache. */
  readonly indexFolder: string
  /** Absolute folder that relative paths start from, and that paths in reports are relative to. */
  readonly workingFolder: string
  /** When given, only files inside this absolute folder may be read; relative paths start from it. */
  readonly root?: string
  /** The documents that are searched when a call names no files; `label` replaces the folder in reports. */
  readonly shipped: { readonly folder: string; readonly label: string }
}

/** Bounds of the corpus: sizes are bytes, counts are counts. A breach of the last four refuses the whole corpus. */
export class CorpusLimits extends Context.Reference<{
  /** One text document; a larger one is skipped with `DOCUMENT_TOO_LARGE`. */
  readonly documentBytesMax: number
  /** One HTML document: a tree in memory takes many times its text. */
  readonly htmlBytesMax: number
  /** One PDF or DOCX document. */
  readonly packedBytesMax: number
  /** What a DOCX document may unpack to. */
  readonly unpackedBytesMax: number
  readonly pagesMax: number
  /** Time for one HTML, PDF or DOCX document; then it is skipped. */
  readonly documentTimeout: Duration.Duration
  /** Heap of the thread that reads HTML, PDF and DOCX, in MiB. */
  readonly readerHeapMiB: number
  /** Evidence units of one document; the rest of it is left out, and that is said. */
  readonly documentUnitsMax: number
  readonly documentsMax: number
  readonly corpusBytesMax: number
  /** Directory entries looked at while folders and globs are expanded. */
  readonly entriesMax: number
  /** Paths, folders and globs in one call. */
  readonly selectorsMax: number
  /** Index files kept; those written longest ago are deleted beyond it. */
  readonly indexesMax: number
}>("baton/agents/research/CorpusLimits", {
  defaultValue: () => ({
    documentBytesMax: 64 * 1024 * 1024,
    htmlBytesMax: 8 * 1024 * 1024,
    packedBytesMax: 64 * 1024 * 1024,
    unpackedBytesMax: 64 * 1024 * 1024,
    pagesMax: 3_000,
    documentTimeout: Duration.seconds(60),
    readerHeapMiB: 1_024,
    documentUnitsMax: 1_000_000,
    documentsMax: 10_000,
    corpusBytesMax: 1024 * 1024 * 1024,
    entriesMax: 200_000,
    selectorsMax: 1_000,
    indexesMax: 64
  })
}) {}

/** Bounds of one investigation and one report; all are counts. */
export class EvidenceLimits extends Context.Reference<{
  /** Tasks of a plan. */
  readonly tasksMax: number
  /** Findings of one task. */
  readonly findingsMax: number
  /** Findings of one report. */
  readonly reportFindingsMax: number
  /** Units that one search of the index may bring back for ranking. */
  readonly candidatesMax: number
  /** Units compared with each other. */
  readonly comparedMax: number
  /** Skipped documents that are named one by one. */
  readonly skippedNamedMax: number
  /** Passages shown to a model in one call. */
  readonly passagesMax: number
  /** Characters of a question or a task. */
  readonly questionCharactersMax: number
}>("baton/agents/research/EvidenceLimits", {
  defaultValue: () => ({
    tasksMax: 5,
    findingsMax: 8,
    reportFindingsMax: 28,
    candidatesMax: 400,
    comparedMax: 120,
    skippedNamedMax: 50,
    passagesMax: 14,
    questionCharactersMax: 4_000
  })
}) {}
