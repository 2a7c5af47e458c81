/**
 * The text of a flow, YAML 1.2 or strict JSON, to data and a map from JSON pointers to lines. Hostile text never throws:
 * the size is limited before anything is read, and so are depth, aliases and what they expand to. Tags and merge keys are
 * refused, so that one text means one document everywhere.
 */
import * as JsonText from "./JsonText.ts"
import { type Code, codes, type Problem } from "./Problem.ts"
import type { Json } from "./Value.ts"
import * as YamlText from "./YamlText.ts"

/** Longest text, in UTF-16 units: 1 Mi. */
export const textMax = 1024 * 1024
export interface Position {
  readonly line: number
  readonly column: number
}

export interface FlowText {
  /** What the text says; `null` where it could not be read. */
  readonly data: Json
  /** 1-based place of the value at a pointer, or of the nearest one above it. */
  readonly position: (pointer: string) => Position | undefined
  readonly problems: ReadonlyArray<Problem>
}

/** Reads the text of a flow. `.json` files are JSON; anything else is JSON if it can be read as such, and YAML otherwise. */
export const parse = (text: string, filename = ""): FlowText => {
  if (text.length > textMax) {
    const message = `The text has ${text.length} characters, more than ${textMax}.`
    return { data: null, position: () => undefined, problems: [problem("TEXT_TOO_LARGE", message, undefined)] }
  }
  const body = text.startsWith("\uFEFF") ? ` ${text.slice(1)}` : text
  const lines = new Lines(body)
  if (/\.json$/i.test(filename)) return fromJson(body, lines)
  if (/^\s*[{[]/.test(body) && !/\.ya?ml$/i.test(filename)) {
    const json = fromJson(body, lines)
    if (json.problems.every((_) => _.code !== "TEXT_SYNTAX")) return json
  }
  return fromYaml(body, lines)
}

/** Turns offsets into lines and columns. */
class Lines {
  readonly starts: Array<number> = [0]
  constructor(text: string) {
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", at + 1)) this.starts.push(at + 1)
  }

  at(offset: number): Position {
    let low = 0
    let high = this.starts.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((this.starts[middle] ?? 0) <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - (this.starts[low] ?? 0) + 1 }
  }
}

const problem = (code: Code, message: string, position: Position | undefined, pointer = ""): Problem => ({
  code,
  severity: codes[code][0],
  pointer,
  ...position,
  message
})

const positions = (offsets: ReadonlyMap<string, number>, lines: Lines) => (pointer: string): Position | undefined => {
  for (let at = pointer;; at = at.slice(0, at.lastIndexOf("/"))) {
    const offset = offsets.get(at)
    if (offset !== undefined) return lines.at(offset)
    if (at === "") return undefined
  }
}

const fromJson = (text: string, lines: Lines): FlowText => {
  const { faults, offsets, value } = JsonText.read(text)
  return {
    data: value,
    position: positions(offsets, lines),
    problems: faults.map((fault) => problem(fault.code, fault.message, lines.at(fault.offset)))
  }
}

const fromYaml = (text: string, lines: Lines): FlowText => {
  const failed = (problems: ReadonlyArray<Problem>): FlowText => ({ data: null, position: () => undefined, problems })
  try {
    const refused = YamlText.guard(text)
    if (refused !== undefined) return failed([problem(refused.code, refused.message, lines.at(refused.offset))])
    const read = YamlText.read(text)
    return {
      data: read.faults.some((_) => unreadable.has(_.code)) ? null : read.value,
      position: positions(read.offsets, lines),
      problems: read.faults.slice(0, 50).map((fault) => problem(fault.code, fault.message, lines.at(fault.offset)))
    }
  } catch {
    return failed([problem("TEXT_SYNTAX", "The YAML text cannot be read.", undefined)])
  }
}

/** After these faults what was read is not worth compiling. */
const unreadable: ReadonlySet<string> = new Set(["TEXT_SYNTAX", "TOO_MANY_ALIASES"])
