/** Tables for people (aligned, the last column cut at the terminal's edge) and for tools (tab-separated). */
import * as TerminalText from "./TerminalText.ts"

export interface Table {
  readonly header: ReadonlyArray<string>
  /** Raw texts; made safe here. */
  readonly rows: ReadonlyArray<ReadonlyArray<string>>
}

export const tsv = (table: Table): string =>
  [table.header, ...table.rows].map((row) => row.map(TerminalText.line).join("\t")).join("\n")

/** `columns`: cells of the terminal; absent, nothing is cut. Ids stand in front and are never cut. */
export const text = (table: Table, columns: number | undefined): string => {
  const rows = [table.header.map((name) => name.toUpperCase()), ...table.rows.map((row) => row.map(TerminalText.line))]
  const widths = table.header.map((_, index) => Math.max(...rows.map((row) => TerminalText.width(row[index] ?? ""))))
  return rows.map((row) => {
    const front = row.slice(0, -1).map((cell, index) => TerminalText.pad(cell, widths[index] ?? 0)).join("  ")
    const last = row.at(-1) ?? ""
    const room = columns === undefined ? undefined : columns - 1 - (front === "" ? 0 : TerminalText.width(front) + 2)
    const shown = room === undefined ? last : TerminalText.truncate(last, Math.max(room, 1))
    return (front === "" ? shown : `${front}  ${shown}`).trimEnd()
  }).join("\n")
}
