/**
 * What is checked by code after a model has written: that every cited finding exists, that its quote stands in the stored
 * text, and that a sentence says nothing by number that its evidence does not say.
 */
import type { Corpus } from "../corpus/Corpus.ts"
import * as Terms from "../corpus/Terms.ts"
import type { Finding } from "../Evidence.ts"
import { contains } from "../FindingText.ts"
import type { Section, Statement } from "../ReportLayout.ts"

export interface WrittenSentence {
  readonly text: string
  readonly findings: ReadonlyArray<string>
}
export interface WrittenSection {
  readonly heading: string
  readonly sentences: ReadonlyArray<WrittenSentence>
}

export interface Checked {
  readonly sections: ReadonlyArray<Section>
  /** The findings whose quotes stand in the stored text. */
  readonly standing: ReadonlyArray<Finding>
  readonly gaps: ReadonlyArray<string>
}

/** Share of a sentence's words that its evidence must have for it to pass as a paraphrase. */
const paraphraseShare = 0.35

/** `corpus` is the stored text; without it quotes cannot be checked, and that is said. */
export const check = (
  sections: ReadonlyArray<WrittenSection>,
  findings: ReadonlyArray<Finding>,
  corpus: Corpus | undefined
): Checked => {
  const standing = new Map(
    findings.filter((finding) => stands(finding, corpus)).map((finding) => [finding.id, finding])
  )
  const gaps: Array<string> = []
  const fallen = findings.filter((finding) => !standing.has(finding.id))
  if (corpus === undefined && findings.length > 0) {
    gaps.push("The stored text of the sources is gone, so no quote could be checked again.")
  }
  for (const { id, source } of fallen) {
    gaps.push(`The quote of ${id} does not stand in the stored text of ${source.uri}; it is not cited.`)
  }
  const kept = sections.map((section): Section => ({
    heading: section.heading,
    statements: section.sentences.flatMap((sentence) => judge(sentence, standing, gaps))
  })).filter((section) => section.statements.length > 0)
  return { sections: kept, standing: [...standing.values()], gaps }
}

const stands = (finding: Finding, corpus: Corpus | undefined): boolean => {
  if (corpus === undefined) return true
  const { hash, locator, uri } = finding.source
  const stored = corpus.between(uri, hash, locator).map((unit) => unit.text).join(" ")
  return contains(stored, finding.quote)
}

const judge = (
  sentence: WrittenSentence,
  standing: ReadonlyMap<string, Finding>,
  gaps: Array<string>
): ReadonlyArray<Statement> => {
  const text = sentence.text.replace(/\s+/g, " ").trim()
  if (text === "") return []
  const cited = [...new Set(sentence.findings)].flatMap((id) => standing.get(id) ?? [])
  if (cited.length === 0) {
    gaps.push(`Removed, because no finding supports it: "${text}"`)
    return []
  }
  const evidence = cited.flatMap((finding) => [finding.quote, finding.source.title, ...finding.source.headings]).join(
    " "
  )
  const invented = inventedNumbers(text, evidence)
  if (invented.length > 0) {
    gaps.push(`Removed, because its sources do not say ${invented.join(", ")}: "${text}"`)
    return []
  }
  const statement: Statement = { text, findings: cited.map((finding) => finding.id) }
  return [
    shareOf(text, evidence) < paraphraseShare
      ? { ...statement, mark: "not confirmed by the words of its source" }
      : statement
  ]
}

/** Numbers of a sentence that its evidence does not contain. */
export const inventedNumbers = (text: string, evidence: string): ReadonlyArray<string> => {
  const known = new Set(numbersOf(evidence))
  return [...new Set(numbersOf(text))].filter((number) => !known.has(number))
}

const numbersOf = (text: string) =>
  (text.match(/\d+(?:[.,]\d+)*/g) ?? []).map((number) => number.replace(/,(?=\d{3}\b)/g, ""))

const shareOf = (text: string, evidence: string): number => {
  const said = new Set(Terms.terms(text))
  const known = new Set(Terms.terms(evidence))
  const both = [...said].filter((term) =>
    known.has(term) || Terms.relatives(term).some((relative) => known.has(relative.term))
  )
  return said.size === 0 ? 1 : both.length / said.size
}
