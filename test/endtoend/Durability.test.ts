/** Processes that die or are stopped in the middle of a run, and what is left for the next one. */
import { assert, describe, it } from "vitest"
import { atDesk, type Desk, document, handlers, runIn } from "./Baton.ts"

const flow = `
name: crash
nodes:
  before: { function: note, input: before }
  gate: { needs: [before], function: gate, input: go }
  after: { needs: [gate], function: note, input: after }
output: "\${ nodes.after.output }"
`

/** A run of that flow, up to where its gate is closed. */
const atTheGate = async (desk: Desk) => {
  desk.write("flow.yaml", flow)
  const live = desk.start(["run", "flow.yaml", "--handlers", handlers])
  await live.said("gate begun")
  return live
}

const openGate = (desk: Desk) => desk.write("go", "")

describe.concurrent("durability", { timeout: 90_000 }, () => {
  it(
    "a run survives kill -9: it is listed, explained, and resumed without doing again what had ended",
    atDesk(
      async (desk) => {
        const live = await atTheGate(desk)
        live.kill("SIGKILL")
        assert.strictEqual((await live.end).signal, "SIGKILL")
        // Another run beside it neither takes it over nor trips over it.
        desk.write("other.json", { name: "other", nodes: { a: { value: 1 } } })
        assert.strictEqual((await desk.run("run", "other.json")).exit, 0)
        const { runs: [, left] } = document(await desk.run("runs", "list", "--json"))
        assert.deepInclude(left, { flow: "crash", status: "running", endedAt: null, seq: 4 })
        const { reasons: [first] } = document(await desk.run("runs", "explain", left.id, "--json"))
        assert.deepInclude(first, { reason: "no_owner", door: `baton runs resume ${left.id}` })

        openGate(desk)
        const resumed = await desk.run("runs", "resume", left.id, "--handlers", handlers, "--json")
        assert.deepStrictEqual([resumed.exit, document(resumed).output], [0, "after"], resumed.err)
        const effects = ["note before", "gate begun", "gate begun", "gate open", "note after"]
        assert.deepStrictEqual(desk.read("effects.log").trimEnd().split("\n"), effects)
      }
    )
  )

  it(
    "a run that waits for another one is resumed together with it after kill -9, and neither is started twice",
    atDesk(
      async (desk) => {
        desk.write("inner.yaml", flow)
        await desk.run("flows", "publish", "inner.yaml")
        desk.write("outer.json", {
          name: "outer",
          nodes: { call: { flow: "crash" } },
          output: "${ nodes.call.output }"
        })
        const live = desk.start(["run", "outer.json", "--handlers", handlers])
        await live.said("gate begun")
        live.kill("SIGKILL")
        await live.end
        openGate(desk)
        const resumed = await desk.run("runs", "resume", "@last", "--handlers", handlers, "--json")
        assert.deepStrictEqual([resumed.exit, document(resumed).output], [0, "after"], resumed.err)
        const effects = ["note before", "gate begun", "gate begun", "gate open", "note after"]
        assert.deepStrictEqual(desk.read("effects.log").trimEnd().split("\n"), effects)
        const { runs } = document(await desk.run("runs", "list", "--json"))
        assert.deepStrictEqual(runs.map((run: { flow: string; status: string }) => [run.flow, run.status]), [
          ["crash", "succeeded"],
          ["outer", "succeeded"]
        ])
      }
    )
  )

  it(
    "two terminals side by side each finish their runs",
    atDesk(async (desk) => {
      const one = await atTheGate(desk)
      const two = await atTheGate(desk)

      openGate(desk)
      const [first, second] = await Promise.all([one.end, two.end])
      assert.deepStrictEqual([first.exit, second.exit], [0, 0], first.err + second.err)
      assert.notStrictEqual(runIn(first.out), runIn(second.out))
      assert.strictEqual(desk.read("effects.log").match(/note after/g)?.length, 2)
    })
  )

  it(
    "Ctrl-C waits for what runs, keeps it, and prints the way back",
    atDesk(async (desk) => {
      const live = await atTheGate(desk)
      live.kill("SIGINT")
      await live.said("Stopping: 1 running step gets up to 30 s to end")
      openGate(desk)
      const { err, exit, out } = await live.end
      const run = runIn(out)
      assert.strictEqual(exit, 130, err)
      assert.include(err, `\nresume: baton runs resume ${run} --handlers `)
      assert.isTrue(err.endsWith(`baton: run=${run} state=interrupted exit=130\n`), err)
      const resumed = await desk.run("runs", "resume", run, "--handlers", handlers)
      assert.strictEqual(resumed.exit, 0, resumed.err)
      const effects = ["note before", "gate begun", "gate open", "note after"]
      assert.deepStrictEqual(desk.read("effects.log").trimEnd().split("\n"), effects)
    })
  )
})
