/** Points in time as flows write them: `2027-01-31T09:00:00Z`, always with a zone (RFC 3339). */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"

const pattern = /^(\d{4})-(\d\d)-(\d\d)T([01]\d|2[0-3]):\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/

const monthDays = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0)

/** The host's reader takes the 30th of February for the 2nd of March. */
const isDay = (year: number, month: number, day: number): boolean =>
  day >= 1 && day <= (monthDays[month - 1] ?? 0) + (month === 2 && isLeap(year) ? 1 : 0)

/** Milliseconds since 1970; `undefined` when the text is no time. */
export const parse = (text: string): number | undefined => {
  const [whole, year, month, day] = pattern.exec(text) ?? []
  if (whole === undefined || !isDay(Number(year), Number(month), Number(day))) return undefined
  const ms = Date.parse(text)
  return Number.isFinite(ms) ? Math.round(ms) : undefined
}

/** RFC 3339 UTC text; a time that no calendar holds becomes its end. */
export const format = (at: number): string =>
  Option.match(DateTime.make(at), { onNone: () => "9999-12-31T23:59:59.999Z", onSome: DateTime.formatIso })
