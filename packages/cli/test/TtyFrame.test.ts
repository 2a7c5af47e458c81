import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as TtyFrame from "../src/progress/TtyFrame.ts"

/** A terminal that knows what frames use: up, down, erase line, carriage return, line feed. It fails on anything else. */
class Terminal {
  rows: Array<string> = [""]
  row = 0
  column = 0
  write(text: string): void {
    const token = /\u001b\[(\??\d*)([A-Za-z])|\r|\n|[^\u001b\r\n]+/gu
    for (const match of text.matchAll(token)) this.obey(match[0], match[1], match[2])
  }
  obey(whole: string, number: string | undefined, verb: string | undefined): void {
    if (whole === "\r") this.column = 0
    else if (whole === "\n") this.down(1)
    else if (verb === "A") this.row -= Number(number)
    else if (verb === "B") this.down(Number(number))
    else if (verb === "K") this.rows[this.row] = ""
    else if (verb === "h" || verb === "l") assert.strictEqual(number, "?2026")
    else if (verb !== undefined) assert.fail(`unexpected ${JSON.stringify(whole)}`)
    else {
      assert.strictEqual(this.rows[this.row]!.slice(this.column), "", "overwrites what was not erased")
      this.rows[this.row] = this.rows[this.row]!.slice(0, this.column) + whole
      this.column += whole.length
    }
    assert.isAtLeast(this.row, 0, "left the region upwards")
  }
  down(rows: number): void {
    this.row += rows
    while (this.rows.length <= this.row) this.rows.push("")
  }
}

const line = Schema.Literals(["a", "bb", "ccc"])
const look = Schema.Struct({
  above: Schema.Array(line).check(Schema.isMaxLength(3)),
  next: Schema.Array(line).check(Schema.isMaxLength(6))
})

describe("TtyFrame", () => {
  it.prop(
    "after any frames the terminal shows all finished lines once, then the region",
    [Schema.Array(look)],
    ([looks]) => {
      const terminal = new Terminal()
      const finished: Array<string> = []
      let previous: ReadonlyArray<string> = []
      for (const { above, next } of looks) {
        terminal.write(TtyFrame.frame(previous, next, above, 80))
        finished.push(...above)
        previous = next
        const expected = [...finished, ...next]
        assert.deepStrictEqual(terminal.rows.slice(0, expected.length), expected)
        assert.isTrue(terminal.rows.slice(expected.length).every((row) => row === ""))
        assert.deepStrictEqual([terminal.row, terminal.column], [expected.length, 0])
      }
    }
  )

  it("writes nothing when nothing changed, and only the changed line when one did", () => {
    assert.strictEqual(TtyFrame.frame(["a", "b"], ["a", "b"], [], 80), "")
    assert.strictEqual(
      TtyFrame.frame(["a", "b", "c"], ["a", "x", "c"], [], 80),
      "\u001b[?2026h\u001b[2A\r\u001b[2Kx\r\n\u001b[1B\r\u001b[?2026l"
    )
  })

  it("erases what a narrower terminal has wrapped", () => {
    const text = TtyFrame.frame(["x".repeat(50)], ["short"], [], 20)
    assert.isTrue(text.startsWith("\u001b[?2026h\u001b[3A\r"), JSON.stringify(text))
  })
})
