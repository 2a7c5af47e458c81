/** What happens to a repeat as a whole. */
import * as Schema from "effect/Schema"

/** A repeat begins (`index` 0), or its `until` was asked and said no: turn `index` may start. */
export const TurnOpened = Schema.Struct({
  type: Schema.Literal("TurnOpened"),
  v: Schema.Literal(1),
  at: Schema.Int,
  path: Schema.String,
  index: Schema.Int
})
