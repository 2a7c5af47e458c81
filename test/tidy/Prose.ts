/** Documents and words: one title each, links that lead somewhere, rules cited by numbers that exist. */
import * as path from "node:path"
import { type Finding, isShipped, type SourceFile } from "./Finding.ts"
import * as Syntax from "./Syntax.ts"

export const isMarkdown = (file: SourceFile): boolean =>
  file.path.endsWith(".md") && !/(^|\/)(corpora|fixtures|prompts)\//.test(file.path)

interface Line {
  readonly number: number
  readonly text: string
}

/** The lines of a document outside fenced code. */
const prose = (text: string): ReadonlyArray<Line> => {
  const lines: Array<Line> = []
  let fence: string | undefined
  for (const [index, line] of text.split("\n").entries()) {
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1]
    if (fence === undefined && mark !== undefined) fence = mark
    else if (fence !== undefined && mark?.startsWith(fence) === true) fence = undefined
    else if (fence === undefined) lines.push({ number: index + 1, text: line })
  }
  return lines
}

export const title = (file: SourceFile): ReadonlyArray<Finding> => {
  if (!isMarkdown(file)) return []
  const titles = prose(file.text).filter(({ text }) => /^# \S/.test(text))
  if (titles.length === 1) return []
  const message = titles.length === 0 ? "no `# Title`" : "more than one `# Title`"
  return [{ rule: "title", path: file.path, line: titles[1]?.number ?? 1, message }]
}

/** How a heading is addressed: lower case, blanks to hyphens, other signs dropped. */
export const anchorOf = (heading: string): string =>
  heading.trim().toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-")

export const anchors = (text: string): ReadonlySet<string> =>
  new Set(
    prose(text).flatMap((line) => {
      const heading = /^#{1,6}\s+(.*)$/.exec(line.text)?.[1]
      return heading === undefined ? [] : [anchorOf(heading.replaceAll("`", ""))]
    })
  )

/** `known` are all tracked paths; folders count as known when something is in them. */
export const links = (
  file: SourceFile,
  known: ReadonlySet<string>,
  textOf: (path: string) => string | undefined
): ReadonlyArray<Finding> => {
  if (!isMarkdown(file)) return []
  const isKnown = (target: string) =>
    known.has(target) || [...known].some((path) => path.startsWith(`${target.replace(/\/$/, "")}/`))
  const found: Array<Finding> = []
  for (const { number, text } of prose(file.text)) {
    for (const [, raw = ""] of text.replaceAll(/`[^`]*`/g, "").matchAll(/\]\(([^)\s]+)(?:\s+"[^"]*")?\)/g)) {
      if (/^[a-z][a-z0-9+.-]*:/i.test(raw)) continue
      const [target = "", anchor] = raw.split("#")
      const full = target === "" ? file.path : path.posix.join(path.posix.dirname(file.path), decodeURI(target))
      if (!isKnown(full)) {
        found.push({ rule: "link", path: file.path, line: number, message: `${raw} leads nowhere` })
      } else if (anchor !== undefined && full.endsWith(".md") && !anchors(textOf(full) ?? "").has(anchor)) {
        found.push({ rule: "link", path: file.path, line: number, message: `${full} has no heading #${anchor}` })
      }
    }
  }
  return found
}

/** A whole flow that a document shows is the text of the example of that name, so that it has been tried. */
export const shownFlows = (
  file: SourceFile,
  textOf: (path: string) => string | undefined
): ReadonlyArray<Finding> => {
  if (!isMarkdown(file)) return []
  const found: Array<Finding> = []
  for (const match of file.text.matchAll(/^```yaml\n(name: ([\w-]+)\n[\s\S]*?)^```$/gm)) {
    const [, shown = "", name = ""] = match
    const example = `examples/${name}.yaml`
    if (textOf(example) === shown) continue
    const line = file.text.slice(0, match.index).split("\n").length
    found.push({ rule: "example", path: file.path, line, message: `this is not the text of ${example}` })
  }
  return found
}

/** A document that a comment names is in the repository: whoever reads the comment can open it. */
export const namedDocuments = (file: SourceFile, known: ReadonlySet<string>): ReadonlyArray<Finding> => {
  if (!isShipped(file.path)) return []
  const tree = Syntax.parse(file)
  return tree.comments.flatMap(({ start, value }) =>
    [...value.matchAll(/(?<![\w}*])[\w./-]*\w\.md\b/g)]
      .filter(([name]) => ![...known].some((path) => path === name || path.endsWith(`/${name}`)))
      .map(([name]) => ({
        rule: "link",
        path: file.path,
        line: tree.lineAt(start),
        message: `${name} is not in the repository`
      }))
  )
}

/** What a reader of the code may be sent to: rules such as `8.2b`, and decisions such as `0003`. */
export interface Cited {
  readonly rules: ReadonlySet<string>
  readonly decisions: ReadonlySet<string>
}

/** Collects `8.2` from headings and `8.2b` from the lettered paragraphs under them. */
export const rulesOf = (semantics: string): ReadonlySet<string> => {
  const found = new Set<string>()
  let chapter = ""
  for (const { text } of prose(semantics)) {
    chapter = /^## (8\.\d+)\b/.exec(text)?.[1] ?? chapter
    if (chapter !== "") found.add(chapter)
    const letter = /^(?:- )?\*\*\(([a-z])\)/.exec(text)?.[1]
    if (chapter !== "" && letter !== undefined) found.add(`${chapter}${letter}`)
  }
  return found
}

export const citations = (file: SourceFile, cited: Cited): ReadonlyArray<Finding> => {
  const found: Array<Finding> = []
  for (const [index, text] of file.text.split("\n").entries()) {
    const line = index + 1
    for (const [, chapter = "", letter = ""] of text.matchAll(/\bSEMANTICS (8\.\d+)(?:\(?([a-z])\b\)?)?/g)) {
      if (cited.rules.has(`${chapter}${letter}`)) continue
      const message = `SEMANTICS ${chapter}${letter} is not in docs/semantics.md`
      found.push({ rule: "citation", path: file.path, line, message })
    }
    for (const [mark, document = ""] of text.matchAll(/\b([A-Z]{4,}) ?§/g)) {
      if (document === "ARCHITECTURE") continue
      found.push({ rule: "citation", path: file.path, line, message: `${mark}: no such document is in the repository` })
    }
    for (const [, number = ""] of text.matchAll(/\bADR (\d{4})\b/g)) {
      if (cited.decisions.has(number)) continue
      found.push({ rule: "citation", path: file.path, line, message: `docs/decisions has no ${number}` })
    }
  }
  return found
}

/**
 * What belongs to one machine or one network, and so to no repository. The patterns are written so that they do not
 * match their own text.
 */
const foreign: ReadonlyArray<readonly [pattern: RegExp, why: string]> = [
  [/(?<![\w.:/-])\/(?:work|root|home\/\w+|Users\/\w+)\/[\w.]/, "a path of one machine"],
  [/\b[A-Z]:\\Users\\\w/, "a path of one machine"],
  [/https?:\/\/[\w.-]*(?:registry|artifactory|verdaccio|nexus)[\w.-]*[:/]/, "a host of one network"],
  [/\bCo-authored-by: \w|\bGenerated (?:by|with) \w+ ?(?:AI|Code|GPT)\b/i, "a word about how it was written"]
]

export const workplace = (file: SourceFile): ReadonlyArray<Finding> => {
  const found: Array<Finding> = []
  for (const [index, text] of file.text.split("\n").entries()) {
    for (const [pattern, why] of foreign) {
      const match = pattern.exec(text)
      if (match === null) continue
      found.push({ rule: "workplace", path: file.path, line: index + 1, message: `"${match[0]}": ${why}` })
    }
  }
  return found
}
