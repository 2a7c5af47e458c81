/** What documents and examples promise to readers, tried. */
import { readdirSync, readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { exitCodes } from "../packages/cli/src/ExitCode.ts"
import { check } from "../packages/server/src/FlowSource.ts"

const root = fileURLToPath(new URL("../", import.meta.url))
const read = (path: string): string => readFileSync(root + path, "utf8")

describe("examples", () => {
  for (const file of readdirSync(`${root}examples`).filter((name) => name.endsWith(".yaml"))) {
    it(`${file} is a flow without problems`, () => {
      const { plan, problems } = check(read(`examples/${file}`), file)
      assert.deepStrictEqual(problems, [])
      assert.strictEqual(plan?.name, file.slice(0, -".yaml".length))
    })
  }
})

describe("larger examples", () => {
  for (const file of readdirSync(`${root}examples/flows`)) {
    it(`${file} is a flow without errors`, () => {
      const { problems } = check(read(`examples/flows/${file}`), file)
      assert.deepStrictEqual(problems.filter(({ severity }) => severity === "error"), [])
    })
  }
})

describe("reference", () => {
  it("lists every exit code, and no other", () => {
    const rows = read("docs/reference/exit-codes.md").match(/^\| [\d, ]+ \|/gm) ?? []
    const documented = rows.flatMap((row) => row.match(/\d+/g) ?? []).map(Number)
    assert.deepStrictEqual(documented.toSorted((a, b) => a - b), Object.values(exitCodes).toSorted((a, b) => a - b))
  })
})
