/** A question as weighted terms, measured against a corpus: what is rare counts, and what is missing is known. */
import type { Corpus } from "../corpus/Corpus.ts"
import * as Terms from "../corpus/Terms.ts"

export interface QuestionTerm {
  /** Lower case; this is what is searched for. */
  readonly word: string
  /** As reports show it: the whole name that it is a part of. */
  readonly written: string
  /** A name, which no other word can stand for. */
  readonly isName: boolean
  /** Porter stem. */
  readonly term: string
  /** Units that hold it. */
  readonly frequency: number
  /** Rarity (inverse document frequency) times importance. */
  readonly weight: number
  readonly relatives: ReadonlyArray<Terms.Relative>
}

export interface Question {
  readonly text: string
  readonly terms: ReadonlyArray<QuestionTerm>
  /** Sum of all weights. */
  readonly mass: number
  /** Share of the mass that occurs anywhere in the corpus, 0 to 1. */
  readonly foundShare: number
  /** Words that no document holds. */
  readonly missing: ReadonlyArray<string>
  /** Share of the words that carry meaning and that no document holds, nor a relative of them. */
  readonly missingShare: number
  /** Whether one of the missing words is a name: then the answer is about something else. */
  readonly missesName: boolean
  readonly found: ReadonlyArray<string>
  /** Terms of which a unit must hold at least one: the rarest that occur. */
  readonly anchors: ReadonlySet<string>
}

/** Terms taken from a question; a longer question is cut, the first words win. */
const termsMax = 24
/** What a faint word ("avoid", "difference") counts for, compared with its rarity. */
const faintShare = 0.3
/** A word that is missing weighs as much as one that stands in this share of all units. */
const missingAsShare = 0.01

/** Corpora with fewer units say little about rarity: they are measured as if they had this many. */
export const smallCorpus = 200

const rarity = (units: number, frequency: number) => {
  const size = Math.max(units, smallCorpus)
  return Math.log(1 + (size - frequency + 0.5) / (frequency + 0.5))
}

/** `extra` are words that a facet adds; they count half. */
export const analyse = (corpus: Corpus, text: string, extra: ReadonlyArray<string> = []): Question => {
  const terms: Array<QuestionTerm> = []
  const seen = new Set<string>()
  const take = (word: string, importance: number) => {
    const term = Terms.stem(word)
    if (Terms.isStopWord(word) || seen.has(term) || terms.length >= termsMax) return
    seen.add(term)
    const name = names.get(word)
    const frequency = name === undefined || standsAsWritten(corpus, word, name) ? corpus.frequency(word) : 0
    const weight = frequency === 0
      ? rarity(corpus.size, Math.max(1, Math.max(corpus.size, smallCorpus) * missingAsShare))
      : rarity(corpus.size, frequency)
    const share = Terms.isFaintWord(word) ? faintShare : 1
    const relatives = name === undefined ? Terms.relatives(term) : []
    terms.push({
      word,
      written: name ?? word,
      isName: name !== undefined,
      term,
      frequency,
      weight: weight * importance * share,
      relatives
    })
  }
  const names = properNames(text)
  for (const word of Terms.words(text)) take(word, 1)
  const asked = [...terms]
  for (const phrase of extra) for (const word of Terms.words(phrase)) take(word, 0.5)
  return weigh(corpus, text, terms, asked)
}

/**
 * Names in a question, by their words: a word with a capital letter inside a sentence must not be found through its stem
 * ("United" is not "unit"), and a number that belongs to a name only as that name ("GPT-6" is not any 6).
 */
const properNames = (text: string): ReadonlyMap<string, string> => {
  const names = new Map<string, string>()
  for (const [name] of text.matchAll(/(?<=[\p{L}\p{N},;:"'()]\s+)\p{Lu}[\p{L}\p{N}]*/gu)) {
    for (const word of Terms.words(name)) names.set(word, name)
  }
  for (const [name] of text.matchAll(/[\p{L}]+[-.]?\d[\p{L}\p{N}.]*[\p{L}\p{N}]|[\p{L}]+[-.]?\d|\d+(?:\.\d+)+/gu)) {
    const parts = Terms.words(name)
    if (parts.length > 1) { for (const word of parts) if (/\d/.test(word)) names.set(word, name) }
  }
  return names
}

/** Units that are looked at for a word as it is written. */
const namesLookedAt = 100

const standsAsWritten = (corpus: Corpus, word: string, name: string): boolean => {
  const parts = Terms.words(name)
  if (parts.length > 1 && /\d/.test(word)) return corpus.frequency(parts.join(" ")) > 0
  const forms = new Set([word, `${word}s`, word.replace(/s$/, "")])
  return corpus.search([word], namesLookedAt).some((unit) =>
    Terms.words([unit.text, unit.title, unit.lead, ...unit.headings].join(" ")).some((other) => forms.has(other))
  )
}

const weigh = (
  corpus: Corpus,
  text: string,
  terms: ReadonlyArray<QuestionTerm>,
  asked: ReadonlyArray<QuestionTerm>
): Question => {
  let mass = 0
  let foundMass = 0
  for (const { frequency, relatives, weight } of asked) {
    mass += weight
    if (frequency > 0) foundMass += weight
    else {
      const known = relatives.filter((relative) => corpus.frequency(relative.word) > 0)
      foundMass += weight * known.reduce((most, relative) => Math.max(most, relative.share), 0)
    }
  }
  const missing = asked.filter((term) => term.frequency === 0 && !Terms.isFaintWord(term.word))
  const present = terms.filter((term) => term.frequency > 0).sort((a, b) =>
    b.weight - a.weight || (a.term < b.term ? -1 : 1)
  )
  const heaviest = present[0]?.weight ?? 0
  return {
    text,
    terms,
    mass: terms.reduce((sum, term) => sum + term.weight, 0),
    foundShare: mass === 0 ? 0 : foundMass / mass,
    missingShare: missingShare(corpus, asked),
    missing: [...new Set(missing.map((term) => term.written))],
    missesName: missing.some((term) => term.isName),
    found: present.map((term) => term.word),
    anchors: new Set(present.filter((term) => term.weight >= heaviest * 0.5).map((term) => term.term))
  }
}

const missingShare = (corpus: Corpus, asked: ReadonlyArray<QuestionTerm>): number => {
  const meant = asked.filter((term) => !Terms.isFaintWord(term.word))
  const gone = meant.filter((term) =>
    term.frequency === 0 && term.relatives.every(({ word }) => corpus.frequency(word) === 0)
  )
  return meant.length === 0 ? 0 : gone.length / meant.length
}

/** A clause that starts with one of these words is a question of its own. */
const clauseStart =
  /(?:\?\s+|[,;]?\s+(?:and|or|but)\s+(?=(?:how|what|when|why|which|who|where|can|could|does|do|is|are|should|must)\b)|;\s+)/i

/** The questions inside a question: "How do X, and when does Y?" has two. A single one gives none. */
export const parts = (text: string): ReadonlyArray<string> => {
  const clauses = text.split(clauseStart).map((clause) => clause.trim()).filter((clause) =>
    Terms.terms(clause).length >= 2
  )
  return clauses.length < 2 ? [] : clauses
}
