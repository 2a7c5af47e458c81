/**
 * Readers for HTML, PDF and DOCX. They run in a thread of their own (`PackedReader`), because a hostile or broken file can
 * keep these libraries busy for a long time or make them allocate without end.
 */
import { Defuddle } from "defuddle/node"
import { parseHTML } from "linkedom"
import mammoth from "mammoth"
import { getDocumentProxy } from "unpdf"
import type * as Block from "./Block.ts"
import { blocksOf, type HtmlNode } from "./HtmlBlocks.ts"
import { pageBlocks, type PageText } from "./PdfBlocks.ts"

export interface PackedLimits {
  readonly pagesMax: number
  readonly unpackedBytesMax: number
}

export interface PackedAnswer {
  readonly title: string | undefined
  readonly place: Block.PlaceKind
  readonly blocks: ReadonlyArray<Block.Block>
  /** Said in the report, for example that pages were left out. */
  readonly note?: string
}

/** A reason that a person can act on; anything else that is thrown is reported as a corrupt file. */
export class Unreadable extends Error {}

export const readPacked = (
  kind: "html" | "pdf" | "docx",
  bytes: Uint8Array,
  limits: PackedLimits
): Promise<PackedAnswer> => {
  if (kind === "html") return readHtml(new TextDecoder("utf-8").decode(bytes))
  return kind === "pdf" ? readPdf(bytes, limits) : readDocx(bytes, limits)
}

/** Share of the body's words that the article extraction must keep; below it the whole body is read. */
const extractionShareMin = 0.4

const readHtml = async (html: string): Promise<PackedAnswer> => {
  const whole = parseHTML(html).document
  const title = whole.querySelector("title")?.textContent?.trim() || whole.querySelector("h1")?.textContent?.trim()
  const all = blocksOf(whole.body as unknown as HtmlNode)
  const extracted = await Defuddle(html, "http://document.invalid/", {
    useAsync: false,
    removeImages: true,
    fetch: () => Promise.reject(new Unreadable("documents are read without a network"))
  }).catch(() => undefined)
  const article = extracted === undefined ? [] : blocksOf(bodyOf(extracted.content))
  const blocks = wordsOf(article) < extractionShareMin * wordsOf(all) ? all : article
  if (blocks.length === 0) throw new Unreadable("an HTML document without text")
  return { title: title?.replace(/\s+/g, " ").slice(0, 200), place: "paragraph", blocks }
}

const bodyOf = (content: string) =>
  parseHTML(`<!doctype html><html><body>${content}</body></html>`).document.body as unknown as HtmlNode

const wordsOf = (blocks: ReadonlyArray<Block.Block>) =>
  blocks.reduce((sum, block) => sum + block.text.split(" ").length, 0)

const readDocx = async (bytes: Uint8Array, limits: PackedLimits): Promise<PackedAnswer> => {
  const unpacked = unpackedBytes(bytes)
  if (unpacked > limits.unpackedBytesMax) {
    throw new Unreadable(`it unpacks to ${unpacked} bytes; at most ${limits.unpackedBytesMax} are read`)
  }
  const images = mammoth.images.imgElement(() => Promise.resolve({ src: "" }))
  const { value } = await mammoth.convertToHtml({ buffer: Buffer.from(bytes) }, { convertImage: images })
  const body = bodyOf(value)
  const blocks = blocksOf(body)
  if (blocks.length === 0) throw new Unreadable("a DOCX document without text")
  return { title: blocks[0]?.headings[0], place: "paragraph", blocks }
}

/**
 * What the central directory of a ZIP file says it unpacks to (APPNOTE 6.3, sections 4.3.12 and 4.3.16). A lying directory
 * only reaches the heap limit of the reader's thread.
 */
const unpackedBytes = (bytes: Uint8Array): number => {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const end = view.lastIndexOf(Buffer.from([0x50, 0x4b, 0x05, 0x06]))
  if (end < 0 || end + 22 > view.length) throw new Unreadable("a truncated DOCX document: its ZIP directory is missing")
  let total = 0
  let at = view.readUInt32LE(end + 16)
  for (let left = view.readUInt16LE(end + 10); left > 0; left--) {
    if (at + 46 > view.length || view.readUInt32LE(at) !== 0x02014b50) throw new Unreadable("a damaged ZIP directory")
    total += view.readUInt32LE(at + 24)
    at += 46 + view.readUInt16LE(at + 28) + view.readUInt16LE(at + 30) + view.readUInt16LE(at + 32)
  }
  return total
}

const readPdf = async (bytes: Uint8Array, limits: PackedLimits): Promise<PackedAnswer> => {
  const pdf = await getDocumentProxy(bytes, { verbosity: 0 }).catch((cause: unknown) => {
    const name = cause instanceof Error ? cause.name : ""
    throw new Unreadable(name === "PasswordException" ? "an encrypted PDF: it needs a password" : "a corrupt PDF")
  })
  const pages: Array<PageText> = []
  for (let number = 1; number <= Math.min(pdf.numPages, limits.pagesMax); number++) {
    const page = await pdf.getPage(number)
    const content = await page.getTextContent()
    const items = content.items.flatMap((item) =>
      "str" in item
        ? [{
          text: item.str,
          size: Math.hypot(item.transform[2], item.transform[3]),
          y: item.transform[5],
          ends: item.hasEOL
        }]
        : []
    )
    pages.push({ number, items })
    page.cleanup()
  }
  const meta = await pdf.getMetadata().catch(() => undefined)
  const blocks = pageBlocks(pages)
  if (blocks.length === 0) throw new Unreadable("a PDF without a text layer (scanned pages are not read)")
  const named = meta?.info as { readonly Title?: unknown } | undefined
  const title = typeof named?.Title === "string" && named.Title.trim() !== ""
    ? named.Title.trim()
    : blocks[0]?.headings[0]
  const left = pdf.numPages - pages.length
  return {
    title,
    place: "page",
    blocks,
    ...(left > 0 ? { note: `only the first ${pages.length} of ${pdf.numPages} pages were read` } : {})
  }
}
