/** Units that may answer a question, each with the share of the question that it covers. */
import type { Corpus } from "../corpus/Corpus.ts"
import type { StoredUnit } from "../corpus/IndexFile.ts"
import * as Terms from "../corpus/Terms.ts"
import type { Question } from "./Question.ts"

export interface Candidate {
  readonly unit: StoredUnit
  /** Share of the question's mass, 0 to 1. */
  readonly coverage: number
  /** Whether one of the rarest words is in it or above it. */
  readonly anchored: boolean
  /** Words of the question that stand in it or above it, as such or in another form. */
  readonly matches: number
  readonly terms: ReadonlySet<string>
  /** Coverage, rank and form together. */
  readonly score: number
  readonly stale: string | undefined
}

/** What a term counts when it is found in the text, in the headings above, in the lead, or only next to it. */
const share = { text: 1, lead: 0.7, heading: 0.6, nearby: 0.35 }
/** An anchor counts from a synonym in the text upwards. */
const anchorShare = 0.5
/** In a large corpus a word in more than this share of the units is not searched for: it finds everything. */
const commonShare = 0.25
const largeCorpus = 2_000
const coverageWeight = 0.75

export const find = (corpus: Corpus, question: Question, max: number): ReadonlyArray<Candidate> => {
  const units = corpus.search(searchWords(corpus, question), max)
  const best = units.reduce((most, unit) => Math.max(most, unit.rank), 0)
  const above = headingTerms()
  const known = new Map(units.map((unit) => [unit.id, bag(unit, above(unit))]))
  return units.map((unit): Candidate => {
    const own = known.get(unit.id)!
    const nearby = new Set<string>()
    for (const id of [unit.id - 1, unit.id + 1]) {
      const beside = known.get(id)
      if (beside?.uri === unit.uri) { for (const term of beside.text) nearby.add(term) }
    }
    const { anchored, covered, matches } = cover(question, own, nearby)
    const coverage = question.mass === 0 ? 0 : covered / question.mass
    const stale = staleness(unit)
    const raw = coverageWeight * coverage + (1 - coverageWeight) * (best === 0 ? 0 : unit.rank / best)
    const score = raw * form(unit) * fits(question.text, unit) * (stale === undefined ? 1 : 0.7)
    return { unit, coverage, anchored, matches, terms: own.text, score, stale }
  }).sort(byScore)
}

/** Best first; equal scores in the order of the documents, so that the same corpus always gives the same report. */
export const byScore = (a: Candidate, b: Candidate) => b.score - a.score || byPlace(a.unit, b.unit)

export const byPlace = (a: StoredUnit, b: StoredUnit) =>
  a.uri < b.uri ? -1 : a.uri > b.uri ? 1 : a.position - b.position

const searchWords = (corpus: Corpus, question: Question): ReadonlyArray<string> => {
  const present = question.terms.filter((term) => term.frequency > 0)
  const rare = present.filter((term) => term.frequency <= Math.max(corpus.size, largeCorpus) * commonShare)
  const chosen = (rare.length >= 2 ? rare : present).map((term) => term.word)
  const relatives = question.terms.flatMap((term) => term.relatives.map((relative) => relative.word))
  return [...new Set([...chosen, ...relatives])]
}

interface Bag {
  readonly uri: string
  readonly text: ReadonlySet<string>
  readonly heading: ReadonlySet<string>
  readonly lead: ReadonlySet<string>
}

const bag = (unit: StoredUnit, heading: ReadonlySet<string>): Bag => ({
  uri: unit.uri,
  text: new Set(Terms.terms(unit.text)),
  heading,
  lead: unit.lead === "" ? nothing : new Set(Terms.terms(unit.lead))
})
const nothing: ReadonlySet<string> = new Set()

/** The units of a section share the terms of its headings. */
const headingTerms = () => {
  const known = new Map<string, ReadonlySet<string>>()
  return (unit: StoredUnit): ReadonlySet<string> => {
    const text = [unit.title, ...unit.headings].join("\n")
    const terms = known.get(text) ?? new Set(Terms.terms(text))
    known.set(text, terms)
    return terms
  }
}

const cover = (question: Question, own: Bag, nearby: ReadonlySet<string>) => {
  let covered = 0
  let anchored = false
  let matches = 0
  for (const { relatives, term, weight } of question.terms) {
    let most = hold(own, nearby, term)
    for (const relative of relatives) most = Math.max(most, relative.share * hold(own, nearby, relative.term))
    if (most >= share.heading) matches++
    if (most >= anchorShare && question.anchors.has(term)) anchored = true
    covered += weight * most
  }
  return { covered, anchored, matches }
}

const hold = (own: Bag, nearby: ReadonlySet<string>, term: string): number => {
  if (own.text.has(term)) return share.text
  if (own.lead.has(term)) return share.lead
  if (own.heading.has(term)) return share.heading
  return nearby.has(term) ? share.nearby : 0
}

/** Cells from which a row is rather a matrix than a statement. */
const wideRow = 10

/** How well a unit stands alone. */
const form = (unit: StoredUnit): number => {
  const count = unit.text.split(" ").length
  const wide = unit.kind === "row" && unit.text.split("|").length > wideRow
  const kind = unit.kind === "code" ? 0.7 : wide ? 0.6 : unit.kind === "row" ? 0.9 : 1
  const length = count < 5 ? 0.7 : count < 8 ? 0.9 : count > 70 ? 0.8 : 1
  const incomplete = /[?:]$/.test(unit.text) ? 0.5 : 1
  const aboutItself = /^(?:this|the following) (?:page|chapter|section|document|guide|article|post)\b/i.test(unit.text)
    ? 0.5
    : 1
  return kind * length * incomplete * aboutItself
}

/** A small preference for the form of answer that the question asks for. */
const fits = (question: string, unit: StoredUnit): number => {
  if (/\b(?:how (?:many|much|long|often|large|big|old)|when|what year|which version)\b/i.test(question)) {
    return /\d/.test(unit.text) ? 1.1 : 1
  }
  if (/\bwhy\b/i.test(question)) {
    return /\b(?:because|since|therefore|so that|otherwise|reason)\b/i.test(unit.text)
      ? 1.12
      : 1
  }
  const defined = /^what(?:'s| is| are)\s+(?:an?\s+|the\s+)?([\p{L}\p{N}]+)/iu.exec(question.trim())?.[1]
  if (defined === undefined) return 1
  const opening = unit.text.slice(0, 60).toLowerCase()
  return opening.includes(defined.toLowerCase()) && /\b(?:is|are|means)\b/.test(opening) ? 1.15 : 1
}

const stalePattern = /(?:^|[/_.-])(archive[sd]?|old|deprecated|legacy|outdated|obsolete|superseded)(?:[/_.-]|$)/i

const staleness = (unit: StoredUnit): string | undefined => {
  const path = stalePattern.exec(unit.uri)?.[1]
  if (path !== undefined) return `its path says "${path.toLowerCase()}"`
  const heading = [unit.title, ...unit.headings].find((text) =>
    /\b(?:deprecated|obsolete|superseded|legacy)\b/i.test(text)
  )
  return heading === undefined ? undefined : `its heading says "${heading}"`
}
