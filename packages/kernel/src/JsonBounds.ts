/**
 * What comes in from outside is checked here before anything walks it: plain JSON, not too deep, not too wide, and without
 * the characters that some stores refuse (SEMANTICS 8.15). The walk is a loop, so that depth cannot overflow the stack.
 */

export interface Bounds {
  /** Deepest nesting; a scalar has depth 0. */
  readonly depthMax: number
  /** Most values of all kinds, keys not counted. */
  readonly valuesMax: number
  /** Most text, keys included, in UTF-16 units. */
  readonly textMax: number
}

export const defaultBounds: Bounds = { depthMax: 128, valuesMax: 2_000_000, textMax: 64 * 1024 * 1024 }

export interface Violation {
  /** JSON pointer of the offending value. */
  readonly pointer: string
  readonly message: string
}

interface Visit {
  readonly value: unknown
  readonly depth: number
  readonly parent: Visit | undefined
  readonly key: string
}

/** The first violation, or `undefined` when the value is JSON within the bounds. */
export const check = (root: unknown, bounds: Bounds = defaultBounds): Violation | undefined => {
  const stack: Array<Visit> = [{ value: root, depth: 0, parent: undefined, key: "" }]
  let values = 0
  let text = 0
  for (let visit = stack.pop(); visit !== undefined; visit = stack.pop()) {
    if (++values > bounds.valuesMax) return violation(visit, `There are more than ${bounds.valuesMax} values.`)
    const { value } = visit
    if (typeof value === "string") {
      text += value.length
      const fault = textFault(value)
      if (fault !== undefined) return violation(visit, `The text ${fault}.`)
    } else if (typeof value === "object" && value !== null) {
      if (visit.depth >= bounds.depthMax) return violation(visit, `Nesting is deeper than ${bounds.depthMax}.`)
      const fault = Array.isArray(value) ? pushItems(value, visit, stack, bounds) : pushFields(value, visit, stack)
      if (typeof fault === "string") return violation(visit, fault)
      text += fault
    } else if (!isScalar(value)) return violation(visit, `${describe(value)} is not JSON.`)
    if (text > bounds.textMax) return violation(visit, `There is more text than ${bounds.textMax} characters.`)
  }
  return undefined
}

const isScalar = (value: unknown): boolean =>
  value === null || typeof value === "boolean" || (typeof value === "number" && Number.isFinite(value))

const describe = (value: unknown): string => typeof value === "number" ? String(value) : typeof value

const textFault = (text: string): string | undefined => {
  if (text.includes("\0")) return "contains a NUL character"
  return text.isWellFormed() ? undefined : "contains a lone surrogate"
}

const pushItems = (
  list: ReadonlyArray<unknown>,
  parent: Visit,
  stack: Array<Visit>,
  bounds: Bounds
): string | number => {
  if (list.length > bounds.valuesMax) return `The list has more than ${bounds.valuesMax} items.`
  for (let index = list.length - 1; index >= 0; index--) {
    stack.push({ value: list[index], depth: parent.depth + 1, parent, key: String(index) })
  }
  return 0
}

const pushFields = (object: object, parent: Visit, stack: Array<Visit>): string | number => {
  const prototype = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null) return "Only plain objects are JSON."
  let text = 0
  const entries = Object.entries(object)
  for (let index = entries.length - 1; index >= 0; index--) {
    const [key, value] = entries[index] ?? ["", null]
    text += key.length
    const fault = textFault(key)
    if (fault !== undefined) return `A key ${fault}.`
    stack.push({ value, depth: parent.depth + 1, parent, key })
  }
  return text
}

const violation = (visit: Visit, message: string): Violation => {
  const keys: Array<string> = []
  for (let at: Visit | undefined = visit; at?.parent !== undefined; at = at.parent) keys.push(at.key)
  const pointer = keys.toReversed().map((key) => `/${key.slice(0, 64).replaceAll("~", "~0").replaceAll("/", "~1")}`)
  return { pointer: pointer.join(""), message }
}
