/**
 * One task answered from the documents: findings that quote them, or an honest refusal. Pure over an open corpus.
 *
 * The task is refused when less than half of it occurs anywhere, or when no unit covers enough of it and holds one of its
 * rarest words. Between `weak` and `sufficient` the findings are given and marked.
 */
import { createHash } from "node:crypto"
import type { Corpus } from "../corpus/Corpus.ts"
import type { StoredUnit } from "../corpus/IndexFile.ts"
import type { Coverage, Finding, Locator, Task, Verdict } from "../Evidence.ts"
import { claimOf, shown } from "../FindingText.ts"
import { type Candidate, find } from "./Candidates.ts"
import { analyse, type Question, smallCorpus } from "./Question.ts"
import { pick } from "./Ranking.ts"

export const engineName = "extractive"

/** Share of the question's mass that must occur somewhere in the documents. */
const foundShareMin = 0.52
/** Share of it that one unit, with its headings and neighbours, must cover. */
const sufficientCoverage = 0.45
const weakCoverage = 0.32
/** From this share of missing words on a question is refused, whatever the rest of it finds. */
const missingShareMax = 0.5
/** Short questions that miss this share are answered weakly at best. */
const missingShareWeak = 1 / 3
const shortQuestion = 4
/** Words of the question that a unit must hold, when more of them than that occur. */
const matchesMin = 2
/** Small corpora repeat themselves less: their thresholds are lower. */
const smallShare = 0.75
/** Within the section that a facet is about, the headings already say part of it. */
const facetShare = 0.75
/** Findings must score at least this share of the best one. */
const scoreShareMin = 0.5

export interface Thresholds {
  readonly sufficient: number
  readonly weak: number
}

export const thresholds = (corpus: Corpus, question: Question, kind: Task["kind"]): Thresholds => {
  // A sentence cannot hold every word of a long question.
  const length = Math.min(1, 6 / Math.max(6, question.terms.length)) ** 0.5
  const scale = length * (corpus.size < smallCorpus ? smallShare : 1) * (kind === "facet" ? facetShare : 1)
  return { sufficient: sufficientCoverage * scale, weak: weakCoverage * scale }
}

export interface Relevant {
  readonly question: Question
  readonly verdict: Verdict
  /** Best first; empty when the verdict is `none`. */
  readonly candidates: ReadonlyArray<Candidate>
}

/** The units that are good enough for a task, and how good the best ones are. */
export const relevant = (corpus: Corpus, task: Task, candidatesMax: number): Relevant => {
  const question = analyse(corpus, task.question, task.terms)
  const none: Relevant = { question, verdict: "none", candidates: [] }
  if (question.terms.length === 0 || question.foundShare < foundShareMin || question.missingShare >= missingShareMax) {
    return none
  }
  const limit = thresholds(corpus, question, task.kind)
  const anchored = find(corpus, question, candidatesMax).filter((candidate) =>
    candidate.anchored && inFocus(task, candidate.unit)
  )
  const matches = question.found.length > matchesMin ? matchesMin : 1
  const enough = anchored.filter((candidate) => candidate.coverage >= limit.weak && candidate.matches >= matches)
  const best = enough.reduce((most, candidate) => Math.max(most, candidate.coverage), 0)
  if (enough.length === 0) return none
  const vague = question.missesName ||
    (question.terms.length <= shortQuestion && question.missingShare >= missingShareWeak)
  return { question, verdict: best >= limit.sufficient && !vague ? "sufficient" : "weak", candidates: enough }
}

/** A focus is a document and the headings below it. */
const inFocus = (task: Task, unit: StoredUnit): boolean => {
  const [uri, ...headings] = task.focus ?? []
  return uri === undefined || (unit.uri === uri && headings.every((heading, at) => unit.headings[at] === heading))
}

export interface Investigation {
  readonly findings: ReadonlyArray<Finding>
  readonly coverage: Coverage
  readonly gaps: ReadonlyArray<string>
}

export const investigate = (
  corpus: Corpus,
  task: Task,
  options: {
    readonly retrievedAt: string
    readonly findingsMax: number
    readonly candidatesMax: number
    readonly comparedMax: number
  }
): Investigation => {
  const { candidates, question, verdict } = relevant(corpus, task, options.candidatesMax)
  const coverage: Coverage = { verdict, missing: question.missing, found: question.found }
  const best = candidates[0]?.score ?? 0
  const close = candidates.filter((candidate) => candidate.score >= best * scoreShareMin).slice(0, options.comparedMax)
  const findings = pick(close, options.findingsMax)
    .map(({ candidate, score }) => toFinding(corpus, candidate, score, options.retrievedAt))
  return { findings: withoutRepeats(findings), coverage, gaps: gapsOf(task, coverage) }
}

const gapsOf = (task: Task, coverage: Coverage): ReadonlyArray<string> => {
  if (task.kind === "facet") return []
  const missing = coverage.missing.length === 0 ? "" : ` Not found in any document: ${coverage.missing.join(", ")}.`
  const asked = `"${shown(task.question).replace(/[.\s]+$/, "")}"`
  if (coverage.verdict === "none") return [`No sufficient evidence for ${asked}.${missing}`]
  if (coverage.verdict === "weak") return [`The evidence for ${asked} is weak.${missing}`]
  return missing === "" ? [] : [`Words of ${asked} that no document contains: ${coverage.missing.join(", ")}.`]
}

/** Two units that are extended to the same quote are one finding. */
const withoutRepeats = (findings: ReadonlyArray<Finding>) => {
  const seen = new Set<string>()
  return findings.filter((finding) => !seen.has(finding.id) && seen.add(finding.id))
}

/** A sentence that begins by pointing back is not understood without the one before it. */
const pointsBack =
  /^(?:this|that|these|those|it|its|they|their|such|both|here|then|thus|therefore|however|instead|otherwise|also|but|and|so|he|she)\b/i

export const toFinding = (corpus: Corpus, candidate: Candidate, score: number, retrievedAt: string): Finding => {
  const { stale, unit } = candidate
  const before = unit.kind === "sentence" && pointsBack.test(unit.text) ? corpus.neighbour(unit, -1) : undefined
  const joined = before !== undefined && before.kind === "sentence" && adjoins(before, unit) ? before : undefined
  const quote = joined === undefined ? unit.text : `${joined.text} ${unit.text}`
  const claim = joined === undefined ? claimOf(unit) : `${claimOf(joined)} ${claimOf(unit)}`
  const locator = joined === undefined ? unit.locator : union(joined.locator, unit.locator)
  return {
    id: findingId(unit, locator, quote),
    claim,
    quote,
    kind: unit.kind,
    source: { uri: unit.uri, title: unit.title, headings: unit.headings, locator, hash: unit.hash, retrievedAt },
    score: Math.round(score * 1000) / 1000,
    engine: engineName,
    ...(stale === undefined ? {} : { stale })
  }
}

export const findingId = (unit: StoredUnit, locator: Locator, quote: string): string =>
  `f-${createHash("sha256").update(JSON.stringify([unit.uri, unit.hash, locator, quote])).digest("hex").slice(0, 12)}`

/** Same section, and on the same or the next line. */
const adjoins = (before: StoredUnit, unit: StoredUnit): boolean => {
  if (before.headings.join("\n") !== unit.headings.join("\n")) return false
  if ("lines" in before.locator && "lines" in unit.locator) {
    return unit.locator.lines.from - before.locator.lines.to <= 1
  }
  return JSON.stringify(before.locator) === JSON.stringify(unit.locator)
}

const union = (a: Locator, b: Locator): Locator =>
  "lines" in a && "lines" in b
    ? { lines: { from: Math.min(a.lines.from, b.lines.from), to: Math.max(a.lines.to, b.lines.to) } }
    : a
