/**
 * From candidates to a short list: LexRank biased towards the question (Erkan and Radev 2004; Otterbacher et al. 2005) says
 * which units are central, maximal marginal relevance (Carbonell and Goldstein 1998) keeps them different from each other.
 */
import { byPlace, type Candidate } from "./Candidates.ts"

/** Share of a step of the random walk that returns to the question. */
const bias = 0.6
const rounds = 25
/** Similarity below it is noise. */
const linkMin = 0.1
/** What centrality adds to relevance. */
const centralityWeight = 0.2
/** Relevance against novelty. */
const relevanceShare = 0.72
/** Term sets that overlap this much say the same. */
const duplicateOverlap = 0.8

export interface Ranked {
  readonly candidate: Candidate
  /** 0 to 1. */
  readonly score: number
}

/** The best `max` units, best first, without near-duplicates. `candidates` are ordered by score. */
export const pick = (candidates: ReadonlyArray<Candidate>, max: number): ReadonlyArray<Ranked> => {
  const similar = similarities(candidates)
  const central = centrality(candidates, similar)
  const top = Math.max(...central, Number.MIN_VALUE)
  const scores = candidates.map((candidate, at) =>
    (1 - centralityWeight) * candidate.score +
    centralityWeight * (central[at]! / top) * Math.min(1, candidate.score * 1.5)
  )
  const chosen: Array<number> = []
  const open = new Set(candidates.keys())
  while (chosen.length < max && open.size > 0) {
    let best = -1
    let bestValue = -Infinity
    for (const at of open) {
      const closest = chosen.reduce((most, other) => Math.max(most, similar[at]![other]!), 0)
      const value = relevanceShare * scores[at]! - (1 - relevanceShare) * closest * scores[at]!
      if (value > bestValue || (value === bestValue && byPlace(candidates[at]!.unit, candidates[best]!.unit) < 0)) {
        best = at
        bestValue = value
      }
    }
    open.delete(best)
    if (chosen.every((other) => overlap(candidates[best]!.terms, candidates[other]!.terms) < duplicateOverlap)) {
      chosen.push(best)
    }
  }
  return chosen.map((at) => ({ candidate: candidates[at]!, score: Math.min(1, scores[at]!) }))
}

/** Jaccard overlap of two sets. */
export const overlap = (a: ReadonlySet<string>, b: ReadonlySet<string>): number => {
  if (a.size === 0 && b.size === 0) return 1
  let both = 0
  for (const term of a) if (b.has(term)) both++
  return both / (a.size + b.size - both)
}

/** Cosine of term vectors, weighted by rarity among the candidates themselves. */
const similarities = (candidates: ReadonlyArray<Candidate>): ReadonlyArray<Float64Array> => {
  const frequency = new Map<string, number>()
  for (const { terms } of candidates) for (const term of terms) frequency.set(term, (frequency.get(term) ?? 0) + 1)
  const weights = new Map([...frequency].map(([term, count]) => [term, Math.log(1 + candidates.length / count) ** 2]))
  const weight = (term: string) => weights.get(term) ?? 0
  const norms = candidates.map(({ terms }) => {
    let sum = 0
    for (const term of terms) sum += weight(term)
    return Math.sqrt(sum)
  })
  const rows = candidates.map(() => new Float64Array(candidates.length))
  for (let a = 0; a < candidates.length; a++) {
    for (let b = a + 1; b < candidates.length; b++) {
      let dot = 0
      for (const term of candidates[a]!.terms) if (candidates[b]!.terms.has(term)) dot += weight(term)
      const norm = norms[a]! * norms[b]!
      rows[a]![b] = rows[b]![a] = norm === 0 ? 0 : dot / norm
    }
  }
  return rows
}

const centrality = (
  candidates: ReadonlyArray<Candidate>,
  similar: ReadonlyArray<Float64Array>
): ReadonlyArray<number> => {
  const relevance = candidates.map((candidate) => candidate.score)
  const total = relevance.reduce((sum, value) => sum + value, 0)
  if (total === 0) return relevance
  const start = relevance.map((value) => value / total)
  const sums = similar.map((row) => row.reduce((sum, value) => value >= linkMin ? sum + value : sum, 0))
  let now = start
  for (let round = 0; round < rounds; round++) {
    const next = start.map((value) => bias * value)
    for (let from = 0; from < now.length; from++) {
      const row = similar[from]!
      if (sums[from] === 0) continue
      const flow = (1 - bias) * now[from]! / sums[from]!
      for (let to = 0; to < row.length; to++) if (row[to]! >= linkMin) next[to]! += flow * row[to]!
    }
    now = next
  }
  return now
}
