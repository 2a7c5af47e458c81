/** The smallest pieces that can be cited: a sentence, a list item, a table row, a block of code with its caption. */
import * as Block from "./Block.ts"

export type UnitKind = "sentence" | "item" | "row" | "code"

export interface EvidenceUnit {
  readonly kind: UnitKind
  /** The source's words, white space made single (code keeps its lines). */
  readonly text: string
  readonly lead: string
  readonly first: number
  readonly last: number
  readonly headings: ReadonlyArray<string>
}

/** Words that a sentence needs to be evidence; shorter ones are labels. */
const sentenceWordsMin = 4
/** Characters of one unit; longer sentences are cut at white space. */
const unitCharactersMax = 1_200

const segmenter = new Intl.Segmenter("en", { granularity: "sentence" })
const abbreviation =
  /(?:^|[\s("'])(?:e\.g|i\.e|etc|cf|vs|al|approx|ca|resp|Dr|Mr|Mrs|Ms|Prof|St|No|Nr|Fig|Figs|Eq|Sec|Ch|Vol|pp?|Inc|Ltd|Co|Jr|Sr|[A-Z])\.["')]?\s*$/

export function* unitsOf(blocks: Iterable<Block.Block>): Generator<EvidenceUnit> {
  for (const block of blocks) {
    if (block.kind === "code") {
      if (block.text.trim() !== "") yield unit("code", block.text, block, block.first, block.last)
    } else if (block.kind === "row") {
      yield unit("row", block.text.replace(/\s+/g, " "), block, block.first, block.last)
    } else yield* sentencesOf(block)
  }
}

function* sentencesOf(block: Block.Block): Generator<EvidenceUnit> {
  // A line break ends a sentence for the segmenter, but not in wrapped prose.
  const flat = block.text.replace(/[\r\n\t]/g, " ")
  const spans = spansOf(flat)
  for (const [from, to] of spans) {
    const text = flat.slice(from, to).replace(/\s+/g, " ").trim()
    const words = text.split(" ").length
    const kind = block.kind === "item" ? "item" : "sentence"
    const lone = kind === "item" && spans.length === 1
    if (text === "" || (!lone && words < sentenceWordsMin && !dense(text))) continue
    const [first, last] = linesWithin(block, from, to)
    yield unit(kind, text, block, first, last)
  }
}

/** Scripts without spaces: one "word" may be a whole sentence. */
const dense = (text: string) => text.length >= 8 && /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}]/u.test(text)

/** Sentence borders, joined again after an abbreviation or inside a code span, and cut when far too long. */
const spansOf = (text: string): ReadonlyArray<readonly [number, number]> => {
  const spans: Array<readonly [number, number]> = []
  let start = 0
  for (const { index, segment } of segmenter.segment(text)) {
    const end = index + segment.length
    const whole = text.slice(start, end)
    if (end - start < unitCharactersMax && end < text.length && (abbreviation.test(whole) || openCode(whole))) continue
    for (let at = start; at < end;) {
      const limit = Math.min(at + unitCharactersMax, end)
      const space = limit < end ? text.lastIndexOf(" ", limit) : limit
      const cut = space > at ? space : limit
      spans.push([at, cut])
      at = cut
    }
    start = end
  }
  if (start < text.length) spans.push([start, text.length])
  return spans
}

const openCode = (text: string) => (text.split("`").length - 1) % 2 === 1

const linesWithin = (block: Block.Block, from: number, to: number): readonly [number, number] => {
  if (block.first === block.last) return [block.first, block.last]
  let first = block.first
  let last = block.first
  const stop = to - (/\s*$/.exec(block.text.slice(from, to))?.[0].length ?? 0)
  const begin = from + (/^\s*/.exec(block.text.slice(from, to))?.[0].length ?? 0)
  for (let at = block.text.indexOf("\n"); at >= 0 && at < stop; at = block.text.indexOf("\n", at + 1)) {
    if (at < begin) first++
    last++
  }
  return [Math.min(first, block.last), Math.min(last, block.last)]
}

const unit = (kind: UnitKind, text: string, block: Block.Block, first: number, last: number): EvidenceUnit => ({
  kind,
  text: text.length > Block.codeCharactersMax ? text.slice(0, Block.codeCharactersMax) : text,
  lead: block.lead,
  first,
  last,
  headings: block.headings
})
