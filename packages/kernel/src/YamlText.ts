/**
 * YAML 1.2 text (core schema) to JSON, with the place of every member.
 *
 * `guard` reads the tokens first, which takes linear time, and refuses what would make the real reader slow or deep.
 * Tags are refused and `<<` is an ordinary key; aliases are allowed and limited.
 */
import { isAlias, isMap, isScalar, isSeq, Lexer, type Node, parseDocument, type Scalar } from "yaml"
import { put } from "./ExpressionMeter.ts"
import { escape, isExact, pointerCharsMax } from "./JsonText.ts"
import type { Json } from "./Value.ts"

/** Deepest nesting of a document. */
export const depthMax = 128
/** Most tokens of a document; larger flows are written as JSON. */
export const tokensMax = 400_000
/** Most anchors, aliases and tags together. */
export const marksMax = 500
/** Most values that all aliases together expand to. */
export const aliasedValuesMax = 20_000

export interface YamlFault {
  readonly code: "TEXT_SYNTAX" | "TEXT_TOO_LARGE" | "DUPLICATE_KEY" | "TOO_MANY_ALIASES" | "NOT_JSON"
  readonly message: string
  readonly offset: number
}

/** Refuses text that is costly to read, by its tokens alone. */
export const guard = (text: string): YamlFault | undefined => {
  const counts = { tokens: 0, marks: 0, flow: 0, line: 0 }
  const indents = [0]
  let offset = 0
  let before = ""
  for (const token of new Lexer().lex(text)) {
    const message = excess(token, before, counts, indents)
    if (message !== undefined) return { code: "TEXT_TOO_LARGE", message, offset }
    if (!"\u0002\u001f\u0018".includes(token)) offset += token.length
    before = token
  }
  return undefined
}

interface Counts {
  tokens: number
  marks: number
  flow: number
  /** Nesting indicators on the current line. */
  line: number
}

const excess = (token: string, before: string, counts: Counts, indents: Array<number>): string | undefined => {
  if (++counts.tokens > tokensMax) return `The YAML text has more than ${tokensMax} tokens; use JSON.`
  if (before === "\u001f") return undefined // a scalar's text
  const first = token[0] ?? ""
  if (first === "\n" || first === "\r") counts.line = 0
  else if (token === "[" || token === "{") counts.flow++
  else if (token === "]" || token === "}") counts.flow--
  else if ("-?:".includes(token) && counts.flow === 0) counts.line++
  else if ("&*!".includes(first)) counts.marks++
  else if (first === " " && before.startsWith("\n") && counts.flow === 0) indent(token.length, indents)
  else if (before.startsWith("\n") && counts.flow === 0) indent(0, indents)
  if (counts.marks > marksMax) return `There are more than ${marksMax} anchors, aliases and tags.`
  const deep = counts.flow > depthMax || counts.line > depthMax || indents.length > depthMax
  return deep ? `Nesting is deeper than ${depthMax}.` : undefined
}

const indent = (width: number, indents: Array<number>): void => {
  while ((indents.at(-1) ?? 0) > width) indents.pop()
  if ((indents.at(-1) ?? 0) < width) indents.push(width)
}

export interface ReadYaml {
  readonly value: Json
  readonly offsets: ReadonlyMap<string, number>
  readonly faults: ReadonlyArray<YamlFault>
}

/** Reads text that passed the guard. */
export const read = (text: string): ReadYaml => {
  const document = parseDocument(text, {
    customTags: [],
    logLevel: "error",
    merge: false,
    prettyErrors: false,
    resolveKnownTags: false,
    schema: "core",
    strict: true,
    stringKeys: true,
    uniqueKeys: false, // compared pair by pair there; the walker does it in one pass
    version: "1.2"
  })
  const walker = new Walker()
  for (const fault of [...document.errors, ...document.warnings]) {
    const line = fault.message.split("\n", 1)[0] ?? ""
    walker.fault("TEXT_SYNTAX", `${line.replace(/[.:]+$/, "")}.`, fault.pos[0])
  }
  const anchors = new Map<string, Node>()
  const value = walker.faults.length > 0 ? null : walker.value(document.contents, "", 0, anchors)
  return { value, offsets: walker.offsets, faults: walker.faults }
}

class Walker {
  readonly offsets = new Map<string, number>()
  readonly faults: Array<YamlFault> = []
  pointerChars = 0
  aliased = 0
  inAlias = 0

  fault(code: YamlFault["code"], message: string, offset: number): void {
    this.faults.push({ code, message, offset })
  }

  /** The first place that is told stays: a member's is that of its key. */
  place(pointer: string, offset: number): void {
    this.pointerChars += pointer.length
    if (this.pointerChars <= pointerCharsMax && !this.offsets.has(pointer)) this.offsets.set(pointer, offset)
  }

  value(node: Node | null, pointer: string, depth: number, anchors: Map<string, Node>): Json {
    const offset = node?.range?.[0] ?? 0
    if (this.inAlias === 0) this.place(pointer, offset)
    if (node === null || this.faults.some((_) => _.code === "TOO_MANY_ALIASES")) return null
    if (depth > depthMax) {
      this.fault("TOO_MANY_ALIASES", `Nesting is deeper than ${depthMax}, or an alias contains itself.`, offset)
      return null
    }
    if (this.inAlias > 0 && ++this.aliased > aliasedValuesMax) {
      this.fault("TOO_MANY_ALIASES", `Aliases expand to more than ${aliasedValuesMax} values.`, offset)
      return null
    }
    if (isAlias(node)) return this.alias(node.source, offset, pointer, depth, anchors)
    if ("anchor" in node && typeof node.anchor === "string") anchors.set(node.anchor, node)
    if (isScalar(node)) return this.scalar(node, offset)
    if (isSeq(node)) {
      return node.items.map((item, index) => this.value(item as Node | null, `${pointer}/${index}`, depth + 1, anchors))
    }
    if (!isMap(node)) return null
    const object: Record<string, Json> = {}
    for (const pair of node.items) {
      const key = isScalar(pair.key) ? String(pair.key.value) : ""
      const start = isScalar(pair.key) ? pair.key.range?.[0] ?? offset : offset
      if (Object.hasOwn(object, key)) {
        this.fault("DUPLICATE_KEY", `The key '${key.slice(0, 64)}' is there twice.`, start)
      }
      const member = `${pointer}/${escape(key)}`
      if (this.inAlias === 0) this.place(member, start)
      put(object, key, this.value(pair.value as Node | null, member, depth + 1, anchors))
    }
    return object
  }

  alias(name: string, offset: number, pointer: string, depth: number, anchors: Map<string, Node>): Json {
    const target = anchors.get(name)
    if (target === undefined) {
      this.fault("TEXT_SYNTAX", `There is no anchor '${name.slice(0, 64)}' before this alias.`, offset)
      return null
    }
    this.inAlias++
    const value = this.value(target, pointer, depth + 1, anchors)
    this.inAlias--
    return value
  }

  scalar(node: Scalar, offset: number): Json {
    const { value } = node
    if (value === null || typeof value === "string" || typeof value === "boolean") return value
    if (typeof value === "number" && isExact(node.source ?? "", value)) return value
    this.fault("NOT_JSON", "The number does not fit a double; put it in quotes.", offset)
    return 0
  }
}
