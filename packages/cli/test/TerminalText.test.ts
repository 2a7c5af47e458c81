import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as TerminalText from "../src/TerminalText.ts"

/** What a terminal could obey: control characters, bidirectional controls, line separators, tags, lone surrogates. */
const steering = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\p{Bidi_Control}\u{feff}\u{e0000}-\u{e007f}]/u

const nasty = Schema.Array(Schema.Union([
  Schema.String,
  Schema.Literals([
    "\u001b[2J",
    "\u009b31m",
    "\u202e",
    "\u2066",
    "\r\n",
    "\ud800",
    "\u{e0041}",
    "日本語",
    "👩‍👩‍👧",
    "e\u0301",
    "\u2028",
    "✋"
  ])
]))

describe("TerminalText", () => {
  it.prop("a line holds nothing that steers a terminal", [nasty], ([parts]) => {
    assert.notMatch(TerminalText.line(parts.join("")), steering)
  })

  it.prop("a block keeps line feeds and tabs and nothing else that steers", [nasty], ([parts]) => {
    assert.notMatch(TerminalText.block(parts.join("")).replace(/[\n\t]/g, ""), steering)
  })

  it.prop("printed JSON is read back unchanged and steers nothing", [nasty], ([parts]) => {
    const value = { text: parts.join("").toWellFormed(), [parts.join("").toWellFormed()]: [1, null] }
    const printed = TerminalText.json(value)
    assert.notMatch(printed.replaceAll("\n", ""), steering)
    assert.deepStrictEqual(JSON.parse(printed), value)
  })

  it.prop("a cut line fits, at any width", [nasty, Schema.Int], ([parts, cells]) => {
    const room = Math.abs(cells) % 200
    const cut = TerminalText.truncate(TerminalText.line(parts.join("")), room)
    assert.isAtMost(TerminalText.width(cut), room)
  })

  it("shows escapes instead of obeying them", () => {
    assert.strictEqual(TerminalText.line("a\u001b[31mb\u202ec\td\ne"), "a\\x1b[31mb\\u{202e}c d e")
  })

  it("counts wide characters twice and combining marks not at all", () => {
    assert.deepStrictEqual(["日本", "é", "✋", "ab"].map(TerminalText.width), [4, 1, 2, 2])
    assert.strictEqual(TerminalText.truncate("日本語です", 6), "日本…")
    assert.strictEqual(TerminalText.truncate("abcdef", 6), "abcdef")
    assert.strictEqual(TerminalText.truncate("abcdefg", 6), "abcde…")
  })

  it("spells durations, counts and money as people read them", () => {
    assert.deepStrictEqual(
      [850, 4_120, 59_949, 59_960, 192_000, 7_500_000, 273_600_000, -5, Number.NaN].map(TerminalText.duration),
      ["850ms", "4.1s", "59.9s", "1m00s", "3m12s", "2h05m", "3d04h", "0ms", "0ms"]
    )
    assert.deepStrictEqual([7, 1_204, 1_234_567].map(TerminalText.count), ["7", "1,204", "1,234,567"])
    assert.deepStrictEqual([0, 0.0042, 0.04, 0.4, 12].map(TerminalText.money), [
      "$0.00",
      "$0.0042",
      "$0.040",
      "$0.40",
      "$12.00"
    ])
  })
})
