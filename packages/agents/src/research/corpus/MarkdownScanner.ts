/**
 * A line scanner for Markdown and plain text: blocks with exact line numbers, in one pass and constant memory.
 *
 * It knows what evidence needs (front matter, headings, lists, tables, fences, quotes, comments) and not the whole of
 * CommonMark; text it does not understand is a paragraph, never lost.
 */
import * as Block from "./Block.ts"

interface Line {
  readonly text: string
  readonly number: number
}

/** Lines longer than this are cut, so that a file without line breaks cannot become one block. */
const lineCharactersMax = Block.blockCharactersMax

function* linesOf(text: string): Generator<Line> {
  let number = 1
  for (let start = 0; start <= text.length;) {
    const found = text.indexOf("\n", start)
    const end = found < 0 ? text.length : found
    const stop = end > start && text.charCodeAt(end - 1) === 13 ? end - 1 : end
    if (stop - start <= lineCharactersMax) yield { text: text.slice(start, stop), number }
    else for (const piece of pieces(text, start, stop)) yield { text: piece, number }
    number++
    start = end + 1
  }
}

/** A long line cut at white space where there is some. */
function* pieces(text: string, start: number, stop: number): Generator<string> {
  for (let at = start; at < stop;) {
    const end = Math.min(at + lineCharactersMax, stop)
    const space = end < stop ? text.lastIndexOf(" ", end) : end
    const cut = space > at ? space : end
    yield text.slice(at, cut)
    at = cut
  }
}

const fencePattern = /^ {0,3}(`{3,}|~{3,})(.*)$/
const headingPattern = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?[ \t]*$/
const itemPattern = /^(\s*)(?:[-*+•]|\d{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?(.*)$/
const rulePattern = /^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$/
const delimiterRowPattern = /^\s*\|?(?:\s*:?-+:?\s*\|)+\s*(?::?-+:?\s*)?$/
const markupOnlyPattern = /^\s*(?:<\/?[A-Za-z][^<>]*>\s*)+$/
const modulePattern = /^(?:import\s.+\sfrom\s+["'].+["'];?|import\s+["'].+["'];?|export\s+(?:const|default)\s.*)$/

export interface Scan {
  readonly title: string | undefined
  readonly blocks: Iterable<Block.Block>
}

/** `plain` leaves out what only Markdown means: front matter, indented code, tags, fences. */
export const scan = (text: string, options: { readonly plain: boolean }): Scan => {
  const front = options.plain ? undefined : frontMatter(text)
  const title = front?.title ?? (options.plain ? undefined : firstHeading(text))
  return { title, blocks: { [Symbol.iterator]: () => new Scanner(text, options.plain, front?.lines ?? 0).run() } }
}

const frontMatter = (text: string) => {
  if (!text.startsWith("---\n") && !text.startsWith("---\r\n")) return undefined
  const end = /\r?\n(?:---|\.\.\.)[ \t]*(?:\r?\n|$)/.exec(text.slice(0, 65_536).slice(3))
  if (end === null) return undefined
  const body = text.slice(0, 3 + end.index)
  const title = /^title:[ \t]*(.+)$/m.exec(body)?.[1]?.trim().replace(/^(["'])(.*)\1$/, "$2")
  return { title: title === "" ? undefined : title, lines: body.split("\n").length + 1 }
}

const firstHeading = (text: string) => {
  const head = text.slice(0, 8_192)
  const found = /^ {0,3}#{1,2}[ \t]+(.+)$/m.exec(head)?.[1] ?? /^(\S.*)\r?\n={3,}[ \t]*$/m.exec(head)?.[1]
  return found === undefined ? undefined : Block.headingText(found)
}

/** The state of one pass. `pending` holds the lines of the block being read. */
class Scanner {
  private readonly headings: Array<{ readonly level: number; readonly text: string }> = []
  private pending: Array<Line> = []
  private pendingKind: "paragraph" | "item" = "paragraph"
  private pendingLead = ""
  private size = 0
  private lead = ""
  private header: string | undefined
  private fence: { readonly mark: string; readonly lines: Array<Line>; size: number } | undefined
  private comment = false
  private readonly text: string
  private readonly plain: boolean
  private readonly skip: number

  constructor(text: string, plain: boolean, skip: number) {
    this.text = text
    this.plain = plain
    this.skip = skip
  }

  *run(): Generator<Block.Block> {
    for (const line of linesOf(this.text)) {
      if (line.number <= this.skip) continue
      yield* this.read(line)
    }
    if (this.fence !== undefined) yield* this.closeFence()
    yield* this.flush()
  }

  private *read(line: Line): Generator<Block.Block> {
    if (this.fence !== undefined) return yield* this.readCode(line)
    // A paragraph ends here, or the lines of its sentences would not follow each other.
    if (!this.plain && this.skipsMarkup(line.text)) return yield* this.flush()
    const text = line.text.replace(/^ {0,3}(?:> ?)+/, "")
    if (text.trim() === "") {
      this.header = undefined
      return yield* this.flush()
    }
    const fence = this.plain ? null : fencePattern.exec(text)
    if (fence !== null) {
      yield* this.flush()
      this.fence = { mark: fence[1]!, lines: [], size: 0 }
      return
    }
    if (yield* this.readHeading(text, line)) return
    if (text.includes("|") && (yield* this.readTable(text, line))) return
    this.header = undefined
    const item = itemPattern.exec(text)
    if (item !== null) {
      yield* this.flush()
      this.start("item", { text: item[2]!, number: line.number })
      return
    }
    if (this.size + text.length > Block.blockCharactersMax) yield* this.flush()
    if (this.pending.length === 0) this.start("paragraph", { text, number: line.number })
    else this.add({ text, number: line.number })
  }

  /** Comments, tags alone on a line and module lines carry no evidence. */
  private skipsMarkup(text: string): boolean {
    if (this.comment) {
      this.comment = !text.includes("-->")
      return true
    }
    const trimmed = text.trim()
    if (trimmed.startsWith("<!--")) {
      this.comment = !trimmed.includes("-->")
      return true
    }
    return markupOnlyPattern.test(text) || (this.pending.length === 0 && modulePattern.test(text))
  }

  private *readHeading(text: string, line: Line): Generator<Block.Block, boolean> {
    const heading = this.plain ? null : headingPattern.exec(text)
    if (heading !== null) {
      yield* this.flush()
      this.enter(heading[1]!.length, heading[2] ?? "")
      return true
    }
    const underline = /^(=|-|~){3,}[ \t]*$/.exec(text)
    const above = this.pending.length === 1 && this.pendingKind === "paragraph" ? this.pending[0] : undefined
    if (underline !== null && above !== undefined && above.number === line.number - 1 && above.text.length <= 200) {
      this.pending = []
      this.enter(underline[1] === "=" ? 1 : 2, above.text)
      return true
    }
    if (rulePattern.test(text) || underline !== null) {
      yield* this.flush()
      return true
    }
    return false
  }

  private enter(level: number, text: string) {
    while (this.headings.length > 0 && this.headings[this.headings.length - 1]!.level >= level) this.headings.pop()
    const heading = Block.headingText(text)
    if (heading !== "") this.headings.push({ level, text: heading })
    this.lead = ""
  }

  /** The row above a delimiter row is the header; rows follow until a blank line. */
  private *readTable(text: string, line: Line): Generator<Block.Block, boolean> {
    if (delimiterRowPattern.test(text) && this.pending.length > 0) {
      const header = this.pending.pop()!
      yield* this.flush()
      this.header = cells(header.text).join(" | ")
      return true
    }
    if (this.header === undefined) return false
    yield* this.flush()
    yield this.block("row", text.trim(), line.number, line.number, this.header)
    return true
  }

  private *readCode(line: Line): Generator<Block.Block> {
    const fence = this.fence!
    const trimmed = line.text.trim()
    if (trimmed.startsWith(fence.mark) && trimmed.replaceAll(fence.mark[0]!, "") === "") return yield* this.closeFence()
    if (fence.size > Block.codeCharactersMax) return
    fence.lines.push(line)
    fence.size += line.text.length + 1
  }

  private *closeFence(): Generator<Block.Block> {
    const lines = this.fence!.lines
    this.fence = undefined
    if (lines.length === 0) return
    const text = lines.map((line) => line.text).join("\n")
    yield this.block("code", text, lines[0]!.number, lines[lines.length - 1]!.number, this.lead)
  }

  private start(kind: "paragraph" | "item", line: Line) {
    this.pendingKind = kind
    this.pendingLead = kind === "item" ? this.lead : ""
    this.pending = [line]
    this.size = line.text.length
  }

  private add(line: Line) {
    this.pending.push(this.pendingKind === "item" ? { text: line.text.trim(), number: line.number } : line)
    this.size += line.text.length
  }

  private *flush(): Generator<Block.Block> {
    const lines = this.pending
    if (lines.length === 0) return
    this.pending = []
    const text = lines.map((line) => line.text).join("\n")
    if (this.pendingKind === "paragraph") this.lead = lastSentence(text)
    yield this.block(this.pendingKind, text, lines[0]!.number, lines[lines.length - 1]!.number, this.pendingLead)
  }

  private block(kind: Block.BlockKind, text: string, first: number, last: number, lead: string): Block.Block {
    return { kind, text, first, last, lead, headings: this.headings.map((heading) => heading.text) }
  }
}

/** The cells of a table row. */
export const cells = (row: string): ReadonlyArray<string> => {
  const inner = row.trim().replace(/^\|/, "").replace(/\|$/, "")
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim())
}

/** The end of a paragraph, when it introduces what follows: it is short or ends with a colon. */
const lastSentence = (text: string): string => {
  const flat = Block.plainText(text)
  const tail = flat.length > 400 ? flat.slice(-400) : flat
  const start = Math.max(tail.lastIndexOf(". "), tail.lastIndexOf("? "), tail.lastIndexOf("! "))
  const sentence = start < 0 ? tail : tail.slice(start + 2)
  return sentence.length <= 240 ? sentence : ""
}
