/** The report of a run without a model: findings put in order, cited, and surrounded by what is missing. */
import * as Terms from "./corpus/Terms.ts"
import type { CorpusSummary, Finding, ResearcherOutput, Task, Verdict, WriterInput } from "./Evidence.ts"
import { shown } from "./FindingText.ts"
import { layout, type Section, type Statement } from "./ReportLayout.ts"

export interface Report {
  readonly markdown: string
  readonly verdict: Verdict
  readonly findings: ReadonlyArray<Finding>
  readonly gaps: ReadonlyArray<string>
  readonly engine: string
}

/** Findings that open the report. */
const keyFindingsMax = 7
/** Findings under one heading. */
const sectionFindingsMax = 6
const sectionsMax = 6
/** Term sets that overlap this much say the same. */
const duplicateOverlap = 0.75

/** What the branches brought back together: the input of every writer. */
export interface Gathered {
  readonly verdict: Verdict
  /** Best first, without repeats. */
  readonly findings: ReadonlyArray<Finding>
  /** Findings on the question itself or one of its clauses, by task. */
  readonly asked: ReadonlyArray<ReadonlyArray<Finding>>
  readonly corpus: CorpusSummary | undefined
  readonly gaps: ReadonlyArray<string>
  readonly missingWords: ReadonlyArray<string>
}

export const gather = (input: WriterInput): Gathered => {
  const results = input.findings.filter((entry) => "coverage" in entry)
  const loose = input.findings.filter((entry) => "claim" in entry)
  const asked = results.filter(({ task }) => isAsked(task))
  const verdict = asked.length > 0
    ? bestVerdict(asked)
    : results.length > 0
    ? bestVerdict(results)
    : loose.length > 0
    ? "weak"
    : "none"
  const all = [...loose, ...results.flatMap((result) => result.findings)]
  const corpus = results.map((result) => result.corpus)
  return {
    verdict: all.length === 0 ? "none" : verdict,
    findings: verdict === "none" ? [] : distinct(all),
    asked: [...loose.length > 0 ? [loose] : [], ...asked.map((result) => result.findings)],
    corpus: corpus[0],
    gaps: gapsOf(input, results),
    missingWords: [...new Set(asked.flatMap((result) => result.coverage.missing))]
  }
}

const isAsked = (task: Task) => task.kind !== "facet"

const bestVerdict = (results: ReadonlyArray<ResearcherOutput>): Verdict => {
  const verdicts = results.map((result) => result.coverage.verdict)
  return verdicts.includes("sufficient") ? "sufficient" : verdicts.includes("weak") ? "weak" : "none"
}

/** Best first; of findings that say the same, the better one stays. */
const distinct = (findings: ReadonlyArray<Finding>): ReadonlyArray<Finding> => {
  const sorted = [...findings].sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
  const kept: Array<{ readonly finding: Finding; readonly terms: ReadonlySet<string> }> = []
  for (const finding of sorted) {
    const terms = new Set(Terms.terms(finding.quote))
    const repeated = kept.some((other) =>
      other.finding.id === finding.id || sameSpan(other.finding, finding) || saysTheSame(other.terms, terms)
    )
    if (!repeated) kept.push({ finding, terms })
  }
  return kept.map(({ finding }) => finding)
}

const sameSpan = (a: Finding, b: Finding) =>
  a.source.hash === b.source.hash && (a.quote.includes(b.quote) || b.quote.includes(a.quote))

const saysTheSame = (a: ReadonlySet<string>, b: ReadonlySet<string>) => {
  let both = 0
  for (const term of a) if (b.has(term)) both++
  return both / Math.max(1, a.size + b.size - both) >= duplicateOverlap
}

const gapsOf = (input: WriterInput, results: ReadonlyArray<ResearcherOutput>): ReadonlyArray<string> => {
  const gaps = results.flatMap((result) => result.gaps)
  const lost = input.missing ?? []
  if (lost.length > 0) {
    gaps.push(
      `${lost.length} of ${
        lost.length + results.length
      } research branches failed; what they would have found is missing.`
    )
    for (const failure of lost.slice(0, 10)) gaps.push(`Lost branch: ${describe(failure)}`)
  }
  return [...new Set(gaps)]
}

/** A failure as one line: the fields that failures of a map usually have, else its JSON. */
const describe = (failure: unknown): string => {
  const texts: Array<string> = []
  const visit = (value: unknown, depth: number) => {
    if (typeof value !== "object" || value === null || depth > 3) return
    for (const [key, inner] of Object.entries(value)) {
      if (typeof inner === "string" && ["question", "code", "message"].includes(key)) texts.push(inner)
      else if (typeof inner === "object") visit(inner, depth + 1)
    }
  }
  visit(failure, 0)
  return shown((texts.length > 0 ? texts.join(" — ") : JSON.stringify(failure) ?? "unknown").slice(0, 300))
}

export const writeReport = (
  input: WriterInput,
  options: {
    readonly date: string
    readonly engine: string
    /** What the report says about how it was made. */
    readonly label: string
    readonly findingsMax: number
  }
): Report => {
  const gathered = gather(input)
  const used = gathered.findings.slice(0, options.findingsMax)
  const { key, rest } = split(used, gathered.asked)
  const sections: ReadonlyArray<Section> = [
    ...(key.length > 0 ? [{ heading: "Key findings", statements: key.map(stated) }] : []),
    ...sectionsOf(rest)
  ]
  const { findings, markdown } = layout({
    question: input.question,
    engine: options.label,
    method: "every statement is quoted from the documents",
    date: options.date,
    verdict: gathered.verdict,
    missingWords: gathered.missingWords,
    corpus: gathered.corpus,
    findings: used,
    sections,
    gaps: gathered.gaps
  })
  return { markdown, verdict: gathered.verdict, findings, gaps: gathered.gaps, engine: options.engine }
}

const stated = (finding: Finding): Statement => ({
  text: finding.claim,
  findings: [finding.id],
  ...(finding.kind === "code" ? { code: finding.quote } : {})
})

/** The best findings of each clause in turn, so that no half of a question is left out. */
const split = (findings: ReadonlyArray<Finding>, asked: ReadonlyArray<ReadonlyArray<Finding>>) => {
  const open = new Map(findings.filter((finding) => finding.kind !== "code").map((finding) => [finding.id, finding]))
  const key: Array<Finding> = []
  const queues = asked.map((list) => list.filter((finding) => open.has(finding.id)))
  for (let round = 0; key.length < keyFindingsMax && queues.some((queue) => queue.length > round); round++) {
    for (const queue of queues) {
      const finding = queue[round]
      if (finding !== undefined && key.length < keyFindingsMax && open.delete(finding.id)) key.push(finding)
    }
  }
  const chosen = new Set(key.map((finding) => finding.id))
  return { key, rest: findings.filter((finding) => !chosen.has(finding.id)) }
}

/** The other findings under the headings of their documents, in reading order. */
const sectionsOf = (findings: ReadonlyArray<Finding>): ReadonlyArray<Section> => {
  const groups = new Map<string, Array<Finding>>()
  for (const finding of findings) {
    const { headings, title } = finding.source
    const heading = headings.find((text) => text !== title)
    const name = shown(heading === undefined ? title : `${title} › ${heading}`)
    groups.set(name, [...(groups.get(name) ?? []), finding])
  }
  return [...groups].slice(0, sectionsMax).map(([heading, members]) => ({
    heading,
    statements: members.slice(0, sectionFindingsMax).sort(byReading).map(stated)
  }))
}

const byReading = (a: Finding, b: Finding) => {
  if (a.source.uri !== b.source.uri) return a.source.uri < b.source.uri ? -1 : 1
  return placeNumber(a) - placeNumber(b) || (a.id < b.id ? -1 : 1)
}

const placeNumber = ({ source: { locator } }: Finding) =>
  "page" in locator ? locator.page : "paragraph" in locator ? locator.paragraph : locator.lines.from
