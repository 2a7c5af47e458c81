/** Figures out of samples: medians, spread, tables. */

/** One measurement of one cell. Every figure is a number; its name ends in its unit. */
export type Figures = { readonly [name: string]: number }

export interface Cell {
  readonly workload: string
  /** `engine`, `floor`, `kernel`. */
  readonly subject: string
  /** What the workload varies, such as the width of the fan-out; empty when it varies nothing. */
  readonly variant: string
}

export interface Sample extends Cell {
  readonly figures: Figures
}

export interface Row extends Cell {
  readonly repeats: number
  readonly medians: Figures
  /** (max − min) / median of the first figure. */
  readonly spread: number
}

/** The value below which a share `q` of the sorted values lies (nearest rank); NaN for none. */
export const quantile = (values: ReadonlyArray<number>, q: number): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN
}

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const high = sorted[middle] ?? Number.NaN
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? Number.NaN) + high) / 2
}

const cellKey = ({ subject, variant, workload }: Cell): string => `${workload} ${variant} ${subject}`

/** One row per cell, in the order in which cells first appear. */
export const summarize = (samples: ReadonlyArray<Sample>): ReadonlyArray<Row> => {
  const groups = Map.groupBy(samples, cellKey)
  return [...groups.values()].flatMap((group) => {
    const first = group[0]
    if (first === undefined) return []
    const names = Object.keys(first.figures)
    const valuesOf = (name: string) => group.map(({ figures }) => figures[name] ?? Number.NaN)
    const medians = Object.fromEntries(names.map((name) => [name, median(valuesOf(name))]))
    const lead = valuesOf(names[0] ?? "")
    const spread = (Math.max(...lead) - Math.min(...lead)) / median(lead)
    const { subject, variant, workload } = first
    return [{ workload, subject, variant, repeats: group.length, medians, spread }]
  })
}

const shown = (value: number): string => {
  if (!Number.isFinite(value)) return "–"
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString("en")
  return value >= 100 || Number.isInteger(value) ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}

/** A Markdown table of the rows of one workload, which all have the same figures. */
export const table = (rows: ReadonlyArray<Row>): string => {
  const names = Object.keys(rows[0]?.medians ?? {})
  const head = ["subject", ...names, "spread", "n"]
  const body = rows.map(({ medians, repeats, spread, subject, variant }) => [
    variant === "" ? subject : `${subject} ${variant}`,
    ...names.map((name) => shown(medians[name] ?? Number.NaN)),
    `${(spread * 100).toFixed(0)}%`,
    String(repeats)
  ])
  const widths = head.map((text, column) => Math.max(text.length, ...body.map((row) => row[column]?.length ?? 0)))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${
      cells.map((cell, column) => column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)).join(
        " | "
      )
    } |`
  const rule = `| ${
    widths.map((width, column) => column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`).join(" | ")
  } |`
  return [line(head), rule, ...body.map(line)].join("\n")
}
