/**
 * The plan of an extractive investigation: the question as asked, its clauses, and the topics that the documents themselves
 * hold on it (pseudo-relevance feedback: the sections in which the best passages stand).
 */
import type { Corpus } from "../corpus/Corpus.ts"
import type { Task } from "../Evidence.ts"
import type { Candidate } from "./Candidates.ts"
import { relevant } from "./Investigation.ts"
import { parts } from "./Question.ts"
import { overlap } from "./Ranking.ts"

/** Candidates that vote for sections. */
const votersMax = 60
/** A section must score this share of the best one. */
const groupShareMin = 0.4
/** Sections whose words overlap more are the same topic. */
const sameTopic = 0.5
const facetTermsMax = 4

interface Group {
  readonly focus: ReadonlyArray<string>
  readonly name: string
  readonly score: number
  readonly members: ReadonlyArray<Candidate>
}

export const plan = (
  corpus: Corpus,
  question: string,
  options: { readonly tasksMax: number; readonly candidatesMax: number }
): ReadonlyArray<Task> => {
  const corpusHash = corpus.summary.fingerprint
  const whole: Task = { question, kind: "whole", corpus: corpusHash }
  const clauses = parts(question).slice(0, options.tasksMax - 1)
  const asked = [whole, ...clauses.map((clause): Task => ({ question: clause, kind: "part", corpus: corpusHash }))]
  const found = relevant(corpus, whole, options.candidatesMax)
  const asking = new Set(found.question.terms.map((term) => term.term))
  const facets = topics(found.candidates.slice(0, votersMax)).slice(0, options.tasksMax - asked.length)
    .map((group): Task => ({
      question: `${question.replace(/[?\s]+$/, "")}: ${group.name}`,
      kind: "facet",
      terms: facetTerms(group, asking),
      focus: group.focus,
      corpus: corpusHash
    }))
  return [...asked, ...facets]
}

/** Sections with at least two good passages, best first, each about something else. */
const topics = (candidates: ReadonlyArray<Candidate>): ReadonlyArray<Group> => {
  const groups = new Map<string, Array<Candidate>>()
  for (const candidate of candidates) {
    const { headings, uri } = candidate.unit
    const key = JSON.stringify([uri, ...headings.slice(0, 2)])
    groups.set(key, [...(groups.get(key) ?? []), candidate])
  }
  const scored = [...groups].map(([key, members]): Group => {
    const focus = JSON.parse(key) as ReadonlyArray<string>
    const { title } = members[0]!.unit
    const heading = focus.length > 1 ? focus[focus.length - 1]! : title
    const name = heading === title ? title : `${title} › ${heading}`
    return { focus, name, members, score: members.slice(0, 3).reduce((sum, member) => sum + member.score, 0) }
  }).filter((group) => group.members.length >= 2)
    .sort((a, b) => b.score - a.score || (a.name < b.name ? -1 : 1))
  const chosen: Array<Group> = []
  for (const group of scored) {
    const terms = termsOf(group)
    if (group.score < groupShareMin * scored[0]!.score) break
    if (chosen.every((other) => overlap(terms, termsOf(other)) < sameTopic)) chosen.push(group)
  }
  return chosen
}

const termsOf = (group: Group) => new Set(group.members.flatMap((member) => [...member.terms]))

/** The words that the section's passages share and the question does not have. */
const facetTerms = (group: Group, asking: ReadonlySet<string>): ReadonlyArray<string> => {
  const count = new Map<string, number>()
  for (const { terms } of group.members) {
    for (const term of terms) if (!asking.has(term)) count.set(term, (count.get(term) ?? 0) + 1)
  }
  return [...count].filter(([, n]) => n >= 2).sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
    .slice(0, facetTermsMax).map(([term]) => term)
}
