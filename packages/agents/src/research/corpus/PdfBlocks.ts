/** Paragraphs and headings of PDF pages, from the size and position of their text. */
import type * as Block from "./Block.ts"
import { blockCharactersMax } from "./Block.ts"

export interface PageItem {
  readonly text: string
  /** Font size in page units. */
  readonly size: number
  /** Baseline, counted from the bottom of the page. */
  readonly y: number
  /** Whether a line ends here. */
  readonly ends: boolean
}
export interface PageText {
  readonly number: number
  readonly items: ReadonlyArray<PageItem>
}

interface Line {
  readonly text: string
  readonly size: number
  readonly y: number
}

/** A line this much larger than the body is a heading. */
const headingRatio = 1.15
/** A gap of this many line heights starts a paragraph. */
const paragraphGap = 1.7

export const pageBlocks = (pages: ReadonlyArray<PageText>): ReadonlyArray<Block.Block> => {
  const body = bodySize(pages)
  const blocks: Array<Block.Block> = []
  const headings: Array<{ readonly size: number; readonly text: string }> = []
  for (const page of pages) {
    for (const lines of paragraphs(linesOf(page.items), body)) {
      const size = lines[0]!.size
      const text = join(lines.map((line) => line.text))
      if (size >= body * headingRatio && text.length <= 160 && lines.length <= 3) {
        while (headings.length > 0 && headings[headings.length - 1]!.size <= size + 0.1) headings.pop()
        headings.push({ size, text })
        continue
      }
      const bullet = /^[•◦▪–-]\s+(.*)$/s.exec(text)
      for (let at = 0; at < text.length; at += blockCharactersMax) {
        blocks.push({
          kind: bullet === null ? "paragraph" : "item",
          text: (bullet?.[1] ?? text).slice(at, at + blockCharactersMax),
          first: page.number,
          last: page.number,
          lead: "",
          headings: headings.map((heading) => heading.text)
        })
      }
    }
  }
  return blocks.filter((block) => block.text.trim() !== "")
}

/** The size that most characters have. */
const bodySize = (pages: ReadonlyArray<PageText>): number => {
  const characters = new Map<number, number>()
  for (const page of pages) {
    for (const item of page.items) {
      const size = Math.round(item.size * 2) / 2
      characters.set(size, (characters.get(size) ?? 0) + item.text.length)
    }
  }
  let best = 0
  let most = -1
  for (const [size, count] of characters) {
    if (count > most || (count === most && size < best)) [best, most] = [size, count]
  }
  return best
}

const linesOf = (items: ReadonlyArray<PageItem>): ReadonlyArray<Line> => {
  const lines: Array<Line> = []
  let text = ""
  let size = 0
  let y = 0
  for (const item of items) {
    if (text.trim() === "") y = item.y
    text += item.text
    size = Math.max(size, item.text.trim() === "" ? 0 : item.size)
    if (!item.ends) continue
    if (text.trim() !== "") lines.push({ text: text.trim(), size, y })
    text = ""
    size = 0
  }
  if (text.trim() !== "") lines.push({ text: text.trim(), size, y })
  return lines
}

function* paragraphs(lines: ReadonlyArray<Line>, body: number): Generator<ReadonlyArray<Line>> {
  let open: Array<Line> = []
  for (const line of lines) {
    const above = open[open.length - 1]
    const broken = above !== undefined &&
      (Math.abs(above.size - line.size) > body * 0.1 || above.y - line.y > paragraphGap * Math.max(line.size, 1) ||
        line.y > above.y + line.size || /^[•◦▪]\s/.test(line.text))
    if (broken) {
      yield open
      open = []
    }
    open.push(line)
  }
  if (open.length > 0) yield open
}

/** A hyphen at the end of a line belongs to a divided word when a small letter follows. */
const join = (lines: ReadonlyArray<string>): string => {
  let text = ""
  for (const line of lines) {
    if (/\p{Ll}-$/u.test(text) && /^\p{Ll}/u.test(line)) text = text.slice(0, -1) + line
    else text += text === "" ? line : ` ${line}`
  }
  return text
}
