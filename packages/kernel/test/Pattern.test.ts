import * as Pattern from "@baton/kernel/Pattern"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"

const find = (source: string, text: string): boolean | string => {
  const compiled = Pattern.compile(source)
  if (typeof compiled === "string") return compiled
  return Pattern.test(compiled, text, 1_000_000)?.found ?? "too many steps"
}

describe("Pattern", () => {
  const sources = [
    "",
    "a",
    "^a$",
    "a|bc",
    "(a|b)*c",
    "^(?:ab)+$",
    "a{2}",
    "^a{2,}$",
    "^a{1,2}b?$",
    "[a-c]+",
    "^[^a]+$",
    "\\d+\\.\\d*",
    "^\\w+@\\w+\\.[a-z]{2,}$",
    "\\bfoo\\b",
    "\\Boo",
    "^.*$",
    "a.c",
    "\\u0061",
    "\\x61\\/",
    "^\\p{L}+$",
    "[\\w.-]+/[\\w.-]+",
    "(?<year>\\d{4})-\\d\\d",
    "^$",
    "a??b",
    "x*",
    "^(a?){3}a{3}$",
    "[\\]\\\\]",
    "$^",
    "(|a)+b",
    "^\\S+\\s\\S+$"
  ]
  const texts = [
    "",
    "a",
    "aa",
    "aaa",
    "abc",
    "bc",
    "ab",
    "foo",
    "food",
    "1.5",
    "x@y.de",
    "a/b",
    "é",
    "2026-01",
    "a\nc",
    "]\\",
    "b a"
  ]

  it.each(sources)("finds what the host's engine finds: %s", (source) => {
    const native = new RegExp(source, "u")
    for (const text of texts) {
      assert.strictEqual(find(source, text), native.test(text), `${source} on ${JSON.stringify(text)}`)
    }
  })

  const Piece = Schema.Literals(["a", "b", ".", "[ab]", "(", ")", "|", "*", "+", "?", "{2}", "^", "$", "\\w", "(?:"])
  it.prop("agrees with the host on any short pattern", [
    Schema.Array(Piece),
    Schema.Array(Schema.Literals(["a", "b", "c"]))
  ], ([pieces, letters]) => {
    const source = pieces.slice(0, 7).join("")
    const text = letters.slice(0, 6).join("")
    const mine = Pattern.compile(source)
    if (typeof mine === "string") return
    let native: RegExp
    try {
      native = new RegExp(source, "u")
    } catch {
      return
    }
    assert.strictEqual(Pattern.test(mine, text, 1_000_000)?.found, native.test(text), `${source} on ${text}`)
  }, { arbitrary: { runs: 2000 } })

  it("matches catastrophic patterns in linear time", () => {
    for (const source of ["^(a+)+$", "(a|a)*$", "(a|aa)+$", "(.*)*x", "^(([a-z])+.)+[A-Z]([a-z])+$", "(a?){40}a{40}"]) {
      const compiled = Pattern.compile(source)
      assert.isObject(compiled)
      if (typeof compiled === "string") continue
      const text = `${"a".repeat(2000)}!`
      const result = Pattern.test(compiled, text, 10_000_000)
      assert.isBelow(result?.steps ?? Infinity, (compiled.size + 1) * (text.length + 1))
    }
  })

  it("refuses what would need backtracking, and what is too large", () => {
    assert.match(String(find("(?=a)", "a")), /Lookaround/)
    assert.match(String(find("(?<!a)b", "b")), /Lookaround/)
    assert.match(String(find("(a)\\1", "aa")), /Back-references/)
    assert.match(String(find("(?i:a)", "a")), /flags/)
    assert.match(String(find("a{99999}", "a")), /states/)
    assert.match(String(find("((a{50}){50}){50}", "a")), /states|repeats/)
    assert.match(String(find("((){1000}){1000}", "a")), /states|repeats/)
    assert.match(String(find("(".repeat(60), "a")), /deeply/)
    assert.match(String(find("a".repeat(2000), "a")), /longer/)
    for (const source of ["(", ")", "[", "*", "a**", "\\", "a{3,2}", "[b-a]"]) assert.isString(Pattern.compile(source))
  })

  it("stops when the steps are used up", () => {
    const compiled = Pattern.compile("(a|b)*c")
    assert.isUndefined(typeof compiled === "string" ? {} : Pattern.test(compiled, "ab".repeat(1000), 100))
  })

  it.prop("never throws on any text", [Schema.String, Schema.String], ([source, text]) => void find(source, text))
})
