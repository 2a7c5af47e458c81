/** The time that every command carries: milliseconds since 1970 on the store's clock, within what a date can tell. */
import * as Schema from "effect/Schema"

/** The last millisecond a date can tell (ECMAScript time range), less 100 years for what is to come. */
const timeMax = 8_640_000_000_000_000 - 100 * 366 * 86_400_000

export const at = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: timeMax }))
