/** What became of telling others about a run. */
import * as Schema from "effect/Schema"

/** An annotation (K5): a webhook was out of reach for so long that it will not be told of the event `seq` any more. */
export const DeliveryGivenUp = Schema.Struct({
  type: Schema.Literal("DeliveryGivenUp"),
  v: Schema.Literal(1),
  at: Schema.Int,
  webhook: Schema.String,
  seq: Schema.Int,
  attempts: Schema.Int,
  /** Why the last attempt failed, such as `HTTP_STATUS`. */
  code: Schema.optionalKey(Schema.String)
})
export type DeliveryGivenUp = typeof DeliveryGivenUp.Type
