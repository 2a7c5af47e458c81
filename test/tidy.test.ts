/** The rules of the house, run over every tracked file. What each rule catches is shown in `tidy/Guards.test.ts`. */
import { assert, describe, it } from "vitest"
import * as Bans from "./tidy/Bans.ts"
import { exceptions, settle } from "./tidy/Exceptions.ts"
import { type Finding, show, type SourceFile } from "./tidy/Finding.ts"
import * as Imports from "./tidy/Imports.ts"
import * as Manifests from "./tidy/Manifests.ts"
import * as Prose from "./tidy/Prose.ts"
import * as Repository from "./tidy/Repository.ts"
import * as Shape from "./tidy/Shape.ts"

const paths = Repository.paths()
const files = paths.flatMap((path) => Repository.read(path) ?? [])
const known = new Set(paths)
const textOf = (path: string) => files.find((file) => file.path === path)?.text
/** Corpora are other people's words: they keep their own shape, but hold nothing of a machine either. */
const own = files.filter((file) => !/(^|\/)corpora\//.test(file.path) && file.path !== "package-lock.json")

const cited: Prose.Cited = {
  rules: Prose.rulesOf(textOf("docs/semantics.md") ?? ""),
  decisions: new Set(paths.flatMap((path) => /^docs\/decisions\/(\d{4})-/.exec(path)?.[1] ?? []))
}

const over = (guard: (file: SourceFile) => ReadonlyArray<Finding>): ReadonlyArray<Finding> => own.flatMap(guard)

const guards: ReadonlyArray<readonly [promise: string, findings: () => ReadonlyArray<Finding>]> = [
  ["a room imports only the rooms below it and the packages it is allowed", () => over(Imports.walls)],
  ["no files need each other in a circle", () => Imports.circles(own)],
  ["time, chance, timers, environment, console, eval and fetch come from services", () => over(Bans.bannedConstructs)],
  ["files and functions are short enough to read", () => over(Shape.sizes)],
  ["names say what a module is about", () => over(Shape.names)],
  ["a Markdown file has one title", () => over(Prose.title)],
  ["a relative link leads somewhere", () => over((file) => Prose.links(file, known, textOf))],
  ["a whole flow in a document is the example of its name", () => over((file) => Prose.shownFlows(file, textOf))],
  ["a document named in a comment is in the repository", () => over((file) => Prose.namedDocuments(file, known))],
  ["a rule or decision that is cited exists", () => over((file) => Prose.citations(file, cited))],
  ["nothing of one machine or one network is in the repository", () => over(Prose.workplace)],
  ["a manifest names exact versions of what its room may use", () => over(Manifests.manifest)],
  ["the lockfile serves every platform and names no host", () => files.flatMap(Manifests.lockfile)]
]

describe("the house is tidy", () => {
  const all: Array<Finding> = []
  for (const [promise, findings] of guards) {
    it(promise, () => {
      const found = findings()
      all.push(...found)
      assert.deepStrictEqual(settle(found, exceptions).open.map(show), [])
    })
  }
  it("what somebody makes in a clone is theirs: no check looks at it, and all that is of the project is looked at", () => {
    const theirs = [
      "report.md",
      "flow.yaml",
      "handlers.ts",
      "prices.json",
      "output/hello.txt",
      "flows/mine.yaml",
      ".baton/key"
    ]
    assert.deepStrictEqual(Repository.ignored(theirs), theirs)
    assert.deepStrictEqual(Repository.ignored(paths.slice(0, 400)), [])
    assert.deepStrictEqual(Repository.ignored(paths.slice(400)), [])
  })
  it("an exception is still needed", () => {
    assert.deepStrictEqual(settle(all, exceptions).stale, [])
  })
})
