/** Points in time as flows write them: `2027-01-31T09:00:00Z`, always with a zone (RFC 3339). */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

const pattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/

/** Milliseconds since 1970; `undefined` when the text is no time. */
export const parse = (text: string): number | undefined => {
  const ms = pattern.test(text) ? Date.parse(text) : Number.NaN
  return Number.isFinite(ms) ? Math.round(ms) : undefined
}

/** RFC 3339 UTC text; a time that no calendar holds becomes its end. */
export const format = (at: number): string =>
  Option.match(DateTime.make(at), { onNone: () => "9999-12-31T23:59:59.999Z", onSome: DateTime.formatIso })
