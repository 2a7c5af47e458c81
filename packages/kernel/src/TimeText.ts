/** Points in time as flows write them: `2027-01-31T09:00:00Z`, always with a zone (RFC 3339). */

const pattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/

/** Milliseconds since 1970; `undefined` when the text is no time. */
export const parse = (text: string): number | undefined => {
  const ms = pattern.test(text) ? Date.parse(text) : Number.NaN
  return Number.isFinite(ms) ? Math.round(ms) : undefined
}
