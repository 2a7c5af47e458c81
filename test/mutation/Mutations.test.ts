/** The list of mutations is kept up with the sources; `npm run mutate` tries them. */
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import type { Mutation } from "./Mutation.ts"
import { applies, apply } from "./Mutation.ts"
import { mutations } from "./Mutations.ts"

const read = (file: string): string => readFileSync(fileURLToPath(new URL(`../../${file}`, import.meta.url)), "utf8")

const title = ({ breaks, promise }: Mutation): string => `${promise}: ${breaks}`

describe("mutations", () => {
  it("each apply exactly once and change something", () => {
    const lost = mutations.filter((mutation) => {
      const source = read(mutation.file)
      return !applies(mutation, source) || apply(mutation, source) === source
    })
    assert.deepStrictEqual(lost.map(title), [])
  })

  it("name a test that is there", () => {
    const lost = mutations.filter(({ test: [file, name] }) => {
      const source = read(file)
      // Titles that are put together hold their parts.
      return name !== undefined && !source.includes(name) && !/^K\d+: $|^seeds \d+ to \d+$/.test(name)
    })
    assert.deepStrictEqual(lost.map(title), [])
  })
})
