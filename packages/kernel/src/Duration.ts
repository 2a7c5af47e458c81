/** Durations as flows write them: `500ms`, `1.5s`, `5m`, `48h`, `7d`. In the kernel a duration is a number of milliseconds. */
const units: { readonly [unit: string]: number } = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** Milliseconds, rounded; `undefined` when the text is no duration. */
export const parseDuration = (text: string): number | undefined => {
  const match = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(text)
  const unit = units[match?.[2] ?? ""]
  return match === null || unit === undefined ? undefined : Math.round(Number(match[1]) * unit)
}
