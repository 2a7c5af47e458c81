/** Durations as people type them: `500ms`, `10s`, `5m`, `48h`, `7d`. */
const units: { readonly [unit: string]: number } = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Longest duration taken: ten years. */
const durationMsMax = 3_650 * 86_400_000

/** Milliseconds, at least 1; `undefined` when the text is no duration or too long. */
export const parse = (text: string): number | undefined => {
  const found = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(text)
  if (found === null) return undefined
  const ms = Math.round(Number(found[1]) * units[found[2]!]!)
  return ms >= 1 && ms <= durationMsMax ? ms : undefined
}
