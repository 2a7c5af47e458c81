/** Each guard sees the fault it is for, and leaves the right spelling alone. */
import { assert, describe, it } from "vitest"
import * as Bans from "./Bans.ts"
import { settle } from "./Exceptions.ts"
import type { Finding, SourceFile } from "./Finding.ts"
import * as Imports from "./Imports.ts"
import * as Manifests from "./Manifests.ts"
import * as Prose from "./Prose.ts"
import * as Shape from "./Shape.ts"

const file = (path: string, text: string): SourceFile => ({ path, text })
const rules = (found: ReadonlyArray<Finding>): ReadonlyArray<string> => found.map((_) => _.rule)
const fails = (found: ReadonlyArray<Finding>, rule: string, part = ""): void => {
  assert.deepStrictEqual(rules(found), [rule])
  assert.include(found[0]?.message ?? "", part)
}
const passes = (found: ReadonlyArray<Finding>): void => assert.deepStrictEqual(found, [])

describe("walls", () => {
  const engine = (text: string) => Imports.walls(file("packages/engine/src/Coordinator.ts", text))
  const kernel = (text: string) => Imports.walls(file("packages/kernel/src/Decide.ts", text))

  it("refuses a room of the same floor or above", () => {
    fails(engine(`import * as Dialer from "@baton/net/Dialer"`), "wall", "engine may not import net")
    fails(engine(`export { serve } from "@baton/server/Serve"`), "wall", "engine may not import server")
    passes(engine(`import * as Plan from "@baton/kernel/Plan"`))
  })
  it("refuses a type import and an import type as well", () => {
    fails(engine(`import type { A } from "@baton/net/A"`), "wall")
    fails(engine(`export type A = import("@baton/net/A").A`), "wall")
  })
  it("refuses a way around the wall", () => {
    fails(engine(`import * as A from "../../net/src/A.ts"`), "wall", "leaves the room")
    fails(engine(`import * as A from "@baton/engine/A"`), "wall", "relative path")
    fails(engine(`const a = await import("@baton/net/A")`), "wall")
  })
  it("refuses a package that is not on the room's list", () => {
    fails(engine(`import * as Sqlite from "node:sqlite"`), "wall", "engine may not import node:sqlite")
    fails(engine(`import { request } from "undici"`), "wall")
    passes(Imports.walls(file("packages/net/src/Dialer.ts", `import { request } from "undici"`)))
    passes(engine(`import * as Effect from "effect/Effect"`))
  })
  it("keeps the kernel pure", () => {
    for (const module of ["Effect", "Clock", "Layer", "Random", "http/HttpClient"]) {
      fails(kernel(`import * as A from "effect/${module}"`), "wall", "the kernel is pure")
    }
    fails(kernel(`import { createHash } from "node:crypto"`), "wall")
    passes(kernel(`import * as Schema from "effect/Schema"\nimport { parse } from "yaml"`))
  })
  it("refuses barrels", () => {
    fails(engine(`import { Effect } from "effect"`), "wall", "the module itself")
    fails(engine(`export * from "./Machine.ts"`), "barrel")
    passes(engine(`export * as Machine from "./Machine.ts"`))
  })
  it("keeps the suites of ports for tests", () => {
    fails(engine(`import { suite } from "./testing/RunStoreSuite.ts"`), "wall", "is for tests")
    fails(engine(`import { it } from "@effect/vitest"`), "wall")
    passes(Imports.walls(file("packages/engine/src/testing/RunStoreSuite.ts", `import { it } from "@effect/vitest"`)))
  })
  it("refuses a room nobody has planned", () => {
    fails(Imports.walls(file("packages/attic/src/A.ts", "export const a = 1")), "wall", "not in test/tidy/Rooms.ts")
  })
  it("sees files that need each other, and ignores types", () => {
    const a = (text: string) => file("packages/kernel/src/A.ts", text)
    const b = file("packages/kernel/src/B.ts", `import { a } from "./A.ts"\nexport const b = a`)
    fails(
      Imports.circles([a(`import { b } from "./B.ts"\nexport const a = () => b`), b]),
      "circle",
      "A.ts → B.ts → A.ts"
    )
    passes(Imports.circles([a(`import type { b } from "./B.ts"\nexport const a = 1`), b]))
  })
})

describe("bans", () => {
  const inEngine = (text: string) => Bans.bannedConstructs(file("packages/engine/src/A.ts", text))
  const planted: ReadonlyArray<readonly [rule: string, text: string]> = [
    ["time", "const now = Date.now()"],
    ["time", "const day = new Date(0)"],
    ["chance", "const dice = Math.random()"],
    ["chance", "const id = crypto.randomUUID()"],
    ["chance", `import { randomUUID } from "node:crypto"\nconst id = randomUUID()`],
    ["timer", "setTimeout(() => {}, 5)"],
    ["timer", "globalThis.setInterval(() => {}, 5)"],
    ["environment", "const home = process.env"],
    ["environment", "const home = process.env.HOME"],
    ["environment", `const home = process.env["HOME"]`],
    ["console", "console.log(1)"],
    ["console", "const out = console.error"],
    ["eval", "eval('1')"],
    ["eval", "new Function('return 1')"],
    ["fetch", "const answer = fetch('http://localhost')"],
    ["fetch", "const answer = globalThis.fetch('http://localhost')"],
    ["dynamic-import", "const a = import('./B.ts')"],
    ["escape", "const a = 1 as any"],
    ["escape", "// @ts-ignore\nconst a: string = 1"],
    ["escape", "// @ts-expect-error\nconst a: string = 1"]
  ]
  for (const [rule, text] of planted) {
    it(`${rule}: sees \`${text.replaceAll("\n", " ")}\``, () => fails(inEngine(text), rule))
  }
  it("leaves comments, strings and names of one's own alone", () => {
    passes(inEngine("// Date.now() and console.log\nconst text = 'process.env, eval(1)'"))
    passes(inEngine("const ask = (fetch: () => void) => fetch()"))
    passes(inEngine(`import { fetch } from "./Dialer.ts"\nfetch()`))
  })
  it("lets the rooms at the machine use clocks, and nobody else the kernel's forbidden globals", () => {
    passes(Bans.bannedConstructs(file("packages/store-sqlite/src/A.ts", "const now = Date.now()")))
    fails(Bans.bannedConstructs(file("packages/store-sqlite/src/A.ts", "const a = 1 as any")), "escape")
    fails(Bans.bannedConstructs(file("packages/kernel/src/A.ts", "const t = performance.now()")), "pure")
    passes(inEngine("const t = performance.now()"))
  })
})

describe("shapes", () => {
  const lines = (count: number) => Array.from({ length: count }, (_, index) => `const a${index} = 1`).join("\n") + "\n"

  it("counts the lines of a file", () => {
    passes(Shape.sizes(file("packages/kernel/src/A.ts", lines(Shape.fileLinesMax))))
    fails(Shape.sizes(file("packages/kernel/src/A.ts", lines(Shape.fileLinesMax + 1))), "file-size", "401 lines")
    passes(Shape.sizes(file("packages/kernel/test/A.test.ts", lines(Shape.fileLinesMax + 1))))
  })
  it("counts the lines of a function, however it is written", () => {
    const body = lines(Shape.functionLinesMax)
    for (const text of [`function f() {\n${body}}`, `const f = () => {\n${body}}`, `const o = { m() {\n${body}} }`]) {
      fails(Shape.sizes(file("packages/kernel/src/A.ts", text)), "function-size")
    }
    passes(Shape.sizes(file("packages/kernel/src/A.ts", `function f() {\n${lines(Shape.functionLinesMax - 2)}}`)))
  })
  it("refuses names that say nothing", () => {
    fails(Shape.names(file("packages/kernel/src/RunUtils.ts", "")), "name", "\"Utils\"")
    fails(Shape.names(file("packages/kernel/src/lib/Run.ts", "")), "name", "\"lib\"")
    fails(Shape.names(file("docs/misc/a.md", "")), "name")
    passes(Shape.names(file("packages/engine/src/StepType.ts", "")))
  })
  it("wants modules in PascalCase", () => {
    fails(Shape.names(file("packages/kernel/src/decide.ts", "")), "name", "PascalCase")
    fails(Shape.names(file("packages/kernel/test/run-store.test.ts", "")), "name", "PascalCase")
    passes(Shape.names(file("packages/kernel/test/RunStore.test.ts", "")))
    passes(Shape.names(file("packages/cli/src/main.ts", "")))
  })
})

describe("prose", () => {
  it("wants one title", () => {
    fails(Prose.title(file("docs/a.md", "## Half\n")), "title", "no")
    fails(Prose.title(file("docs/a.md", "# One\n\n# Two\n")), "title", "more than one")
    passes(Prose.title(file("docs/a.md", "# One\n\n```sh\n# a comment\n```\n")))
  })
  it("follows links and anchors", () => {
    const known = new Set(["docs/a.md", "docs/b.md", "examples/x.yaml"])
    const textOf = (path: string) => path === "docs/b.md" ? "# B\n\n## 8.1 Truth: `one`\n" : ""
    const links = (text: string) => Prose.links(file("docs/a.md", text), known, textOf)
    fails(links("[c](c.md)"), "link", "leads nowhere")
    fails(links("[b](b.md#nothing)"), "link", "no heading")
    fails(links("[up](../b.md)"), "link")
    passes(links("[b](b.md#81-truth-one) [x](../examples/) [w](https://example.com) `[no](link.md)`"))
  })
  it("knows the rules and decisions that are cited", () => {
    const rulesKnown = Prose.rulesOf("# S\n\n## 8.2 Attempts\n\n**(a)** One.\n\n- **(b)** Two.\n\n## 8.14 Owners\n")
    const cited = { rules: rulesKnown, decisions: new Set(["0001"]) }
    // The words are put together here, so that the guard does not read this test.
    const cite = (...places: ReadonlyArray<readonly [word: string, number: string]>) =>
      Prose.citations(file("packages/kernel/src/A.ts", places.map((_) => `// ${_.join(" ")}`).join("\n")), cited)
    fails(cite(["SEMANTICS", "8.3"]), "citation", "8.3")
    fails(cite(["SEMANTICS", "8.2c"]), "citation", "8.2c")
    fails(cite(["ADR", "0002"]), "citation", "0002")
    fails(cite(["HANDBOOK", "§1"]), "citation", "HANDBOOK")
    passes(cite(["SEMANTICS", "8.2b"], ["SEMANTICS", "8.2(a)"], ["SEMANTICS", "8.14"], ["ADR", "0001"]))
  })
  it("compares a flow that is shown with its example", () => {
    const textOf = (path: string) => path === "examples/hello.yaml" ? "name: hello\nnodes: {}\n" : undefined
    const shown = (flow: string) => Prose.shownFlows(file("docs/a.md", `# A\n\n\`\`\`yaml\n${flow}\`\`\`\n`), textOf)
    fails(shown("name: hello\nnodes: { a: {} }\n"), "example", "examples/hello.yaml")
    fails(shown("name: other\nnodes: {}\n"), "example", "examples/other.yaml")
    passes(shown("name: hello\nnodes: {}\n"))
    passes(shown("nodes:\n  part: {}\n"))
  })
  it("knows the documents that a comment names", () => {
    const known = new Set(["docs/semantics.md"])
    const comment = (text: string) => Prose.namedDocuments(file("packages/kernel/src/A.ts", text), known)
    fails(comment("// see notes/plan.md"), "link", "notes/plan.md")
    passes(comment("// see semantics.md and docs/semantics.md\nconst path = 'notes/plan.md'"))
  })
  it("finds what belongs to one machine or one network", () => {
    const slash = "/"
    const planted = [
      `cd ${slash}work/main`,
      `see ${slash}root/.npmrc`,
      `${slash}home/ana/baton`,
      `Co-authored-by${":"} somebody`,
      `https${":"}//npm-registry.local/x`
    ]
    for (const text of planted) fails(Prose.workplace(file("docs/a.md", text)), "workplace")
    passes(
      Prose.workplace(
        file("docs/a.md", "packages/work/x, output/work/, https://example.com/work/1, a registry of agents")
      )
    )
  })
})

describe("manifests", () => {
  it("wants exact versions and only what the room may use", () => {
    const manifest = (dependencies: object) =>
      Manifests.manifest(file("packages/engine/package.json", JSON.stringify({ dependencies })))
    fails(manifest({ effect: "^4.1.0" }), "manifest", "exact")
    fails(manifest({ undici: "8.0.0" }), "manifest", "may not depend on undici")
    fails(manifest({ "@baton/server": "0.1.0" }), "manifest", "may not depend on @baton/server")
    passes(manifest({ effect: "4.1.0", "@baton/kernel": "0.1.0" }))
  })
  it("wants a lockfile that works elsewhere", () => {
    const lock = (packages: object) => Manifests.lockfile(file("package-lock.json", JSON.stringify({ packages })))
    fails(lock({ "node_modules/a": { resolved: "https://example.com/a.tgz" } }), "lockfile", "resolved")
    fails(lock({ "": { optionalDependencies: { "a-win": "1.0.0" } } }), "lockfile", "not locked")
    passes(lock({ "node_modules/@baton/cli": { resolved: "packages/cli", link: true } }))
  })
})

describe("exceptions", () => {
  it("suppress what they name, and are reported once nothing is left to suppress", () => {
    const finding: Finding = { rule: "time", path: "packages/cli/src/A.ts", line: 3, message: "" }
    const exception = { rule: "time", path: "packages/cli/src/", reason: "" }
    assert.deepStrictEqual(settle([finding], [exception]), { open: [], stale: [] })
    assert.deepStrictEqual(settle([finding], []), { open: [finding], stale: [] })
    assert.deepStrictEqual(settle([], [exception]), { open: [], stale: [exception] })
  })
})
