/**
 * Evidence: what research steps hand to each other, the same for every engine.
 *
 * A finding is a claim with the words that carry it (`quote`), the place where they stand and the hash of the document's
 * bytes, so that anybody can check it later. The extractive engine's claims are quotes; a model's claims are sentences of
 * its own whose quotes were found in the stored text.
 */
import * as Schema from "effect/Schema"

/** Lines and pages are 1-based; `paragraph` counts the blocks of a document that has neither (HTML, DOCX). */
export const Locator = Schema.Union([
  Schema.Struct({ lines: Schema.Struct({ from: Schema.Int, to: Schema.Int }) }),
  Schema.Struct({ page: Schema.Int }),
  Schema.Struct({ paragraph: Schema.Int })
])
export type Locator = typeof Locator.Type

export const Source = Schema.Struct({
  /** Path relative to the working folder, `/` as separator. */
  uri: Schema.String,
  title: Schema.String,
  /** Headings from the outermost to the innermost. */
  headings: Schema.Array(Schema.String),
  locator: Locator,
  /** `sha256:` and hex: the document's bytes as they were read. */
  hash: Schema.String,
  /** ISO 8601 UTC: when the document was last known to have these bytes. */
  retrievedAt: Schema.String
})
export type Source = typeof Source.Type

export const FindingKind = Schema.Literals(["sentence", "item", "row", "code"])
export type FindingKind = typeof FindingKind.Type

export const Finding = Schema.Struct({
  id: Schema.String,
  claim: Schema.String,
  quote: Schema.String,
  kind: FindingKind,
  source: Source,
  /** 0 to 1, comparable within one run. */
  score: Schema.Number,
  engine: Schema.String,
  /** Why the source may be out of date. */
  stale: Schema.optionalKey(Schema.String)
})
export type Finding = typeof Finding.Type

/** One thing to find out. Only `question` is required, so that any planner can write tasks. */
export const Task = Schema.Struct({
  question: Schema.String,
  /** `whole` is the question as asked, `part` one of its clauses, `facet` a topic the documents hold on it. */
  kind: Schema.optionalKey(Schema.Literals(["whole", "part", "facet"])),
  /** Words that narrow a facet. */
  terms: Schema.optionalKey(Schema.Array(Schema.String)),
  /** Headings of the section that a facet is about. */
  focus: Schema.optionalKey(Schema.Array(Schema.String)),
  /** What the documents were when the plan was made: a change of the documents changes the input of the step. */
  corpus: Schema.optionalKey(Schema.String)
})
export type Task = typeof Task.Type

export const SkippedDocument = Schema.Struct({ uri: Schema.String, code: Schema.String, reason: Schema.String })
export type SkippedDocument = typeof SkippedDocument.Type

export const CorpusSummary = Schema.Struct({
  documents: Schema.Int,
  units: Schema.Int,
  words: Schema.Int,
  /** SHA-256 over the paths and hashes of all documents. */
  fingerprint: Schema.String,
  /** Which index file holds the stored text. */
  index: Schema.String,
  skipped: Schema.Array(SkippedDocument),
  /** Skipped documents beyond those that are named. */
  skippedMore: Schema.Int,
  /** Notes such as files of other kinds that were left alone. */
  notes: Schema.Array(Schema.String)
})
export type CorpusSummary = typeof CorpusSummary.Type

/** `sufficient` and `weak` say how well the best findings cover the task; `none` is a refusal to answer. */
export const Verdict = Schema.Literals(["sufficient", "weak", "none"])
export type Verdict = typeof Verdict.Type

export const Coverage = Schema.Struct({
  verdict: Verdict,
  /** Words of the task that no document contains. */
  missing: Schema.Array(Schema.String),
  /** Words of the task that occur, the rarest first. */
  found: Schema.Array(Schema.String)
})
export type Coverage = typeof Coverage.Type

export const PlannerInput = Schema.Struct({
  question: Schema.String,
  files: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String)))
})
export const PlannerOutput = Schema.Struct({ tasks: Schema.Array(Task) })

export const ResearcherInput = Schema.Struct({
  task: Schema.Union([Task, Schema.String]),
  files: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String)))
})
export const ResearcherOutput = Schema.Struct({
  task: Task,
  findings: Schema.Array(Finding),
  coverage: Coverage,
  /** What could not be answered or checked, in whole sentences. */
  gaps: Schema.Array(Schema.String),
  corpus: CorpusSummary
})
export type ResearcherOutput = typeof ResearcherOutput.Type

export const WriterInput = Schema.Struct({
  question: Schema.String,
  /** Answers of researchers; single findings are accepted too. */
  findings: Schema.Array(Schema.Union([ResearcherOutput, Finding])),
  /** Branches that were lost, in whatever form the flow gives them. */
  missing: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.Json)))
})
export type WriterInput = typeof WriterInput.Type
export const WriterOutput = Schema.Struct({
  markdown: Schema.String,
  verdict: Verdict,
  findings: Schema.Array(Finding),
  gaps: Schema.Array(Schema.String),
  engine: Schema.String
})

/** `lines 3–7`, `page 4` or `paragraph 12`, as reports print it. */
export const placeOf = (locator: Locator): string => {
  if ("page" in locator) return `page ${locator.page}`
  if ("paragraph" in locator) return `paragraph ${locator.paragraph}`
  const { from, to } = locator.lines
  return from === to ? `line ${from}` : `lines ${from}–${to}`
}
