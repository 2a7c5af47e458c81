/**
 * JSON that every store can keep (SEMANTICS 8.15): no NUL, no lone surrogates, depth at most {@link depthMax}, numbers that
 * are finite. What a model answered is repaired, and each kind of repair is a warning.
 */
import type { Json } from "@baton/kernel/Value"

/** Nested arrays and objects, the outermost included. */
export const depthMax = 128

export interface Clean {
  readonly value: Json
  /** One line per kind of repair; empty when nothing was wrong. */
  readonly repairs: ReadonlyArray<string>
}

export const clean = (value: Json): Clean => {
  const repairs = new Set<string>()
  const cleaned = visit(value, 1, repairs)
  return { value: repairs.size === 0 ? value : cleaned, repairs: [...repairs] }
}

/** The same rules for plain text. */
export const cleanText = (text: string): { readonly text: string; readonly repairs: ReadonlyArray<string> } => {
  const repairs = new Set<string>()
  return { text: cleanString(text, repairs), repairs: [...repairs] }
}

const visit = (value: Json, depth: number, repairs: Set<string>): Json => {
  if (typeof value === "string") return cleanString(value, repairs)
  if (typeof value === "number") {
    if (Number.isFinite(value)) return value
    repairs.add("a number too large for a double became null")
    return null
  }
  if (value === null || typeof value !== "object") return value
  if (depth > depthMax) {
    repairs.add(`nesting deeper than ${depthMax} levels became null`)
    return null
  }
  if (Array.isArray(value)) return value.map((item) => visit(item, depth + 1, repairs))
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [cleanString(key, repairs), visit(member, depth + 1, repairs)])
  )
}

const cleanString = (text: string, repairs: Set<string>): string => {
  let cleaned = text
  if (cleaned.includes("\0")) {
    repairs.add("NUL characters were removed")
    cleaned = cleaned.replaceAll("\0", "")
  }
  if (!cleaned.isWellFormed()) {
    repairs.add("broken Unicode (a lone surrogate) was replaced")
    cleaned = cleaned.toWellFormed()
  }
  return cleaned
}
