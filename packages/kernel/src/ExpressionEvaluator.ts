/**
 * Runs expression trees. Each node becomes a function once; an evaluation is a call with a fresh frame, whose meter bounds it.
 * Errors follow CEL: `&&`, `||`, `all` and `exists` absorb an error of one side when another side decides.
 */
import { call, compare } from "./ExpressionFunctions.ts"
import {
  absent,
  asBoolean,
  asNumber,
  asText,
  equal,
  Fault,
  finite,
  isFields,
  isList,
  type Meter,
  type Operand,
  Optional,
  plain,
  put,
  typeOf,
  weigh
} from "./ExpressionMeter.ts"
import { type BinaryOperator, children, type Tree } from "./ExpressionTree.ts"
import type { Json } from "./Value.ts"

export type Roots = { readonly [root: string]: Json | undefined }

interface Frame {
  readonly roots: Roots
  readonly locals: Array<Operand>
  readonly meter: Meter
}
type Code = (frame: Frame) => Operand

export interface Program {
  /** Runs the program; `undefined` is an absent optional. Throws {@link Fault} only. */
  readonly run: (roots: Roots, meter: Meter) => Json | undefined
}

/** Makes a tree ready to run. */
export const program = (tree: Tree): Program => {
  const code = translate(tree)
  const weight = weightOf(tree)
  const reference = isAccess(tree)
  return {
    run: (roots, meter) => {
      try {
        meter.run(weight)
        const operand = code({ roots, locals: [], meter })
        const value = operand instanceof Optional ? operand.value : operand
        if (value !== undefined && !reference) weigh(value, meter)
        return value
      } catch (cause) {
        if (cause instanceof Fault) throw cause
        throw new Fault(
          cause instanceof RangeError ? "The values are too large or too deep." : "The expression failed.",
          true
        )
      }
    }
  }
}

/** Reads of stored data give parts of it as they are, so their size need not be checked again. */
const isAccess = (tree: Tree): boolean =>
  tree.op === "root" || ((tree.op === "member" || tree.op === "index") && isAccess(tree.from))

const translate = (tree: Tree): Code => {
  const code = translations[tree.op](tree as never)
  return (frame) => {
    try {
      return code(frame)
    } catch (cause) {
      if (cause instanceof Fault && cause.at === undefined) cause.at = tree.at
      throw cause
    }
  }
}

type Of<Op extends Tree["op"]> = Extract<Tree, { readonly op: Op }>
type Translation<Op extends Tree["op"]> = (tree: Of<Op>) => Code

const member = (from: Operand, key: string, optional: boolean): Operand => {
  if (from instanceof Optional) {
    if (from.value === undefined) return absent
    return asOptional(member(from.value, key, true))
  }
  if (optional && from === null) return absent
  if (!isFields(from)) throw new Fault(`${typeOf(from)} has no member '${key}'.`)
  if (!Object.hasOwn(from, key)) {
    if (optional) return absent
    throw new Fault(`There is no member '${key}'.`)
  }
  const value = from[key] ?? null
  return optional ? new Optional(value) : value
}

const asOptional = (value: Operand): Optional => value instanceof Optional ? value : new Optional(value)

const at = (from: Operand, key: Operand, optional: boolean, meter: Meter): Operand => {
  if (from instanceof Optional) return from.value === undefined ? absent : asOptional(at(from.value, key, true, meter))
  if (typeof key === "string") {
    meter.read(key.length)
    return member(from, key, optional)
  }
  if (optional && from === null) return absent
  if (!isList(from)) throw new Fault(`${typeOf(from)} cannot be indexed by ${typeOf(key)}.`)
  const position = asNumber(key, "An index")
  if (!Number.isInteger(position)) throw new Fault(`An index needs a whole number, got ${position}.`)
  if (position < 0 || position >= from.length) {
    if (optional) return absent
    throw new Fault(`Index ${position} is outside a list of ${from.length}.`)
  }
  const value = from[position] ?? null
  return optional ? new Optional(value) : value
}

/** `true`, `false`, or the fault of an operand that another one may still absorb. */
const attempt = (code: Code, frame: Frame): boolean | Fault => {
  try {
    const value = code(frame)
    if (typeof value === "boolean") return value
    return new Fault(`A bool is needed, got ${typeOf(value)}.`)
  } catch (cause) {
    if (cause instanceof Fault && !cause.limit) return cause
    throw cause
  }
}

const logical = (left: Tree, right: Tree, deciding: boolean): Code => {
  const [first, second] = [translate(left), translate(right)]
  return (frame) => {
    const before = attempt(first, frame)
    if (before === deciding) return deciding
    const after = attempt(second, frame)
    if (after === deciding) return deciding
    if (before instanceof Fault) throw before
    if (after instanceof Fault) throw after
    return !deciding
  }
}

const add = (left: Operand, right: Operand, meter: Meter): Operand => {
  if (typeof left === "number" && typeof right === "number") return finite(left + right, "+")
  if (typeof left === "string" && typeof right === "string") {
    meter.read(left.length + right.length)
    return left + right
  }
  if (isList(left) && isList(right)) {
    meter.visit(left.length + right.length)
    return [...left, ...right]
  }
  const hint = typeof left === "string" || typeof right === "string"
    ? " Use string(…) to make text of the other side."
    : ""
  throw new Fault(`${typeOf(left)} + ${typeOf(right)} is not defined.${hint}`)
}

const within = (value: Operand, set: Operand, meter: Meter): boolean => {
  if (isFields(set)) return Object.hasOwn(set, asText(value, "A map's key"))
  if (!isList(set)) throw new Fault(`in needs a list or a map on its right, got ${typeOf(set)}.`)
  const sought = plain(value)
  meter.visit(set.length)
  return set.some((item) => equal(item, sought, meter))
}

const nonZero = (value: number): number => {
  if (value === 0) throw new Fault("Division by zero.")
  return value
}

const arithmetic =
  (compute: (left: number, right: number) => number, sign: string) => (left: Operand, right: Operand) =>
    finite(compute(asNumber(left, sign), asNumber(right, sign)), sign)

const sameOperand = (left: Operand, right: Operand, meter: Meter): boolean => {
  if (left instanceof Optional && right instanceof Optional) {
    if (left.value === undefined || right.value === undefined) return left.value === right.value
    return equal(left.value, right.value, meter)
  }
  return equal(plain(left), plain(right), meter)
}

const binaries: { readonly [sign in BinaryOperator]: (left: Operand, right: Operand, meter: Meter) => Operand } = {
  "==": sameOperand,
  "!=": (left, right, meter) => !sameOperand(left, right, meter),
  "<": (left, right, meter) => compare(left, right, meter) < 0,
  "<=": (left, right, meter) => compare(left, right, meter) <= 0,
  ">": (left, right, meter) => compare(left, right, meter) > 0,
  ">=": (left, right, meter) => compare(left, right, meter) >= 0,
  "+": add,
  "-": arithmetic((left, right) => left - right, "-"),
  "*": arithmetic((left, right) => left * right, "*"),
  "/": arithmetic((left, right) => left / nonZero(right), "/"),
  "%": arithmetic((left, right) => left % nonZero(right), "%"),
  "in": within
}

const items = (over: Operand, meter: Meter): ReadonlyArray<Json> => {
  if (isList(over)) return over
  if (isFields(over)) {
    const keys = Object.keys(over)
    meter.visit(keys.length)
    return keys
  }
  throw new Fault(`A comprehension needs a list or a map, got ${typeOf(over)}.`)
}

/** Walks a comprehension's list, charging the meter before each element; `visit` answers true to stop. */
const walker = (tree: Of<"each">): (frame: Frame, visit: (item: Json) => boolean) => void => {
  const over = translate(tree.over)
  const weight = 1 + weightOf(tree.body) + (tree.filter === undefined ? 0 : weightOf(tree.filter))
  return (frame, visit) => {
    for (const item of items(over(frame), frame.meter)) {
      frame.meter.visit(1)
      frame.meter.run(weight)
      frame.locals[tree.slot] = item
      if (visit(item)) return
    }
  }
}

/** `map` and `filter`. */
const collect = (tree: Of<"each">): Code => {
  const walk = walker(tree)
  const body = translate(tree.body)
  const test = tree.kind === "filter" ? body : tree.filter && translate(tree.filter)
  const what = `The condition of ${tree.kind}()`
  return (frame) => {
    const kept: Array<Json> = []
    walk(frame, (item) => {
      if (test !== undefined && !asBoolean(test(frame), what)) return false
      kept.push(tree.kind === "filter" ? item : listItem(body(frame)))
      return false
    })
    return kept
  }
}

/** `all` and `exists`: one deciding element absorbs the errors of others. */
const quantify = (tree: Of<"each">, deciding: boolean): Code => {
  const walk = walker(tree)
  const body = translate(tree.body)
  return (frame) => {
    let fault: Fault | undefined
    let decided = false
    walk(frame, () => {
      const answer = attempt(body, frame)
      if (answer instanceof Fault) fault = answer
      else if (answer === deciding) decided = true
      return decided
    })
    if (decided) return deciding
    if (fault !== undefined) throw fault
    return !deciding
  }
}

const single = (tree: Of<"each">): Code => {
  const walk = walker(tree)
  const body = translate(tree.body)
  return (frame) => {
    let count = 0
    walk(frame, () => {
      if (asBoolean(body(frame), "The condition of exists_one()")) count++
      return false
    })
    return count === 1
  }
}

/** In a list an absent value is null. */
const listItem = (value: Operand): Json => value instanceof Optional ? value.value ?? null : value

const list: Translation<"list"> = (tree) => {
  const codes = tree.items.map(translate)
  return (frame) => codes.map((code) => listItem(code(frame)))
}

/** An absent value leaves its key out. */
const map: Translation<"map"> = (tree) => {
  const codes = tree.entries.map(([key, value]) => [translate(key), translate(value)] as const)
  return (frame) => {
    const result: Record<string, Json> = {}
    for (const [key, value] of codes) {
      const name = asText(key(frame), "A map's key")
      const operand = value(frame)
      const settled = operand instanceof Optional ? operand.value : operand
      if (settled !== undefined) put(result, name, settled)
    }
    return result
  }
}

const root: Translation<"root"> = ({ name }) => (frame) => {
  const value = Object.hasOwn(frame.roots, name) ? frame.roots[name] : undefined
  if (value === undefined) throw new Fault(`There is no '${name}' here.`)
  return value
}

const has: Translation<"has"> = ({ of }) => {
  if (of.op !== "member" && of.op !== "index") return () => true
  const code = translate({ ...of, optional: true })
  return (frame) => asOptional(code(frame)).value !== undefined
}

const each: Translation<"each"> = (tree) => {
  if (tree.kind === "map" || tree.kind === "filter") return collect(tree)
  return tree.kind === "exists_one" ? single(tree) : quantify(tree, tree.kind === "exists")
}

const translations: { readonly [Op in Tree["op"]]: Translation<Op> } = {
  value: ({ value }) => () => value,
  root,
  local: ({ slot }) => (frame) => frame.locals[slot] ?? null,
  member: (tree) => {
    const from = translate(tree.from)
    return (frame) => member(from(frame), tree.key, tree.optional)
  },
  index: (tree) => {
    const [from, key] = [translate(tree.from), translate(tree.key)]
    return (frame) => at(from(frame), key(frame), tree.optional, frame.meter)
  },
  list,
  map,
  not: ({ value }) => {
    const code = translate(value)
    return (frame) => !asBoolean(code(frame), "!")
  },
  negate: ({ value }) => {
    const code = translate(value)
    return (frame) => 0 - asNumber(code(frame), "-")
  },
  and: ({ left, right }) => logical(left, right, false),
  or: ({ left, right }) => logical(left, right, true),
  binary: ({ left, operator, right }) => {
    const [first, second, compute] = [translate(left), translate(right), binaries[operator]]
    return (frame) => compute(first(frame), second(frame), frame.meter)
  },
  if: (tree) => {
    const [test, yes, no] = [translate(tree.test), translate(tree.yes), translate(tree.no)]
    return (frame) => asBoolean(test(frame), "The condition of ? :") ? yes(frame) : no(frame)
  },
  has,
  each,
  bind: ({ body, slot, value }) => {
    const [bound, code] = [translate(value), translate(body)]
    return (frame) => {
      frame.locals[slot] = bound(frame)
      return code(frame)
    }
  },
  call: ({ args, name }) => {
    const codes = args.map(translate)
    return (frame) => call(name, codes.map((code) => code(frame)), frame.meter)
  }
}

/** Steps that making an object takes beside those of its parts. */
const objectWeight = 8

/** How many steps one evaluation of the tree takes, loops counted once. */
const weightOf = (tree: Tree): number =>
  (tree.op === "map" ? objectWeight : 1) + children(tree).reduce((sum, child) => sum + weightOf(child), 0)
