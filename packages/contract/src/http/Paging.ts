/** Lists come in pages: `limit` items at most, and `next` says where the next page begins (null: there is none). */
import * as Schema from "effect/Schema"

/** Items in a page when the request does not say. */
export const pageDefault = 50
/** Items that a page may have at most. */
export const pageMax = 1_000

export const pageLimit = Schema.optional(
  Schema.NumberFromString.check(Schema.isInt(), Schema.isBetween({ minimum: 1, maximum: pageMax }))
)

/** One page of a list. */
export const page = <S extends Schema.Constraint>(item: S) =>
  Schema.Struct({ items: Schema.Array(item), next: Schema.NullOr(Schema.String) })
