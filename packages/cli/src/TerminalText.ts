/**
 * Text on its way to a terminal: nothing that came from a run, a model or a file may steer the screen.
 *
 * Control characters (C0, DEL, C1), lone surrogates, line separators, bidirectional controls and invisible tag characters
 * become visible escapes such as `\x1b`. Widths count terminal cells: wide characters two, combining marks none.
 */
import * as CliOutput from "effect/cli/CliOutput"

const steering = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u{feff}\u{e0000}-\u{e007f}]/gu
const steeringButLayout = /(?![\n\t])[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u{feff}\u{e0000}-\u{e007f}]/gu
const printableAscii = /^[ -~]*$/

/** Texts longer than this many UTF-16 units are cut before they are measured for one line. */
const lineUnitsMax = 4096

const escape = (character: string): string => {
  const code = character.codePointAt(0)!
  return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u{${code.toString(16)}}`
}

/** One line of foreign text: line breaks and tabs become spaces, everything that steers becomes visible. */
export const line = (text: string): string => text.replace(/[\r\n\t]+/g, " ").replace(steering, escape)

/** Foreign text of several lines: line feeds and tabs stay. */
export const block = (text: string): string => text.replace(/\r\n/g, "\n").replace(steeringButLayout, escape)

/** ASCII only, for logs of unknown encoding. */
export const ascii = (text: string): string => text.replace(/[^ -~\n]/gu, escape)

/**
 * JSON text that is safe to print: what `JSON.stringify` leaves raw and a terminal would obey is written `\uXXXX`, which
 * every JSON parser reads as the same text.
 */
export const json = (value: unknown, indent = 2): string =>
  JSON.stringify(value ?? null, null, indent).replace(
    steeringButLayout,
    (character) =>
      Array.from({ length: character.length }, (_, index) =>
        `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`).join("")
  )

/** Cells the text takes on a terminal. */
export const width = (text: string): number => printableAscii.test(text) ? text.length : CliOutput.displayWidth(text)

const segmenter = new Intl.Segmenter(undefined, { granularity: "grapheme" })

/** The text in at most `cells` cells, ending in `mark` when something was cut. */
export const truncate = (text: string, cells: number, mark = "…"): string => {
  if (cells <= 0) return ""
  const short = text.length > lineUnitsMax ? text.slice(0, lineUnitsMax) : text
  if (short.length === text.length && width(short) <= cells) return short
  const room = cells - width(mark)
  if (room < 0) return "."
  let used = 0
  let kept = ""
  for (const { segment } of segmenter.segment(short)) {
    const size = width(segment)
    if (used + size > room) break
    used += size
    kept += segment
  }
  return kept + mark
}

/** The text in exactly `cells` cells or more: spaces are added, nothing is cut. */
export const pad = (text: string, cells: number): string => text + " ".repeat(Math.max(0, cells - width(text)))

/** `850ms`, `4.1s`, `3m12s`, `2h05m`, `3d04h`. */
export const duration = (ms: number): string => {
  const spent = Math.max(0, Math.round(Number.isFinite(ms) ? ms : 0))
  if (spent < 1_000) return `${spent}ms`
  if (spent < 59_950) return `${(spent / 1_000).toFixed(1)}s`
  return clock(spent)
}

/** As {@link duration}, in whole seconds: for numbers that tick. */
export const clock = (ms: number): string => {
  const seconds = Math.max(0, Math.round((Number.isFinite(ms) ? ms : 0) / 1_000))
  const two = (n: number) => String(n).padStart(2, "0")
  if (seconds < 60) return `${seconds}s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)}m${two(seconds % 60)}s`
  if (seconds < 86_400) return `${Math.floor(seconds / 3_600)}h${two(Math.floor(seconds / 60) % 60)}m`
  return `${Math.floor(seconds / 86_400)}d${two(Math.floor(seconds / 3_600) % 24)}h`
}

/** `1,204`. */
export const count = (n: number): string => String(n).replace(/\B(?=(\d{3})+$)/g, ",")

/** `$0.004`, `$1.20`: two digits, more only when they would all be zero. */
export const money = (usd: number): string => {
  if (usd >= 0.1 || usd === 0) return `$${usd.toFixed(2)}`
  return `$${usd.toFixed(usd >= 0.01 ? 3 : 4)}`
}
