/**
 * From one look of the live region to the next, as terminal control text: finished lines go above it once, unchanged
 * lines are left alone, everything happens inside one synchronized update (`CSI ?2026`), so nothing flickers.
 */
import * as TerminalText from "../TerminalText.ts"

const esc = "\u001b["
const begin = `${esc}?2026h`
const end = `${esc}?2026l`
const eraseLine = `${esc}2K`

export const hideCursor = `${esc}?25l`
export const showCursor = `${esc}?25h`

const sgr = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "gu")

/** Terminal rows a drawn line takes at this width: a terminal made narrower wraps what stood there. */
const rowsTaken = (line: string, columns: number): number =>
  Math.max(1, Math.ceil(TerminalText.width(line.replace(sgr, "")) / Math.max(1, columns)))

const move = (rows: number): string => (rows === 0 ? "" : rows < 0 ? `${esc}${-rows}A` : `${esc}${rows}B`)

/**
 * Empties this many rows from the cursor's on and comes back. Row by row, because a terminal multiplexer that is told to
 * erase from the top of the screen keeps what was there in its history.
 */
const eraseRows = (rows: number): string =>
  rows === 0 ? "" : Array.from({ length: rows }, () => eraseLine).join(move(1)) + move(1 - rows)

/** The cursor stands in column 1 of the row below the last line of `previous`, and of `next` afterwards. */
export const frame = (
  previous: ReadonlyArray<string>,
  next: ReadonlyArray<string>,
  above: ReadonlyArray<string>,
  columns: number
): string => {
  const height = previous.reduce((rows, line) => rows + rowsTaken(line, columns), 0)
  if (above.length > 0 || next.length !== previous.length || height !== previous.length) {
    if (height === 0 && above.length === 0 && next.length === 0) return ""
    const lines = [...above, ...next].map((line) => `${line}\r\n`).join("")
    return `${begin}${move(-height)}\r${eraseRows(height)}${lines}${end}`
  }
  let text = ""
  let row = next.length
  for (const [index, line] of next.entries()) {
    if (line === previous[index]) continue
    text += `${move(index - row)}\r${eraseLine}${line}\r\n`
    row = index + 1
  }
  return text === "" ? "" : `${begin}${text}${move(next.length - row)}\r${end}`
}
