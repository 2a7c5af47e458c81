/** What the sender of webhooks has to say of a run. */
import * as Schema from "effect/Schema"
import { at } from "./CommandTime.ts"

/** See `DeliveryGivenUp`. */
export const GiveUpDelivery = Schema.Struct({
  type: Schema.Literal("GiveUpDelivery"),
  at,
  webhook: Schema.String,
  seq: Schema.Int,
  attempts: Schema.Int,
  code: Schema.optionalKey(Schema.String)
})
