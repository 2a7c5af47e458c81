/** Wrong flows, wrong input, wrong command lines: what is wrong, where, what would be right; never a stack trace. */
import { readFileSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { atDesk, document, handlers } from "./Baton.ts"

const flows: { readonly [file: string]: readonly [code: string, text: string] } = {
  "type.yaml": ["NO_NODE_TYPE", "name: x\nnodes:\n  a: { htp: GET http://x }\n"],
  "cycle.yaml": ["CYCLE", "name: x\nnodes:\n  a: { value: 1, needs: [b] }\n  b: { value: 1, needs: [a] }\n"],
  "edge.yaml": ["UNKNOWN_NODE", "name: x\nnodes:\n  first: { value: 1 }\n  b: { value: 1, needs: [frist] }\n"],
  "id.json": [
    "DUPLICATE_ID",
    "{\"name\":\"x\",\"nodes\":[{\"id\":\"a\",\"type\":\"transform\",\"value\":1},{\"id\":\"a\",\"type\":\"transform\",\"value\":2}],\"edges\":[]}"
  ],
  "key.yaml": ["DUPLICATE_KEY", "name: x\nnodes:\n  a: { value: 1 }\n  a: { value: 2 }\n"],
  "cel.yaml": ["EXPRESSION_SYNTAX", "name: x\nnodes:\n  a: { value: \"${ input.x + }\" }\n"],
  "cut.yaml": ["TEXT_SYNTAX", "name: x\nnodes: {"],
  "list.json": ["NOT_A_FLOW", "[]"],
  "bomb.yaml": [
    "TOO_MANY_ALIASES",
    `a: &a [x, x]\n${
      "bcdefgh".replace(/./g, (key) => {
        const before = String.fromCharCode(key.charCodeAt(0) - 1)
        return `${key}: &${key} [${Array.from({ length: 9 }, () => `*${before}`).join(", ")}]\n`
      })
    }`
  ]
}

interface Case {
  readonly name: string
  readonly raw?: string
  readonly gen?: { readonly repeat?: string; readonly n?: number; readonly mid?: string; readonly close?: string }
}

const hostile = (name: string): string => {
  const cases = readFileSync(new URL("../corpora/hostile-json.jsonl", import.meta.url), "utf8").trimEnd().split("\n")
    .map((line): Case => JSON.parse(line))
  const { gen, raw } = cases.find((one) => one.name === name)!
  return raw ?? gen!.repeat!.repeat(gen!.n!) + (gen!.mid ?? "") + gen!.close!.repeat(gen!.n!)
}

describe.concurrent("bad input", { timeout: 90_000 }, () => {
  it(
    "flows check names every problem of every file with its place, and run refuses such a flow",
    atDesk(async (desk) => {
      for (const [file, [, text]] of Object.entries(flows)) desk.write(file, text)
      const checked = await desk.run("flows", "check", ...Object.keys(flows), "--json")
      assert.strictEqual(checked.exit, 11, checked.err)
      interface Problem {
        readonly code: string
        readonly line: number
        readonly suggestion?: string
      }
      const files: ReadonlyArray<{ file: string; ok: boolean; problems: ReadonlyArray<Problem> }> =
        document(checked).files
      for (const { file, ok, problems } of files) {
        assert.isFalse(ok, file)
        assert.include(problems.map((problem) => problem.code), flows[file]![0], file)
        assert.isTrue(problems.every((problem) => problem.line >= 1), file)
      }
      assert.strictEqual(files.find(({ file }) => file === "edge.yaml")?.problems[0]?.suggestion, "first")
      const refused = await desk.run("run", "cycle.yaml")
      assert.deepStrictEqual([refused.exit, refused.out], [2, ""])
      assert.match(refused.err, /^error\[FLOW_INVALID\]: .*\n {2}4:\d+: error\[CYCLE\] at .*a → b → a.*\n {2}try: /)
    })
  )

  it(
    "hostile JSON comes back as it was or is refused; nothing changes on the way",
    atDesk(async (desk) => {
      desk.write("echo.json", { name: "echo", nodes: { a: { value: "${ input }" } }, output: "${ nodes.a.output }" })
      const ask = (name: string) =>
        desk.start(["run", "echo.json", "--input", "-", "--json"], { stdin: hostile(name) }).end
      const kept = await ask("proto-nested")
      assert.strictEqual(kept.exit, 0, kept.err)
      assert.strictEqual(JSON.stringify(document(kept).output), JSON.stringify(JSON.parse(hostile("proto-nested"))))
      const refusals = ["deep-array", "nul-in-key", "int-2-53"]
      for (const name of refusals) {
        const { err, exit, out } = await ask(name)
        assert.deepStrictEqual([exit, document({ out }).exit], [2, 2], name)
        assert.match(err, /^error\[INPUT_(INVALID|NOT_JSON|AMBIGUOUS)\]: /, name)
        assert.notInclude(err, "    at ", name)
      }
    })
  )

  it(
    "control characters from a run never reach a person's terminal as commands",
    atDesk(async (desk) => {
      desk.write("flow.json", {
        name: "echo",
        nodes: { a: { value: "${ input }" }, b: { needs: ["a"], function: "boom" } }
      })
      const ran = await desk.start(["run", "flow.json", "--handlers", handlers, "--input", "-"], {
        stdin: hostile("ansi")
      }).end
      assert.strictEqual(ran.exit, 3)
      assert.notInclude(ran.err, "\u001b")
    })
  )

  it(
    "an unknown run, flow or file gets its own code and a way on",
    atDesk(async (desk) => {
      const told = async (...args: ReadonlyArray<string>) => {
        const { err, exit } = await desk.run(...args)
        assert.match(err, /^error\[[A-Z_]+\]: .+\n {2}try: .+\n$/, args.join(" "))
        return [exit, /\[(.*?)\]/.exec(err)?.[1], /try: (.*)/.exec(err)?.[1]]
      }
      const [run, flow, file] = await Promise.all([
        told("runs", "show", "run_0"),
        told("run", "no-such-flow"),
        told("run", "no-such-flow.yaml")
      ])

      assert.deepStrictEqual(run, [7, "RUN_NOT_FOUND", "baton runs list"])
      assert.deepStrictEqual(flow!.slice(0, 2), [7, "FLOW_MISSING"])
      assert.deepStrictEqual(file!.slice(0, 2), [2, "FILE_UNREADABLE"])
    })
  )
})
