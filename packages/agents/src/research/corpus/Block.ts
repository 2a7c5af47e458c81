/** What every reader makes of a document: blocks in reading order, each with its place and the headings above it. */

export type BlockKind = "paragraph" | "item" | "row" | "code"

/** 1-based and inclusive. `line` counts lines of the file, `page` pages, `paragraph` blocks. */
export type PlaceKind = "line" | "page" | "paragraph"

export interface Block {
  readonly kind: BlockKind
  /** The source's own text; its line breaks are kept, so that a sentence can be located in it. */
  readonly text: string
  /** Where `text` starts and ends. */
  readonly first: number
  readonly last: number
  /** Headings from the outermost to the innermost. */
  readonly headings: ReadonlyArray<string>
  /** What introduces the block: the sentence before a list, the header of a table, the caption of code. */
  readonly lead: string
}

/** Characters of one block; longer text is cut into several. */
export const blockCharactersMax = 8_000
/** Characters of code that are kept as one unit. */
export const codeCharactersMax = 2_000
/** Nesting of headings and lists that is followed. */
export const depthMax = 12

/** Plain text of a heading or title: inline markup gone, white space single, at most 200 characters. */
export const headingText = (text: string): string =>
  plainText(text).replace(/\s*\{#[^}]*\}\s*$/, "").replace(/\s+#+$/, "").slice(0, 200).trim()

/** Markdown inline markup and tags removed, white space made single. Code spans keep their words. */
export const plainText = (text: string): string =>
  text
    .replace(/!\[([^\]\n]{0,500})\]\([^)\n]{0,2000}\)/g, "$1")
    .replace(/\[([^\]\n]{0,500})\]\([^)\n]{0,2000}\)/g, "$1")
    .replace(/\[([^\]\n]{0,500})\]\[[^\]\n]{0,200}\]/g, "$1")
    .replace(/<\/?[a-zA-Z][^<>\n]{0,500}>/g, " ")
    .replace(/(\*\*|__|~~)(?=\S)([^*_~\n]{1,500}?)\1/g, "$2")
    .replace(/`+/g, "")
    .replace(/\s+/g, " ")
    .trim()
