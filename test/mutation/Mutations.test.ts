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

  it("break each promise in at least two ways", () => {
    const counts = new Map<string, number>()
    for (const { promise } of mutations) counts.set(promise, (counts.get(promise) ?? 0) + 1)
    const all = Array.from({ length: 13 }, (_, index) => `K${index + 1}`)
    assert.deepStrictEqual(all.filter((promise) => (counts.get(promise) ?? 0) < 2), [])
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
