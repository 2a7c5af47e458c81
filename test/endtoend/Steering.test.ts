/** Runs that wait, and commands from other processes that move them on. */
import { assert, describe, it } from "vitest"
import { atDesk, codeOf, document, handlers, runIn } from "./Baton.ts"

const waits = `
name: waits
nodes:
  one: { value: 1 }
  ack: { needs: [one], wait: { event: ack }, timeout: 5m }
  done: { needs: [ack], value: "by \${ needs.ack.by }" }
output: "\${ nodes.done.output }"
`

const asks = `
name: asks
nodes:
  charge: { function: boom, onFailure: ask }
  done: { needs: [charge], value: "\${ needs.charge }" }
output: "\${ nodes.done.output }"
`

describe.concurrent("steering", { timeout: 90_000 }, () => {
  it(
    "an event, a pause and a resume from other processes reach the run where it lives",
    atDesk(async (desk) => {
      desk.write("waits.yaml", waits)
      const live = desk.start(["run", "waits.yaml"])
      await live.said("ack waiting")

      assert.match((await desk.run("runs", "pause", "@last")).out, /^run_\w+ paused\n$/)
      await live.said("paused by=local")
      assert.match((await desk.run("runs", "send", "@last", "ack", "-i", "by=ana")).out, /^run_\w+ sent event=ack\n$/)
      await live.said("ack succeeded")
      const { reasons } = document(await desk.run("runs", "explain", "@last", "--json"))
      assert.deepStrictEqual(reasons.map((reason: { reason: string }) => reason.reason), ["paused", "paused"])
      const resumed = await desk.run("runs", "resume", "@last")
      const ended = await live.end
      assert.deepStrictEqual([resumed.exit, resumed.out.split("\n")[1]], [0, "by ana"])
      assert.deepStrictEqual([ended.exit, ended.out.split("\n")[1]], [0, "by ana"], ended.err)
    })
  )

  it(
    "a cancel from another process ends the run where it lives, and tells what runs",
    atDesk(async (desk) => {
      desk.write("hangs.json", { name: "hangs", nodes: { a: { function: "hang" } } })
      const live = desk.start(["run", "hangs.json", "--handlers", handlers])
      await live.said("hang begun")
      const cancelled = await desk.run("runs", "cancel", "@last", "--reason", "wrong input")
      const { err, exit } = await live.end
      assert.deepStrictEqual([cancelled.exit, exit], [0, 4], err)
      assert.include(err, "error[CANCELLED]: wrong input")
      assert.strictEqual(desk.read("effects.log"), "hang aborted\n")
    })
  )

  it(
    "--detach submits and begins nothing; a resume needs the functions, and finishes",
    atDesk(async (desk) => {
      desk.write("flow.json", { name: "notes", nodes: { a: { function: "note", input: "a" } } })
      const detached = await desk.run("run", "flow.json", "--handlers", handlers, "--detach")
      const run = runIn(detached.out)
      assert.deepStrictEqual([detached.exit, detached.out], [0, `${run} submitted flow=notes version=0.0.0\n`])
      assert.throws(() => desk.read("effects.log"))
      const without = await desk.run("runs", "resume", run)
      assert.deepStrictEqual([without.exit, codeOf(without)], [2, "FUNCTION_UNKNOWN"], without.err)
      const resumed = await desk.run("runs", "resume", run, "--handlers", handlers)
      assert.strictEqual(resumed.exit, 0, resumed.err)
      assert.strictEqual(desk.read("effects.log"), "note a\n")
      const over = await desk.run("runs", "resume", run, "--handlers", handlers)
      assert.deepStrictEqual([over.exit, codeOf(over)], [7, "RUN_ENDED"], over.err)
    })
  )

  it(
    "--wait-timeout stops waiting and says what would end the wait; who tells a resting run begins no step",
    atDesk(
      async (desk) => {
        desk.write("flow.json", {
          name: "rests",
          nodes: { ack: { wait: { event: "ack" } }, a: { needs: ["ack"], function: "note", input: "a" } }
        })
        const stopped = await desk.run("run", "flow.json", "--handlers", handlers, "--wait-timeout", "100ms")
        const run = runIn(stopped.out)
        assert.strictEqual(stopped.exit, 6, stopped.err)
        assert.include(stopped.err, `  try: baton runs send ${run} ack\n`)
        assert.include(stopped.err, `  resume: baton runs resume ${run} --handlers `)
        assert.strictEqual((await desk.run("runs", "send", run, "ack")).exit, 0)
        assert.throws(() => desk.read("effects.log"))
        const resumed = await desk.run("runs", "resume", run, "--handlers", handlers)
        assert.deepStrictEqual([resumed.exit, desk.read("effects.log")], [0, "note a\n"], resumed.err)
      }
    )
  )

  it(
    "a failed step that asks waits for a person: exit 5, and a skip with an output goes on",
    atDesk(async (desk) => {
      desk.write("asks.yaml", asks)
      const asked = await desk.run("run", "asks.yaml", "--handlers", handlers, "--no-input")
      const run = runIn(asked.out)
      assert.strictEqual(asked.exit, 5, asked.err)
      assert.include(asked.err, `  try: baton runs retry|skip|abort ${run} charge\n`)
      const skipped = await desk.run("runs", "skip", run, "charge", "--output", "{\"id\":1}")
      assert.deepStrictEqual(
        [skipped.exit, skipped.out],
        [0, `${run} skipped step=charge\n`],
        skipped.err
      )
      const resumed = await desk.run("runs", "resume", run, "--handlers", handlers, "--json", "--strict")
      assert.deepStrictEqual([resumed.exit, document(resumed).output], [10, { id: 1 }], resumed.err)
    })
  )

  it(
    "the deadline ends a run and tells what runs",
    atDesk(async (desk) => {
      desk.write("late.json", { name: "late", limits: { deadline: "300ms" }, nodes: { a: { function: "hang" } } })
      const { err, exit } = await desk.run("run", "late.json", "--handlers", handlers)
      assert.strictEqual(exit, 3, err)
      assert.include(err, "error[DEADLINE_EXCEEDED]")
      assert.strictEqual(desk.read("effects.log"), "hang aborted\n")
    })
  )

  it(
    "a run whose child waits for a person stops waiting with 5, and names the child's door",
    atDesk(async (desk) => {
      const asks = { name: "asks", nodes: { gate: { approval: "Ship it?" } } }
      desk.write("outer.json", { name: "outer", nodes: { call: { flow: asks } } })
      const { err, exit } = await desk.run("run", "outer.json")
      assert.strictEqual(exit, 5, err)
      assert.match(err, /call\/gate: gate waits for a decision: Ship it\?/)
      const child = /waits for its run (run_\w+)/.exec(err)?.[1]
      assert.include(err, `baton approvals approve|reject ${child} gate`)
    })
  )
})
