/** One thing that is wrong with a document, located so that a person or a model can mend it. */
import * as Schema from "effect/Schema"
import { closest, distance } from "fastest-levenshtein"

export const Problem = Schema.Struct({
  /** A stable code, such as `UNKNOWN_NODE_TYPE`. */
  code: Schema.String,
  severity: Schema.Literals(["error", "warning"]),
  /** Where in the document as the author wrote it: a JSON pointer (RFC 6901). */
  pointer: Schema.String,
  /** 1-based line and column, where the source is text. */
  line: Schema.optionalKey(Schema.Int),
  column: Schema.optionalKey(Schema.Int),
  message: Schema.String,
  /** What would have been right. */
  expected: Schema.optionalKey(Schema.String),
  /** The nearest valid name. */
  suggestion: Schema.optionalKey(Schema.String)
})
export type Problem = typeof Problem.Type

/** Every code that a flow document can get, with how grave it is and what it means. */
export const codes = {
  NOT_JSON: ["error", "The document is not JSON within the bounds (depth, size, characters)."],
  TEXT_TOO_LARGE: ["error", "The text is longer than the limit."],
  TEXT_SYNTAX: ["error", "The YAML or JSON text cannot be read."],
  DUPLICATE_KEY: ["error", "A key occurs twice in one object."],
  TOO_MANY_ALIASES: ["error", "YAML aliases expand to too much."],
  NOT_A_FLOW: ["error", "The document is no object."],
  MISSING_FIELD: ["error", "A required field is absent."],
  UNKNOWN_FIELD: ["error", "The field does not exist here."],
  WRONG_TYPE: ["error", "The value has the wrong type or form."],
  EMPTY_FLOW: ["error", "A flow has at least one node."],
  TOO_MANY_NODES: ["error", "The flow has more nodes, edges or agents than the limit."],
  NO_NODE_TYPE: ["error", "A short node names no type."],
  AMBIGUOUS_NODE_TYPE: ["error", "A short node names more than one type."],
  UNKNOWN_NODE_TYPE: ["error", "The node type does not exist."],
  BAD_ID: ["error", "An id is a letter, then letters, digits, _ or -, at most 64 characters."],
  DUPLICATE_ID: ["error", "Two nodes have the same id."],
  UNKNOWN_NODE: ["error", "A node is named that does not exist."],
  SELF_DEPENDENCY: ["error", "A node needs itself."],
  DUPLICATE_EDGE: ["error", "The same edge is there twice."],
  CYCLE: ["error", "Nodes wait for each other in a circle."],
  UNREACHABLE: ["error", "A node can never start."],
  UNKNOWN_OUTCOME: ["error", "The source of an edge cannot have this outcome."],
  EXPRESSION_SYNTAX: ["error", "An expression cannot be read."],
  EXPRESSION_LIMIT: ["error", "An expression is larger than the limits."],
  EXPRESSION_NOT_ALLOWED: ["error", "The field takes no expression."],
  UNKNOWN_NAME: ["error", "An expression reads a name that does not exist here."],
  NOT_AN_ANCESTOR: ["error", "An expression reads a node that is not settled by then."],
  NOT_A_NEED: ["error", "An expression reads `needs.ID` of a node that is no direct need."],
  UNKNOWN_INPUT: ["warning", "An expression reads an input that the input schema does not name."],
  SECRET_NOT_ALLOWED: ["error", "Secrets may be read in http and agent configuration only, and by name."],
  UNDECLARED_SECRET: ["error", "A secret is read that `secrets` does not list."],
  BRANCH_WITHOUT_OTHERWISE: ["error", "`branch: first` needs an `otherwise` edge."],
  OTHERWISE_NOT_LAST: ["error", "`otherwise` comes last and once."],
  OTHERWISE_NOT_ALLOWED: ["error", "Only edges of a `branch: first` node may be `otherwise`."],
  CHOICE_WITHOUT_OTHERWISE: ["error", "A choice's last rule is `otherwise`."],
  CHOICE_RULE: ["error", "A choice rule has exactly one outcome, and each outcome occurs once."],
  FAILURE_HANDLED_TWICE: ["error", "`onFailure` other than `fail` stands beside an `on: failure` edge."],
  NOT_IN_EACH: ["error", "The field has no meaning in the body of a map or repeat."],
  RETRY_NOT_ALLOWED: ["error", "This node type is not retried as a whole."],
  OUT_OF_RANGE: ["error", "The number or duration is outside its range."],
  BAD_JOIN: ["error", "The join asks for more edges than there are."],
  EXCLUSIVE_JOIN: ["warning", "An `all` join of edges of which only one can be live skips its node."],
  BAD_CONCURRENCY: ["error", "A concurrency key is text, or an expression over what a run is created with."],
  BAD_BUDGET: ["error", "A budget is more than 0, and of kinds that are counted."],
  BAD_WAIT: ["error", "A wait has exactly one of for, until and event."],
  WAIT_OUTLASTS_DEADLINE: ["warning", "A wait can last longer than the run's deadline."],
  BAD_URL: ["error", "The URL is not an absolute http or https one."],
  BAD_SCHEMA: ["error", "A JSON Schema is invalid."],
  UNKNOWN_AGENT: ["warning", "The agent is not defined in the flow; a registered one must have this name."],
  UNKNOWN_FLOW: ["error", "A node calls a flow, or a version of one, that is not published."],
  FLOW_CALLS_ITSELF: ["error", "A flow calls itself, directly or through others."],
  FLOW_TOO_DEEP: ["error", "Flows call each other more deeply than is allowed."],
  EFFECT_TOO_WEAK: ["error", "An agent step cannot be declared weaker than the tools of its agent."],
  RECEIPT_UNUSED: ["warning", "Receipts serve pure and idempotent steps only."]
} as const satisfies { readonly [code: string]: readonly ["error" | "warning", string] }
export type Code = keyof typeof codes

/** The valid name that the author most likely meant; none when nothing is near. */
export const nearest = (name: string, names: Iterable<string>): string | undefined => {
  const list = [...names]
  if (list.length === 0 || list.length > 2_000 || name.length > 64) return undefined
  const best = closest(name, list)
  return distance(name.toLowerCase(), best.toLowerCase()) <=
      (name.length < 4 ? 1 : Math.max(2, Math.floor(name.length / 3)))
    ? best
    : undefined
}

export interface Detail {
  readonly expected?: string | undefined
  readonly suggestion?: string | undefined
}

/** Where a pointer of the canonical document stands in what the author wrote. */
export interface Origin {
  readonly pointer: (canonical: string) => string
  readonly position: (author: string) => { readonly line: number; readonly column: number } | undefined
}

export const sameOrigin: Origin = { pointer: (_) => _, position: () => undefined }

/** Most problems of one document that are listed. */
export const problemsMax = 200

/** Gathers problems of one document under canonical pointers and locates them in the author's text. */
export class Report {
  readonly origin: Origin
  readonly problems: Array<Problem> = []
  errors = 0
  constructor(origin: Origin) {
    this.origin = origin
  }

  add(code: Code, pointer: string, message: string, detail: Detail = {}): void {
    this.addAt(code, this.origin.pointer(pointer), message, detail)
  }

  /** As `add`, with a pointer that is the author's already. */
  addAt(code: Code, pointer: string, message: string, detail: Detail = {}): void {
    if (codes[code][0] === "error") this.errors++
    if (this.full) return
    this.problems.push({
      code,
      severity: codes[code][0],
      pointer,
      ...this.origin.position(pointer),
      message,
      ...(detail.expected === undefined ? {} : { expected: detail.expected }),
      ...(detail.suggestion === undefined ? {} : { suggestion: detail.suggestion })
    })
  }

  /** As `nearest`, but free of cost once the list of problems is full. */
  nearest(name: string, names: Iterable<string>): string | undefined {
    return this.full ? undefined : nearest(name, names)
  }

  get full(): boolean {
    return this.problems.length >= problemsMax
  }

  get failed(): boolean {
    return this.errors > 0
  }
}
