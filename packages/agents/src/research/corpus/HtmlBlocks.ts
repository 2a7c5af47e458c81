/** Blocks of an HTML tree: headings, paragraphs, list items, table rows and code, in reading order. */
import type * as Block from "./Block.ts"
import { blockCharactersMax, codeCharactersMax, depthMax } from "./Block.ts"

/** As much of a DOM node as the walk needs. */
export interface HtmlNode {
  readonly nodeType: number
  readonly nodeName: string
  readonly textContent: string | null
  readonly childNodes: ArrayLike<HtmlNode>
}

const skipped = new Set(["SCRIPT", "STYLE", "NOSCRIPT", "TEMPLATE", "SVG", "IFRAME", "NAV", "HEAD", "BUTTON", "FORM"])
const leaves = new Set(["P", "LI", "DT", "DD", "FIGCAPTION", "CAPTION", "SUMMARY", "ADDRESS"])
const containers = new Set(
  ("BODY HTML MAIN ARTICLE SECTION DIV HEADER FOOTER ASIDE FIGURE BLOCKQUOTE UL OL DL TABLE THEAD TBODY TFOOT TR PRE DETAILS " +
    "HGROUP").split(" ")
)
const textNode = 3
/** Elements visited in one document; a tree beyond it is cut. */
const nodesMax = 400_000

const flat = (text: string | null) => (text ?? "").replace(/\s+/g, " ").trim()

export const blocksOf = (root: HtmlNode): ReadonlyArray<Block.Block> => {
  const walk = new Walk()
  walk.visit(root, 0)
  walk.endRun()
  return walk.blocks
}

class Walk {
  readonly blocks: Array<Block.Block> = []
  private readonly headings: Array<{ readonly level: number; readonly text: string }> = []
  private lead = ""
  private header = ""
  private run = ""
  private seen = 0

  visit(node: HtmlNode, depth: number) {
    if (++this.seen > nodesMax || depth > 200) return
    if (node.nodeType === textNode) {
      this.run += node.textContent ?? ""
      return
    }
    const name = node.nodeName.toUpperCase()
    if (skipped.has(name)) return
    if (/^H[1-6]$/.test(name)) return this.enter(Number(name[1]), flat(node.textContent))
    if (name === "PRE") return this.code(node)
    if (name === "TR") return this.row(node)
    if (name === "BR") {
      this.run += "\n"
      return
    }
    if (leaves.has(name) && !this.holdsBlocks(node)) {
      return this.push(name === "LI" || name === "DT" || name === "DD" ? "item" : "paragraph", flat(node.textContent))
    }
    const block = containers.has(name) || leaves.has(name)
    if (block) this.endRun()
    for (let i = 0; i < node.childNodes.length; i++) this.visit(node.childNodes[i]!, depth + 1)
    if (block) this.endRun()
  }

  /** Text that stands directly in a container is a paragraph too. */
  endRun() {
    const text = flat(this.run)
    this.run = ""
    if (text !== "") this.push("paragraph", text)
  }

  private holdsBlocks(node: HtmlNode): boolean {
    for (let i = 0; i < node.childNodes.length; i++) {
      const name = node.childNodes[i]!.nodeName.toUpperCase()
      if (leaves.has(name) || containers.has(name) || /^H[1-6]$/.test(name)) return true
    }
    return false
  }

  private enter(level: number, text: string) {
    this.endRun()
    while (this.headings.length > 0 && this.headings[this.headings.length - 1]!.level >= level) this.headings.pop()
    if (text !== "" && this.headings.length < depthMax) this.headings.push({ level, text: text.slice(0, 200) })
    this.lead = ""
  }

  private code(node: HtmlNode) {
    this.endRun()
    const text = (node.textContent ?? "").replace(/\s+$/, "").slice(0, codeCharactersMax)
    if (text.trim() !== "") this.add("code", text, this.lead)
  }

  private row(node: HtmlNode) {
    this.endRun()
    const cells: Array<string> = []
    let heads = 0
    for (let i = 0; i < node.childNodes.length; i++) {
      const cell = node.childNodes[i]!
      const name = cell.nodeName.toUpperCase()
      if (name !== "TD" && name !== "TH") continue
      if (name === "TH") heads++
      cells.push(flat(cell.textContent))
    }
    const text = cells.join(" | ")
    if (heads > 0 && heads === cells.length) this.header = text
    else if (text.replace(/[\s|]/g, "") !== "") this.add("row", text, this.header)
  }

  private push(kind: "paragraph" | "item", text: string) {
    if (text === "") return
    this.header = ""
    for (let at = 0; at < text.length; at += blockCharactersMax) {
      this.add(kind, text.slice(at, at + blockCharactersMax), kind === "item" ? this.lead : "")
    }
    if (kind === "paragraph") this.lead = text.length <= 240 ? text : ""
  }

  private add(kind: Block.BlockKind, text: string, lead: string) {
    const place = this.blocks.length + 1
    this.blocks.push({
      kind,
      text,
      lead,
      first: place,
      last: place,
      headings: this.headings.map((heading) => heading.text)
    })
  }
}
