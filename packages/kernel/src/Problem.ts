/** One thing that is wrong with a document, located so that a person or a model can mend it. */
import * as Schema from "effect/Schema"

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
