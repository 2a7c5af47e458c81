/** Durations as people write them: `500ms`, `10s`, `1.5m`, `48h`, `7d`. In the kernel they are milliseconds. */

const units: { readonly [unit: string]: number } = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

export const pattern = /^\d+(\.\d+)?(ms|s|m|h|d)$/u
/** Longest duration a flow may name: ten years. */
export const durationMaxMs = 10 * 365 * 86_400_000

/** Milliseconds, rounded to whole ones; `undefined` when the text is no duration or a longer one than ten years. */
export const parse = (text: string): number | undefined => {
  if (text.length > 32) return undefined
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text)
  const unit = units[match?.[2] ?? ""]
  if (match === null || unit === undefined) return undefined
  const ms = Math.round(Number(match[1]) * unit)
  return ms <= durationMaxMs ? ms : undefined
}

/** The shortest text that `parse` reads back as the same number. */
export const format = (ms: number): string => {
  for (const unit of ["d", "h", "m", "s"]) {
    const size = units[unit] ?? 1
    if (ms >= size && ms % size === 0) return `${ms / size}${unit}`
  }
  return `${ms}ms`
}
