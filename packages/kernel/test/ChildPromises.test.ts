/** The kernel's promises over random flows that call flows. A failing seed is in the message; it fails again. */
import * as Child from "@baton/kernel/Child"
import { violations } from "@baton/kernel/Invariants"
import * as Outstanding from "@baton/kernel/Outstanding"
import { assert, describe, it } from "vitest"
import { Chance } from "./random/Chance.ts"
import * as ChildWorld from "./random/ChildWorld.ts"

const seeds = Array.from({ length: 400 }, (_, index) => index + 1)

describe("flows that call flows", () => {
  it("K1, K4, K10, K11, K12 hold after every record, and every run comes to an end", () => {
    for (const seed of seeds) {
      try {
        ChildWorld.drive(new Chance(seed), (state) => {
          const found = violations(state)
          if (found.length > 0) throw new Error(found.join("; "))
        })
      } catch (error) {
        throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
      }
    }
  })

  it("K3 each child is started once and ends once", () => {
    for (const seed of seeds) {
      const started = new Set<string>()
      const events = ChildWorld.drive(new Chance(seed), () => undefined)
      for (const event of events) {
        if (event.type !== "StepWaiting" || event.wait.kind !== "child") continue
        assert.isFalse(started.has(event.wait.run), `seed ${seed}: ${event.wait.run} is started twice`)
        started.add(event.wait.run)
      }
    }
  })

  it("K4 a run is not finished while a child of it is not over", () => {
    for (const seed of seeds) {
      ChildWorld.drive(new Chance(seed), (state) => {
        if (state.finished !== undefined) assert.deepStrictEqual(Outstanding.children(state), [], `seed ${seed}`)
        for (const { attempt, path, wait } of Outstanding.children(state)) {
          assert.strictEqual(wait.run, Child.runOf(state.run, state.createdAt, path, attempt), `seed ${seed}`)
        }
      })
    }
  })
})
