/**
 * Lists come in pages: `limit` items at most, and `next` says where the next page begins; null: there is none. The page that
 * it leads to may be empty, where a list ends with a full page.
 */
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"

/** Items in a page when the request does not say. */
export const pageDefault = 50
/** Items that a page may have at most. */
export const pageMax = 1_000

/** Digits and nothing else: what a program prints by mistake (an empty text, `1e3`, `0x10`) is refused. */
export const pageLimit = Schema.optional(
  Schema.String.check(Schema.isPattern(/^([1-9]\d{0,2}|1000)$/, { expected: `a whole number from 1 to ${pageMax}` }))
    .pipe(
      Schema.decodeTo(Schema.Int, {
        decode: SchemaGetter.transform(Number),
        encode: SchemaGetter.transform(String)
      })
    )
)

/** One page of a list. */
export const page = <S extends Schema.Constraint>(item: S) =>
  Schema.Struct({ items: Schema.Array(item), next: Schema.NullOr(Schema.String) })
