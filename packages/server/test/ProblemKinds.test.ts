/** Every problem that the surface makes itself is told at its `type`, with its codes; and nothing is told that is not there. */
import { allKinds, earlyKinds } from "@baton/contract/http/ProblemKinds"
import * as Problems from "@baton/contract/http/Problems"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { folder, serve } from "./Served.ts"

const folderOf = (room: string) => fileURLToPath(new URL(`../../${room}/src`, import.meta.url))

const texts = ["server", "contract"].flatMap((room) =>
  readdirSync(folderOf(room), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith("ProblemKinds.ts"))
    .map((name) => readFileSync(join(folderOf(room), name), "utf8"))
)

const kebab = (name: string) => name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => `-${letter}`).toLowerCase()
const early = ["TooSlow", "TargetTooLong", "HeadersTooLarge", "UpgradeRequired", "Unexpected"]

describe("a kind of problem", () => {
  it("has every code that the surface gives under it", () => {
    const names = [...Problems.problems.map((kind) => kind.name), ...early]
    for (const text of texts) {
      for (const [, name = "", code = ""] of text.matchAll(/new ([A-Z]\w+)\(\s*\{\s*code: "([\w]+)"/g)) {
        if (!names.includes(name)) continue
        assert.property(allKinds[kebab(name)]?.codes ?? {}, code, name)
      }
    }
  })

  it("has no code that nobody gives", () => {
    const all = texts.join("\n")
    for (const [kind, { codes }] of Object.entries(allKinds)) {
      for (const code of Object.keys(codes)) assert.include(all, `"${code}"`, kind)
    }
  })

  it.live("is told where its type leads", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* serve(yield* folder)
      for (const [kind, { status, title }] of Object.entries(allKinds)) {
        const { json } = yield* server.get(`/problems/${kind}`)
        assert.deepInclude(json, { type: `/problems/${kind}`, status, title })
        assert.isAbove(json.codes.length, 0, kind)
      }
      assert.strictEqual(Object.keys(earlyKinds).length, early.length)
    })), 60_000)
})
