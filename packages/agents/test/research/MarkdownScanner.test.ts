/** The line scanner: every unit stands where it says, nothing hangs, and long lines are cut. */
import { assert, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type EvidenceUnit, unitsOf } from "../../src/research/corpus/EvidenceUnit.ts"
import { scan } from "../../src/research/corpus/MarkdownScanner.ts"
import { shipped } from "./ResearchDesk.ts"

const flat = (text: string) => text.replace(/^[ \t]*(?:> ?)+/gm, "").replace(/\s+/g, " ").trim()

const misplaced = (text: string, units: Iterable<EvidenceUnit>): ReadonlyArray<string> => {
  const lines = text.split("\n")
  const wrong: Array<string> = []
  for (const unit of units) {
    const place = flat(lines.slice(unit.first - 1, unit.last).join("\n"))
    if (!place.includes(flat(unit.text))) wrong.push(`${unit.first}-${unit.last} ${unit.text} <> ${place}`)
  }
  return wrong
}

const Line = Schema.Literals([
  "",
  "# One heading",
  "Two\n===",
  "Some words in a sentence that goes on. Another one, e.g. this, follows here",
  "and ends on the next line. It has `a code. Span` inside.",
  "- an item of a list with words",
  "  that goes on below it",
  "1. a numbered item with some words",
  "> a quoted sentence with enough words.",
  "| a | b |\n| --- | --- |\n| one cell | two |",
  "```\ncode is here\n```",
  "```",
  "<!-- a comment -->",
  "<div>",
  "---",
  "Short.",
  "a|b",
  "<!-- open",
  "-->",
  "    indented text that is not much",
  "\ttab\tseparated\twords\there and there"
])

for (const plain of [false, true]) {
  it.prop(
    `every unit stands in the lines it names (${plain ? "plain text" : "Markdown"})`,
    [Schema.Array(Line)],
    ([lines]) => {
      const text = lines.join("\n")
      assert.deepStrictEqual(misplaced(text, unitsOf(scan(text, { plain }).blocks)), [])
    }
  )
}

it.prop("any text is cut into units without an error", [Schema.String], ([text]) => {
  for (const plain of [false, true]) {
    for (const unit of unitsOf(scan(text, { plain }).blocks)) assert.isAtMost(unit.text.length, 2_000)
  }
})

it("finds each sentence of the shipped documents in its lines", () => {
  for (const name of readdirSync(shipped.folder)) {
    const text = readFileSync(join(shipped.folder, name), "utf8")
    const units = [...unitsOf(scan(text, { plain: false }).blocks)]
    assert.isAtLeast(units.length, 15)
    assert.deepStrictEqual(misplaced(text, units), [])
  }
})

it("cuts a file that is one line of a million words, in bounded time", () => {
  const text = "many words without a full stop ".repeat(170_000)
  const started = performance.now()
  let longest = 0
  let count = 0
  for (const unit of unitsOf(scan(text, { plain: false }).blocks)) {
    longest = Math.max(longest, unit.text.length)
    count++
  }
  assert.isAtMost(longest, 1_200)
  assert.isAtLeast(count, 4_000)
  assert.isBelow(performance.now() - started, 10_000)
})

it("does not slow down on text that is made to slow down patterns", () => {
  const hostile = [
    "[".repeat(50_000),
    "<".repeat(50_000),
    "| ".repeat(50_000),
    "*".repeat(50_000),
    "(".repeat(20_000) + "![".repeat(20_000),
    "-".repeat(50_000) + "x",
    " ".repeat(50_000) + "x"
  ]
  for (const line of hostile) {
    const started = performance.now()
    const units = [...unitsOf(scan(`# Title\n\n${line}\n`, { plain: false }).blocks)]
    assert.isBelow(performance.now() - started, 2_000, line.slice(0, 10))
    assert.isAtMost(units.length, 1_000)
  }
})

it("joins sentences after abbreviations and inside code, and leaves code fences, front matter and comments out of prose", () => {
  const text =
    "---\ntitle: T\n---\nUse e.g. a lease here. See Dr. Who about it now.\n<!-- not this\nnor this -->\nRun `a. b` now to see it.\n~~~js\nlet x. y\n~~~\n"
  const units = [...unitsOf(scan(text, { plain: false }).blocks)].map(({ kind, text }) => `${kind}: ${text}`)
  assert.deepStrictEqual(units, [
    "sentence: Use e.g. a lease here.",
    "sentence: See Dr. Who about it now.",
    "sentence: Run `a. b` now to see it.",
    "code: let x. y"
  ])
})
