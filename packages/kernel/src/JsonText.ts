/**
 * Strict JSON text (RFC 8259) with the place of every member. Unlike the host's reader it refuses duplicate keys, numbers
 * that would change their value, and deep nesting, and it never throws.
 */
import { put } from "./ExpressionMeter.ts"
import type { Json } from "./Value.ts"

export interface TextFault {
  readonly code: "TEXT_SYNTAX" | "DUPLICATE_KEY" | "NOT_JSON"
  readonly message: string
  readonly offset: number
}

export interface ReadText {
  readonly value: Json
  /** Offset in the text of each value, by JSON pointer: of its key in an object. Of a huge text only the first are kept. */
  readonly offsets: ReadonlyMap<string, number>
  readonly faults: ReadonlyArray<TextFault>
}

export const depthMax = 128

/**
 * Characters of all pointers whose places are kept. A long key is part of the pointer of everything below it: without a
 * bound a text of a hundred kilobytes would take its reader gigabytes to keep.
 */
export const pointerCharsMax = 8 * 1024 * 1024

class Stop extends Error {
  readonly fault: TextFault
  constructor(fault: TextFault) {
    super(fault.message)
    this.fault = fault
  }
}

export const read = (text: string): ReadText => {
  const reader = new Reader(text)
  try {
    const value = reader.value("", 0)
    reader.space()
    if (reader.at < text.length) throw reader.stop("There is text after the JSON value.")
    return { value, offsets: reader.offsets, faults: reader.faults }
  } catch (cause) {
    const fault: TextFault = cause instanceof Stop
      ? cause.fault
      : { code: "TEXT_SYNTAX", message: "The JSON text cannot be read.", offset: reader.at }
    return { value: null, offsets: reader.offsets, faults: [...reader.faults, fault] }
  }
}

/** A number other than 0, so little that it would become 0. */
const isLostToZero = (source: string, value: number): boolean => value === 0 && /^[^eE]*[1-9]/.test(source)

/**
 * A whole number that a double cannot hold would silently become another one, and a very small one nothing; what a double
 * is written as is kept.
 */
export const isExact = (source: string, value: number): boolean =>
  Number.isFinite(value) && !isLostToZero(source, value) &&
  (!/^[+-]?\d+$/.test(source) || Number.isSafeInteger(value) || String(value) === source)

export const escape = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1")

class Reader {
  readonly text: string
  readonly offsets = new Map<string, number>()
  readonly faults: Array<TextFault> = []
  #pointerChars = 0
  at = 0
  constructor(text: string) {
    this.text = text
  }

  stop(message: string): Stop {
    return new Stop({ code: "TEXT_SYNTAX", message, offset: this.at })
  }

  /** A pointer is spelled out when it is looked up, so its length alone is asked first. The key's place is the first told. */
  place(pointer: string, offset: number): void {
    this.#pointerChars += pointer.length
    if (this.#pointerChars <= pointerCharsMax && !this.offsets.has(pointer)) this.offsets.set(pointer, offset)
  }

  space(): void {
    while (this.at < this.text.length && " \t\n\r".includes(this.text[this.at] ?? "")) this.at++
  }

  value(pointer: string, depth: number): Json {
    this.space()
    this.place(pointer, this.at)
    const first = this.text[this.at]
    if (first === "{" || first === "[") {
      if (depth >= depthMax) throw this.stop(`Nesting is deeper than ${depthMax}.`)
      return first === "{" ? this.object(pointer, depth) : this.list(pointer, depth)
    }
    if (first === "\"") return this.string()
    for (const [word, value] of [["true", true], ["false", false], ["null", null]] as const) {
      if (!this.text.startsWith(word, this.at)) continue
      this.at += word.length
      return value
    }
    return this.number()
  }

  number(): number {
    const match = /^-?(?:0|[1-9]\d{0,400})(?:\.\d{1,400})?(?:[eE][+-]?\d{1,5})?/.exec(
      this.text.slice(this.at, this.at + 1000)
    )
    if (match === null) {
      throw this.stop(this.at >= this.text.length ? "The JSON text ends too early." : "A value is expected.")
    }
    const value = Number(match[0])
    if (!isExact(match[0], value)) {
      const message = "The number does not fit a double; put it in quotes."
      this.faults.push({ code: "NOT_JSON", message, offset: this.at })
    }
    this.at += match[0].length
    return Number.isFinite(value) ? value : 0
  }

  string(): string {
    const start = this.at
    this.at++
    for (; this.at < this.text.length; this.at++) {
      const character = this.text[this.at]
      if (character === "\\") this.at++
      else if (character === "\"") {
        this.at++
        try {
          const value: unknown = JSON.parse(this.text.slice(start, this.at))
          return String(value)
        } catch {
          this.at = start
          throw this.stop("The string is not valid JSON.")
        }
      }
    }
    this.at = start
    throw this.stop("The string is not closed.")
  }

  list(pointer: string, depth: number): Json {
    const items: Array<Json> = []
    this.at++
    this.space()
    if (this.take("]")) return items
    do items.push(this.value(`${pointer}/${items.length}`, depth + 1))
    while (this.next("]"))
    return items
  }

  object(pointer: string, depth: number): Json {
    const object: Record<string, Json> = {}
    this.at++
    this.space()
    if (this.take("}")) return object
    do {
      this.space()
      const offset = this.at
      if (this.text[offset] !== "\"") throw this.stop("A key in double quotes is expected.")
      const key = this.string()
      if (Object.hasOwn(object, key)) {
        this.faults.push({ code: "DUPLICATE_KEY", message: `The key '${key.slice(0, 64)}' is there twice.`, offset })
      }
      this.space()
      if (!this.take(":")) throw this.stop("A colon is expected.")
      const member = `${pointer}/${escape(key)}`
      this.place(member, offset)
      put(object, key, this.value(member, depth + 1))
    } while (this.next("}"))
    return object
  }

  take(character: string): boolean {
    if (this.text[this.at] !== character) return false
    this.at++
    return true
  }

  /** True after a comma, false after the closing character. */
  next(close: string): boolean {
    this.space()
    if (this.take(",")) return true
    if (this.take(close)) return false
    throw this.stop(`A comma or ${close} is expected.`)
  }
}
