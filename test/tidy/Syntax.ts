/** Parses TypeScript and walks it. Guards look at syntax, so that a comment or a string never trips them. */
import { parseSync } from "oxc-parser"
import type { SourceFile } from "./Finding.ts"

export interface AstNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [key: string]: unknown
}

export interface Import {
  readonly specifier: string
  readonly line: number
  /** `type` imports leave no trace at run time. */
  readonly kind: "value" | "type" | "dynamic"
  /** `export * from` or an import of a whole package entry. */
  readonly star: boolean
}

export interface Tree {
  readonly program: AstNode
  readonly comments: ReadonlyArray<{ readonly value: string; readonly start: number }>
  readonly lineAt: (offset: number) => number
}

const isNode = (value: unknown): value is AstNode =>
  typeof value === "object" && value !== null && typeof (value as { type?: unknown }).type === "string"

export const parse = (file: SourceFile): Tree => {
  const { comments, errors, program } = parseSync(file.path, file.text)
  const first = errors[0]
  if (first !== undefined) throw new Error(`${file.path}: ${first.message}`)
  const starts = [0]
  for (let at = file.text.indexOf("\n"); at >= 0; at = file.text.indexOf("\n", at + 1)) starts.push(at + 1)
  const lineAt = (offset: number): number => {
    let low = 0
    let high = starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return low + 1
  }
  return { program: program as unknown as AstNode, comments, lineAt }
}

/** Calls `visit` for every node, parents first. */
export const walk = (root: AstNode, visit: (node: AstNode) => void): void => {
  const open: Array<AstNode> = [root]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    visit(node)
    for (const child of Object.values(node)) {
      if (Array.isArray(child)) { for (const item of child) if (isNode(item)) open.push(item) }
      else if (isNode(child)) open.push(child)
    }
  }
}

/** `Date.now` for a member expression, `fetch` for an identifier, undefined for anything computed. */
export const nameOf = (node: unknown): string | undefined => {
  if (!isNode(node)) return undefined
  if (node.type === "Identifier") return node["name"] as string
  if (node.type !== "MemberExpression" || node["computed"] === true) return undefined
  const object = nameOf(node["object"])
  const property = nameOf(node["property"])
  return object === undefined || property === undefined ? undefined : `${object}.${property}`
}

const specifierOf = (source: unknown): string | undefined =>
  isNode(source) && source.type === "Literal" && typeof source["value"] === "string" ? source["value"] : undefined

export const imports = (tree: Tree): ReadonlyArray<Import> => {
  const found: Array<Import> = []
  const add = (node: AstNode, source: unknown, kind: Import["kind"], star = false) => {
    found.push({ specifier: specifierOf(source) ?? "", line: tree.lineAt(node.start), kind, star })
  }
  walk(tree.program, (node) => {
    const typeOnly = node["importKind"] === "type" || node["exportKind"] === "type"
    if (node.type === "ImportDeclaration") add(node, node["source"], typeOnly ? "type" : "value")
    if (node.type === "ExportNamedDeclaration" && isNode(node["source"])) {
      add(node, node["source"], typeOnly ? "type" : "value")
    }
    if (node.type === "ExportAllDeclaration") {
      add(node, node["source"], typeOnly ? "type" : "value", node["exported"] === null)
    }
    if (node.type === "ImportExpression") add(node, node["source"], "dynamic")
    if (node.type === "TSImportType") add(node, node["source"] ?? node["argument"], "type")
  })
  return found
}
