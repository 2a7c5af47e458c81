/**
 * What the host's `JSON.parse` takes without a word and changes: a number that no double holds, a key that is there twice.
 * The check reads the text once; the strict reader, which knows the place, is asked only when there is something to say.
 */
import * as JsonText from "./JsonText.ts"
import type { Json } from "./Value.ts"

export interface Loss {
  readonly message: string
  /** Counted from 1. */
  readonly line: number
  readonly column: number
}

/** The first thing that `value`, parsed from `text`, lost; `undefined` when it says what the text says. */
export const find = (text: string, value: Json): Loss | undefined => {
  if (isKept(text, value)) return undefined
  const [fault] = JsonText.read(text).faults
  if (fault === undefined) return undefined
  const before = text.slice(0, fault.offset)
  const lineStart = before.lastIndexOf("\n") + 1
  return { message: fault.message, line: before.split("\n").length, column: fault.offset - lineStart + 1 }
}

/** Digits up to which every whole number is a double. */
const exactDigits = 15

const isKept = (text: string, value: Json): boolean => {
  let members = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x22) at = afterString(text, at)
    else if (code === 0x3a) members++
    else if (code >= 0x30 && code <= 0x39) {
      const start = at
      while (isNumberPart(text.charCodeAt(at + 1))) at++
      const source = text.slice(start, at + 1)
      const number = Number(source)
      const isPlain = source.length <= exactDigits && number !== 0 && Number.isFinite(number)
      if (!isPlain && !JsonText.isExact(source, number)) return false
    }
  }
  return members === membersOf(value)
}

/** The place of the closing quote. */
const afterString = (text: string, open: number): number => {
  let at = open + 1
  for (let code = text.charCodeAt(at); at < text.length && code !== 0x22; code = text.charCodeAt(++at)) {
    if (code === 0x5c) at++
  }
  return at
}

const isNumberPart = (code: number): boolean =>
  (code >= 0x30 && code <= 0x39) || code === 0x2e || code === 0x65 || code === 0x45 || code === 0x2b || code === 0x2d

/** Members of all objects. The walk is a loop, so that depth cannot overflow the stack. */
const membersOf = (root: Json): number => {
  const stack: Array<Json> = [root]
  let members = 0
  for (let value = stack.pop(); value !== undefined; value = stack.pop()) {
    if (typeof value !== "object" || value === null) continue
    const inside = Array.isArray(value) ? value : Object.values(value)
    if (!Array.isArray(value)) members += inside.length
    for (const one of inside) if (typeof one === "object" && one !== null) stack.push(one)
  }
  return members
}
