/**
 * The form of every report, whichever engine wrote it: front matter, a label that says how it was made, sections with
 * numbered citations, coverage and gaps, sources. The same input always gives the same bytes.
 */
import type { CorpusSummary, Finding, Verdict } from "./Evidence.ts"
import { placeOf } from "./Evidence.ts"
import { shown } from "./FindingText.ts"

export interface Statement {
  readonly text: string
  /** Ids of the findings that carry it. */
  readonly findings: ReadonlyArray<string>
  readonly code?: string
  /** Set where the evidence could not be confirmed. */
  readonly mark?: string
}
export interface Section {
  readonly heading: string
  readonly statements: ReadonlyArray<Statement>
}

export interface ReportContent {
  readonly question: string
  /** What follows `engine:`. */
  readonly engine: string
  /** How the statements were made, as half a sentence. */
  readonly method: string
  /** ISO 8601 UTC. */
  readonly date: string
  readonly verdict: Verdict
  readonly missingWords: ReadonlyArray<string>
  readonly corpus: CorpusSummary | undefined
  readonly findings: ReadonlyArray<Finding>
  readonly sections: ReadonlyArray<Section>
  readonly gaps: ReadonlyArray<string>
}

/** Lines of quoted code. */
const codeLinesMax = 16

/** The text, and the findings it cites in the order of their numbers. */
export const layout = (
  content: ReportContent
): { readonly markdown: string; readonly findings: ReadonlyArray<Finding> } => {
  const citations = new Citations(content.findings)
  const sections = content.verdict === "none" ? [] : content.sections.filter((section) => section.statements.length > 0)
  const body = sections.flatMap((section) => [
    `## ${shown(section.heading)}`,
    section.statements.map((statement) => bullet(statement, citations)).join("\n")
  ])
  const cited = citations.cited()
  const markdown = [
    frontMatter(content, cited.length, citations.sources().length),
    `engine: ${content.engine}`,
    `# ${shown(content.question)}`,
    preamble(content),
    ...(content.verdict === "none" ? abstention(content) : body),
    "## Coverage and gaps",
    coverage(content, cited).map((line) => `- ${line}`).join("\n"),
    ...sourceList(citations)
  ].join("\n\n")
  return { markdown: `${markdown}\n`, findings: cited }
}

/** Numbers are given to places in the order in which they are first cited. */
class Citations {
  private readonly known: ReadonlyMap<string, Finding>
  private readonly numbers = new Map<string, { readonly number: number; readonly finding: Finding }>()
  private readonly used = new Map<string, Finding>()

  constructor(findings: ReadonlyArray<Finding>) {
    this.known = new Map(findings.map((finding) => [finding.id, finding]))
  }

  cite(ids: ReadonlyArray<string>): string {
    const numbers = ids.flatMap((id) => {
      const finding = this.known.get(id)
      if (finding === undefined) return []
      this.used.set(id, finding)
      const { hash, locator, uri } = finding.source
      const key = JSON.stringify([uri, hash, locator])
      const known = this.numbers.get(key)
      if (known !== undefined) return [known.number]
      const number = this.numbers.size + 1
      this.numbers.set(key, { number, finding })
      return [number]
    })
    return [...new Set(numbers)].map((number) => ` [${number}]`).join("")
  }

  sources() {
    return [...this.numbers.values()]
  }

  cited(): ReadonlyArray<Finding> {
    return [...this.used.values()]
  }
}

const bullet = (statement: Statement, citations: Citations): string => {
  const mark = statement.mark === undefined ? "" : ` *(${statement.mark})*`
  const line = `- ${shown(statement.text)}${citations.cite(statement.findings)}${mark}`
  if (statement.code === undefined) return line
  const lines = statement.code.split("\n")
  const shownLines = lines.length > codeLinesMax ? [...lines.slice(0, codeLinesMax), "…"] : lines
  const fence = "`".repeat(Math.max(3, ...[...statement.code.matchAll(/`+/g)].map(([run]) => run.length + 1)))
  return [line, "", `  ${fence}`, ...shownLines.map((text) => `  ${text}`), `  ${fence}`].join("\n")
}

const frontMatter = (content: ReportContent, findings: number, sources: number): string =>
  [
    "---",
    `title: ${JSON.stringify(shown(content.question))}`,
    `engine: ${JSON.stringify(content.engine)}`,
    `date: ${content.date}`,
    `evidence: ${content.verdict}`,
    `documents: ${content.corpus?.documents ?? 0}`,
    `words: ${content.corpus?.words ?? 0}`,
    `findings: ${findings}`,
    `sources: ${sources}`,
    ...(content.corpus === undefined ? [] : [`corpus: sha256:${content.corpus.fingerprint}`]),
    "---"
  ].join("\n")

const plural = (count: number, noun: string) => `${count} ${noun}${count === 1 ? "" : "s"}`

const preamble = (content: ReportContent): string => {
  const made = `*${content.date} · ${plural(content.corpus?.documents ?? 0, "document")} searched · ${content.method}.*`
  if (content.verdict !== "weak") return made
  return `${made}\n\n**Weak evidence.** The documents cover the question in part only; read what follows as hints, not as an answer.`
}

const abstention = (content: ReportContent): ReadonlyArray<string> => {
  const missing = content.missingWords.map((word) => `"${shown(word)}"`).join(", ")
  return [
    "## No sufficient evidence",
    `No sufficient evidence: the documents that were searched do not answer this question, so it is left unanswered.${
      missing === "" ? "" : ` Not found: ${missing}.`
    }`
  ]
}

const coverage = (content: ReportContent, cited: ReadonlyArray<Finding>): ReadonlyArray<string> => {
  const { corpus } = content
  const files = new Set(cited.map((finding) => finding.source.uri))
  const lines = [...content.gaps]
  if (corpus !== undefined) {
    lines.unshift(
      `${plural(corpus.documents, "document")} with ${plural(corpus.words, "word")} ${
        corpus.documents === 1 ? "was" : "were"
      } ` +
        `searched; ${files.size} of them ${files.size === 1 ? "is" : "are"} cited.`
    )
    for (const { code, reason, uri } of corpus.skipped) {
      lines.push(`Skipped ${codeSpan(uri)}: ${shown(reason)} (${code}).`)
    }
    if (corpus.skippedMore > 0) lines.push(`${plural(corpus.skippedMore, "more document")} skipped for like reasons.`)
    for (const note of corpus.notes) lines.push(`Note: ${shown(note)}.`)
  }
  const stale = new Map(cited.flatMap(({ source, stale }) => stale === undefined ? [] : [[source.uri, stale] as const]))
  for (const [uri, reason] of stale) lines.push(`${codeSpan(uri)} may be out of date: ${shown(reason)}.`)
  return lines.length > 0 ? lines : ["Nothing is known of the documents that were searched."]
}

/** A path cannot end the code span it stands in. */
const codeSpan = (text: string) => `\`${text.replace(/[`\r\n]/g, "'")}\``

const sourceList = (citations: Citations): ReadonlyArray<string> => {
  const sources = citations.sources()
  if (sources.length === 0) return []
  const hashes = new Map(sources.map(({ finding }) => [finding.source.uri, finding.source.hash]))
  const lines = sources.map(({ finding: { source }, number }) => {
    const headings = source.headings[0] === source.title ? source.headings : [source.title, ...source.headings]
    return `- [${number}] ${codeSpan(source.uri)} ${placeOf(source.locator)} — ${headings.map(shown).join(" › ")}`
  })
  const documents = [...hashes].sort(([a], [b]) => (a < b ? -1 : 1)).map(([uri, hash]) => `- ${codeSpan(uri)} ${hash}`)
  return ["## Sources", lines.join("\n"), "Documents as they were read:", documents.join("\n")]
}
