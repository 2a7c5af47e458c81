/** What is shipped: a flow that compiles, and a library that is worth searching. */
import * as Compile from "@baton/kernel/Compile"
import { assert, it } from "@effect/vitest"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import * as Recipes from "../src/Recipes.ts"

it("ships flows that compile without a problem, under the name they are asked for", () => {
  for (const { name, text, url } of Recipes.flows) {
    const { plan, problems } = Compile.check(text, `${name}.yaml`)
    assert.deepStrictEqual(problems, [])
    assert.strictEqual(plan?.name, name)
    assert.strictEqual(readFileSync(url, "utf8"), text)
  }
})

it("ships documents of an article's length, each with one title", () => {
  const names = readdirSync(Recipes.shippedDocuments.folder)
  assert.isAtLeast(names.length, 12)
  for (const name of names) {
    const text = readFileSync(join(Recipes.shippedDocuments.folder, name), "utf8")
    const words = text.split(/\s+/).length
    assert.isTrue(words >= 400 && words <= 1_200, `${name} has ${words} words`)
    assert.strictEqual(text.match(/^# /gm)?.length, 1)
  }
})
