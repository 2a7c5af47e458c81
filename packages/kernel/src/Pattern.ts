/**
 * Regular expressions from outside, matched in time proportional to pattern times text.
 *
 * The host's `RegExp` backtracks: `^(a+)+$` against thirty letters stops the process. Patterns that users write (JSON Schema
 * `pattern`, `matches()` in expressions) run here instead, as a set of states that moves over the text once (Thompson 1968).
 * The syntax is ECMA-262's without lookaround and back-references, which such a machine cannot have; those are refused.
 * The host's engine is asked about single characters only, for classes such as `[\w.-]` and `\p{L}`.
 */

/** Longest pattern, in UTF-16 units. */
export const patternMax = 1000
/** Most states of a compiled pattern; counted repetitions are written out. */
export const statesMax = 5000
/** Deepest nesting of groups. */
export const groupsMax = 50
const pieceLimit = 20_000

type Test = (code: number) => boolean

/** One state. `next` is reached when `test` accepts a character; without `test` both ways are open at once. */
interface State {
  test: Test | undefined
  assertion: "start" | "end" | "word" | "inside" | undefined
  next: number
  also: number
}

export interface Compiled {
  readonly states: ReadonlyArray<State>
  readonly start: number
  readonly accept: number
  /** Number of states: what one character may cost. */
  readonly size: number
}

class Refusal extends Error {}

const memory = new Map<string, Compiled | string>()
const memoryMax = 256

/** The pattern ready to run, or a sentence saying why it is refused. */
export const compile = (source: string): Compiled | string => {
  const known = memory.get(source)
  if (known !== undefined) return known
  const made = compileAfresh(source)
  if (memory.size >= memoryMax) memory.clear()
  memory.set(source, made)
  return made
}

const compileAfresh = (source: string): Compiled | string => {
  if (source.length > patternMax) return `The pattern is longer than ${patternMax} characters.`
  try {
    const piece = new Reader(source).read()
    const machine = new Machine()
    const accept = machine.add({ test: undefined, assertion: undefined, next: -1, also: -1 })
    const start = machine.emit(piece, accept)
    return { states: machine.states, start, accept, size: machine.states.length }
  } catch (cause) {
    if (cause instanceof Refusal) return cause.message
    return "The pattern cannot be read."
  }
}

/**
 * Whether the pattern matches anywhere in the text. `undefined` when that would take more than `stepsMax` steps; a step is
 * one state at one character.
 */
export const test = (
  pattern: Compiled,
  text: string,
  stepsMax: number
): { readonly found: boolean; readonly steps: number } | undefined => {
  const { accept, start, states } = pattern
  const marks = new Int32Array(states.length).fill(-1)
  let steps = 0
  let current: Array<number> = []
  let before = -1
  let offset = 0
  while (true) {
    const code = offset < text.length ? text.codePointAt(offset) ?? -1 : -1
    const next: Array<number> = []
    const stack = [...current, start]
    while (stack.length > 0) {
      const at = stack.pop() ?? 0
      if (marks[at] === offset) continue
      marks[at] = offset
      if (++steps > stepsMax) return undefined
      if (at === accept) return { found: true, steps }
      const state = states[at]
      if (state === undefined) continue
      if (state.test !== undefined) {
        if (code >= 0 && state.test(code)) next.push(state.next)
      } else if (state.assertion === undefined || holds(state.assertion, before, code)) {
        if (state.also >= 0) stack.push(state.also)
        if (state.next >= 0) stack.push(state.next)
      }
    }
    if (code < 0) return { found: false, steps }
    offset += code > 0xffff ? 2 : 1
    before = code
    current = next
  }
}

const isWord: Test = (code) =>
  (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122) || code === 95

const holds = (assertion: NonNullable<State["assertion"]>, before: number, after: number): boolean => {
  if (assertion === "start") return before < 0
  if (assertion === "end") return after < 0
  const edge = (before >= 0 && isWord(before)) !== (after >= 0 && isWord(after))
  return assertion === "word" ? edge : !edge
}

type Piece =
  | { readonly kind: "test"; readonly test: Test }
  | { readonly kind: "assertion"; readonly assertion: NonNullable<State["assertion"]> }
  | { readonly kind: "sequence" | "choice"; readonly parts: ReadonlyArray<Piece> }
  | { readonly kind: "repeat"; readonly part: Piece; readonly least: number; readonly most: number }

/** Pieces to states, from the end backwards: `emit(piece, next)` answers where the piece begins. */
class Machine {
  readonly states: Array<State> = []
  emitted = 0

  add(state: State): number {
    if (this.states.length >= statesMax) throw new Refusal(`The pattern has more than ${statesMax} states.`)
    this.states.push(state)
    return this.states.length - 1
  }

  emit(piece: Piece, next: number): number {
    if (++this.emitted > pieceLimit) throw new Refusal("The pattern repeats too much.")
    switch (piece.kind) {
      case "test":
        return this.add({ test: piece.test, assertion: undefined, next, also: -1 })
      case "assertion":
        return this.add({ test: undefined, assertion: piece.assertion, next, also: -1 })
      case "sequence":
        return piece.parts.reduceRight((after, part) => this.emit(part, after), next)
      case "choice":
        return piece.parts.map((part) => this.emit(part, next)).reduceRight((also, start) =>
          this.add({ test: undefined, assertion: undefined, next: start, also })
        )
      case "repeat":
        return this.repeat(piece.part, piece.least, piece.most, next)
    }
  }

  repeat(part: Piece, least: number, most: number, next: number): number {
    let start = next
    if (most === Infinity) {
      const loop = this.add({ test: undefined, assertion: undefined, next: -1, also: next })
      const state = this.states[loop]
      if (state !== undefined) state.next = this.emit(part, loop)
      start = loop
    } else {
      for (let count = least; count < most; count++) {
        start = this.add({ test: undefined, assertion: undefined, next: this.emit(part, start), also: next })
      }
    }
    for (let count = 0; count < least; count++) start = this.emit(part, start)
    return start
  }
}

class Reader {
  readonly source: string
  at = 0
  depth = 0
  constructor(source: string) {
    this.source = source
  }

  read(): Piece {
    const piece = this.choice()
    if (this.at < this.source.length) throw new Refusal(`Unmatched ) at ${this.at} in the pattern.`)
    return piece
  }

  peek(text: string): boolean {
    return this.source.startsWith(text, this.at)
  }

  take(text: string): boolean {
    if (!this.peek(text)) return false
    this.at += text.length
    return true
  }

  choice(): Piece {
    const parts = [this.sequence()]
    while (this.take("|")) parts.push(this.sequence())
    const only = parts[0]
    return parts.length === 1 && only !== undefined ? only : { kind: "choice", parts }
  }

  sequence(): Piece {
    const parts: Array<Piece> = []
    while (this.at < this.source.length && !this.peek("|") && !this.peek(")")) parts.push(this.quantified())
    return { kind: "sequence", parts }
  }

  quantified(): Piece {
    const part = this.atom()
    const range = this.quantifier()
    if (range === undefined) return part
    this.take("?")
    if (range[1] < range[0]) throw new Refusal("A repetition's bounds are out of order.")
    return { kind: "repeat", part, least: range[0], most: range[1] }
  }

  quantifier(): readonly [number, number] | undefined {
    if (this.take("*")) return [0, Infinity]
    if (this.take("+")) return [1, Infinity]
    if (this.take("?")) return [0, 1]
    const counted = /^\{(\d{1,6})(,(\d{0,6}))?\}/.exec(this.source.slice(this.at, this.at + 16))
    if (counted === null) return undefined
    this.at += counted[0].length
    const least = Number(counted[1])
    if (counted[2] === undefined) return [least, least]
    return [least, counted[3] === "" ? Infinity : Number(counted[3])]
  }

  atom(): Piece {
    const code = this.source.codePointAt(this.at) ?? 0
    const character = String.fromCodePoint(code)
    if (character === "(") return this.group()
    if (character === "[") return this.bracket()
    if (character === "\\") return this.escape()
    if (character === "*" || character === "+" || character === "?") {
      throw new Refusal(`Nothing to repeat at ${this.at} in the pattern.`)
    }
    this.at += character.length
    if (character === "^") return { kind: "assertion", assertion: "start" }
    if (character === "$") return { kind: "assertion", assertion: "end" }
    if (character === ".") {
      return { kind: "test", test: (_) => _ !== 10 && _ !== 13 && _ !== 0x2028 && _ !== 0x2029 }
    }
    return { kind: "test", test: (_) => _ === code }
  }

  group(): Piece {
    const start = this.at
    this.at++
    if (this.take("?")) {
      const name = /^<[A-Za-z_][A-Za-z0-9_]{0,63}>/.exec(this.source.slice(this.at, this.at + 66))
      if (name !== null) this.at += name[0].length
      else if (!this.take(":")) throw new Refusal("Lookaround and flags are not supported in patterns.")
    }
    if (++this.depth > groupsMax) throw new Refusal("The pattern's groups are nested too deeply.")
    const piece = this.choice()
    this.depth--
    if (!this.take(")")) throw new Refusal(`Unmatched ( at ${start} in the pattern.`)
    return piece
  }

  bracket(): Piece {
    const start = this.at
    let at = start + 1
    while (at < this.source.length && this.source[at] !== "]") at += this.source[at] === "\\" ? 2 : 1
    if (at >= this.source.length) throw new Refusal(`Unmatched [ at ${start} in the pattern.`)
    this.at = at + 1
    return { kind: "test", test: characterTest(this.source.slice(start, at + 1)) }
  }

  escape(): Piece {
    const rest = this.source.slice(this.at)
    const next = rest[1]
    if (next === undefined) throw new Refusal("The pattern ends in a backslash.")
    if (next === "b" || next === "B") {
      this.at += 2
      return { kind: "assertion", assertion: next === "b" ? "word" : "inside" }
    }
    if (/[1-9k]/.test(next)) throw new Refusal("Back-references are not supported in patterns.")
    const unit = /^\\(?:[pP]\{[^{}]{1,80}\}|u\{[0-9a-fA-F]{1,6}\}|u[0-9a-fA-F]{4}|x[0-9a-fA-F]{2}|c[A-Za-z])/.exec(rest)
    const text = unit === null ? `\\${String.fromCodePoint(rest.codePointAt(1) ?? 0)}` : unit[0]
    this.at += text.length
    return { kind: "test", test: characterTest(text) }
  }
}

/** A test of one character by the host's engine, remembered for ASCII. */
const characterTest = (source: string): Test => {
  const native = nativeTest(source)
  const ascii = new Int8Array(128)
  return (code) => {
    if (code > 127) return native.test(String.fromCodePoint(code))
    const known = ascii[code]
    if (known !== undefined && known !== 0) return known > 0
    const answer = native.test(String.fromCodePoint(code))
    ascii[code] = answer ? 1 : -1
    return answer
  }
}

const nativeTest = (source: string): RegExp => {
  try {
    return new RegExp(`^${source}$`, "u")
  } catch {
    try {
      return new RegExp(`^${source}$`)
    } catch {
      throw new Refusal(`${source} is not a valid part of a pattern.`)
    }
  }
}
