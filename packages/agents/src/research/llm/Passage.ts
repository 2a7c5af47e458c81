/** What a model is shown of the documents: the best units with their neighbours, each under a number of its own. */
import type { Corpus } from "../corpus/Corpus.ts"
import type { StoredUnit } from "../corpus/IndexFile.ts"
import { type Locator, placeOf, type Task } from "../Evidence.ts"
import { find } from "../extractive/Candidates.ts"
import { analyse } from "../extractive/Question.ts"
import { contains } from "../FindingText.ts"

export interface Passage {
  /** `P1`, `P2`, … within one call. */
  readonly id: string
  readonly units: ReadonlyArray<StoredUnit>
  /** Relevance of its best unit, 0 to 1. */
  readonly score: number
  readonly stale: string | undefined
}

/** Below this share of words that occur anywhere, nothing is shown to a model: it could only guess. */
const foundShareMin = 0.3
/** The same for a question most of whose words no document holds. */
const missingShareMax = 0.6

export const passagesFor = (
  corpus: Corpus,
  task: Task,
  limits: { readonly candidatesMax: number; readonly passagesMax: number }
): {
  readonly passages: ReadonlyArray<Passage>
  readonly missing: ReadonlyArray<string>
  readonly found: ReadonlyArray<string>
} => {
  const question = analyse(corpus, task.question, task.terms)
  const { found, missing } = question
  if (question.terms.length === 0 || question.foundShare < foundShareMin || question.missingShare >= missingShareMax) {
    return { passages: [], missing, found }
  }
  const taken = new Set<number>()
  const passages: Array<Passage> = []
  for (const { anchored, score, stale, unit } of find(corpus, question, limits.candidatesMax)) {
    if (passages.length >= limits.passagesMax) break
    if (!anchored || taken.has(unit.id)) continue
    const around = [corpus.neighbour(unit, -1), unit, corpus.neighbour(unit, 1)]
    const units = around.filter((other) => other !== undefined && !taken.has(other.id) && sameSection(other, unit))
      .flatMap((other) => other === undefined ? [] : [other])
    for (const other of units) taken.add(other.id)
    passages.push({ id: `P${passages.length + 1}`, units, score, stale })
  }
  return { passages, missing, found }
}

const sameSection = (other: StoredUnit | undefined, unit: StoredUnit) =>
  other !== undefined && other.headings.join("\n") === unit.headings.join("\n")

export const textOf = (units: ReadonlyArray<StoredUnit>): string => units.map((unit) => unit.text).join(" ")

export const shownPassage = ({ id, units }: Passage) => {
  const first = units[0]!
  return {
    passage: id,
    document: first.title,
    section: first.headings.join(" › "),
    place: placeOf(first.locator),
    text: textOf(units)
  }
}

/** Letters that a quote needs: shorter ones stand in every text. */
const quoteCharactersMin = 15

/** The units that hold a quote, as few as possible; `undefined` when it does not stand in the passage. */
export const locate = (passage: Passage, quote: string): ReadonlyArray<StoredUnit> | undefined => {
  if (quote.trim().length < quoteCharactersMin) return undefined
  const { units } = passage
  for (let length = 1; length <= units.length; length++) {
    for (let from = 0; from + length <= units.length; from++) {
      const run = units.slice(from, from + length)
      if (contains(textOf(run), quote)) return run
    }
  }
  return undefined
}

export const locatorOf = (units: ReadonlyArray<StoredUnit>): Locator => {
  const first = units[0]!.locator
  const last = units[units.length - 1]!.locator
  return "lines" in first && "lines" in last ? { lines: { from: first.lines.from, to: last.lines.to } } : first
}
