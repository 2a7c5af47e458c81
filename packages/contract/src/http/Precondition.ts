/** Request headers that make writes safe to repeat and safe against what has changed meanwhile. */
import * as Schema from "effect/Schema"

/** Characters that an `Idempotency-Key` may have. */
export const keyLengthMax = 255

export const idempotencyKey = {
  /** The same key with the same body is the same request, for 24 hours. */
  "idempotency-key": Schema.optionalKey(
    Schema.String.check(Schema.isPattern(/^[\x21-\x7e]+$/), Schema.isMaxLength(keyLengthMax))
  )
}

export const ifMatch = {
  /** What it must still be, as `ETag` told it: in quotes. */
  "if-match": Schema.optionalKey(Schema.String)
}
