/** What a patched list has kept, over random edits. */
import { align } from "@baton/kernel/Alignment"
import { assert, describe, it } from "@effect/vitest"
import { Chance } from "./random/Chance.ts"

interface Item {
  readonly name: number
}

const edit = (list: ReadonlyArray<Item>, chance: Chance): ReadonlyArray<Item> => {
  const made = [...list]
  for (let times = chance.int(0, 5); times > 0; times--) {
    const place = chance.int(0, made.length)
    const way = chance.next()
    if (way < 0.4) made.splice(place, 0, { name: -times })
    else if (way < 0.6) made.splice(place, 1)
    else if (way < 0.8) made.splice(place, 1, { name: -times })
    else made.splice(chance.int(0, made.length), 0, ...made.splice(place, 1))
  }
  return made
}

describe("Alignment", () => {
  it("pairs every object that both lists hold, and nothing else", () => {
    for (let seed = 0; seed < 2_000; seed++) {
      const chance = new Chance(seed)
      const earlier = Array.from({ length: chance.int(0, 12) }, (_, name): Item => ({ name }))
      const later = edit(earlier, chance)
      const { after, before } = align(earlier, later)
      assert.deepStrictEqual([...before], later.map((item) => earlier.indexOf(item)), `seed ${seed}`)
      assert.deepStrictEqual([...after], earlier.map((item) => later.indexOf(item)), `seed ${seed}`)
    }
  })
})
