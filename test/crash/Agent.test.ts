/** An agent whose process is killed in the middle of its conversation: what is paid stays paid, what is done stays done. */
import type { Failpoint } from "@baton/engine/Failpoint"
import { assert, describe, it } from "vitest"
import { play } from "./AgentScene.ts"

interface Death {
  readonly point: Failpoint
  readonly n: number
}

/** After each of these everything the model and the tools said so far is durable, and nothing irreversible is open. */
const durable: ReadonlyArray<Death> = [
  { point: "agent.after-turn-recorded", n: 1 },
  { point: "agent.after-result-recorded", n: 1 },
  { point: "agent.after-turn-recorded", n: 2 },
  { point: "agent.after-result-recorded", n: 2 },
  { point: "agent.after-turn-recorded", n: 3 },
  { point: "worker.after-attempt-before-completion", n: 1 }
]

/** The irreversible call is announced, and nobody has said what came of it. */
const open: ReadonlyArray<Death> = [
  { point: "agent.after-call-announced", n: 1 },
  { point: "agent.after-call-before-result", n: 2 }
]

const nameOf = ({ n, point }: Death): string => `${point} (${n})`

// One after the other: most of a life is the start of a process, and two of them fill a small machine.
describe("a process that is killed in the middle of an agent's conversation", { timeout: 60_000 }, () => {
  for (const death of durable) {
    it(`pays each turn once and makes each call once: ${nameOf(death)}`, () =>
      play(async ({ journal, live, reached }) => {
        assert.isFalse(await live(death), "it dies")
        assert.isTrue(await live(), "the next one ends by itself")
        const { state } = await journal()
        assert.deepStrictEqual(state.finished?.output, { v: "Charged 7." }, state.finished?.message)
        assert.deepStrictEqual(reached.turns, [1, 2, 3])
        assert.deepStrictEqual([reached.lookup.length, reached.charge.length], [1, 1])
        assert.deepInclude(state.nodes.get(0).usage, { calls: 3, inputTokens: 300, outputTokens: 30 })
      }))
  }

  for (const death of open) {
    it(`parks the step for a person and makes the call at most once: ${nameOf(death)}`, () =>
      play(async ({ journal, live, reached }) => {
        assert.isFalse(await live(death), "it dies")
        assert.isTrue(await live(), "the next one rests")
        const { state } = await journal()
        const { status, wait } = state.nodes.get(0)
        assert.deepInclude({ status, ...wait }, { status: "waiting", kind: "operator", reason: "unknown_outcome" })
        assert.isAtMost(reached.charge.length, 1)
        assert.deepStrictEqual(reached.turns, [1, 2])
      }))
  }

  it("makes an idempotent call whose result was lost again under the same key", () =>
    play(async ({ journal, live, reached }) => {
      assert.isFalse(await live({ point: "agent.after-call-before-result", n: 1 }))
      assert.isTrue(await live())
      assert.strictEqual((await journal()).state.finished?.status, "succeeded")
      assert.strictEqual(reached.lookup.length, 2)
      assert.strictEqual(new Set(reached.lookup).size, 1)
      assert.deepStrictEqual(reached.turns, [1, 2, 3])
    }))
})
