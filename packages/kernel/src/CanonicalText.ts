/**
 * One text for one JSON value: members in the order of their UTF-16 names, no white space, numbers and strings as
 * `JSON.stringify` writes them (RFC 8785). Members whose value is `undefined` are left out. Expects JSON: depth and odd
 * strings are refused where documents come in.
 */
import * as Sha256 from "./Sha256.ts"

export const text = (json: unknown): string => write(json, text)

const write = (json: unknown, inner: (json: unknown) => string): string => {
  if (json === null || typeof json !== "object") return JSON.stringify(json) ?? "null"
  if (Array.isArray(json)) return `[${json.map(inner).join(",")}]`
  const members = Object.entries(json)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${members.map(([key, value]) => `${JSON.stringify(key)}:${inner(value)}`).join(",")}}`
}

const known = new WeakMap<object, string>()

/** Nodes and edges are never changed in place: from one revision to the next most of them are the same objects. */
const remembered = (json: unknown): string => {
  if (typeof json !== "object" || json === null) return text(json)
  const found = known.get(json)
  if (found !== undefined) return found
  const made = text(json)
  known.set(json, made)
  return made
}

/** As `text`, for documents that differ in a few nodes and edges: the others are written once. */
export const documentText = (document: object): string =>
  write(document, (part) => Array.isArray(part) ? `[${part.map(remembered).join(",")}]` : text(part))

/** The address of a document's canonical text: `sha256:` and 64 lower-case hex digits. */
export const address = (document: object): string => `sha256:${Sha256.hex(documentText(document))}`
