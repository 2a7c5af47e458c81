/** The real program, stopped for a new version and killed by its own steps. */
import { assert, describe, it } from "vitest"
import { atDesk, document, runIn } from "../endtoend/Baton.ts"

const handlers = `
import { appendFileSync, existsSync, watch } from "node:fs"
const open = () => existsSync("open")
let begun = 0
export const work = (n, { attempt }) =>
  new Promise((resolve) => {
    appendFileSync("begun.log", \`\${n} \${attempt}\\n\`)
    if (++begun === 200) process.stderr.write("200 begun\\n")
    const look = () => open() && (watcher?.close(), resolve(n))
    const watcher = open() ? undefined : watch(".", look)
    look()
  })
export const beside = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve, 1)))
export const die = () => process.abort()
`

const items = 1_000

const many = {
  name: "many",
  limits: { parallel: items, steps: 2_000 },
  nodes: [{
    id: "all",
    type: "map",
    parallel: items,
    over: "${ input }",
    each: { type: "function", function: "work", input: "${ item }" }
  }],
  edges: [],
  output: "${ nodes.all.output.succeeded }"
}

interface JournalEvent {
  readonly type: string
  readonly data: { readonly [field: string]: unknown }
}

describe.concurrent("the program", { timeout: 120_000 }, () => {
  it(
    "fault 09: SIGTERM while 1,000 steps run: what runs ends, nothing is lost or charged a retry, the next version goes on",
    atDesk(async (desk) => {
      desk.write("handlers.mjs", handlers)
      desk.write("many.json", many)
      desk.write("input.json", Array.from({ length: items }, (_, index) => index))
      const args = ["--handlers", "handlers.mjs"]
      const live = desk.start(["run", "many.json", "--input", "input.json", ...args])
      await live.said("200 begun")
      live.kill("SIGTERM")
      await live.said("Stopping")
      desk.write("open", "")
      const stopped = await live.end
      assert.strictEqual(stopped.exit, 143, stopped.err)
      const run = runIn(stopped.out)

      const resumed = await desk.run("runs", "resume", run, ...args, "--json")
      assert.deepStrictEqual([resumed.exit, document(resumed).output], [0, items], resumed.err)
      // Each item began once, as its first attempt: what was under way was let finish, the rest had not begun.
      const begun = desk.read("begun.log").trimEnd().split("\n")
      assert.strictEqual(begun.length, items)
      assert.strictEqual(new Set(begun).size, items)
      assert.isTrue(begun.every((line) => line.endsWith(" 1")))
    })
  )

  it(
    "fault 19: a step that takes its process down each time ends in the dead letters; the others go on",
    atDesk(async (desk) => {
      desk.write("handlers.mjs", handlers)
      desk.write("open", "")
      desk.write("poison.json", {
        name: "poison",
        nodes: [
          { id: "good", type: "function", function: "work", input: 1 },
          { id: "bad", type: "function", function: "die", onFailure: "continue" },
          { id: "after", type: "function", function: "work", input: 2 }
        ],
        edges: [{ from: "good", to: "bad" }, { from: "bad", to: "after" }],
        output: "${ nodes.after.output }"
      })
      const args = ["--handlers", "handlers.mjs"]
      const first = await desk.run("run", "poison.json", ...args)
      assert.strictEqual(first.signal, "SIGABRT", first.err)
      const run = runIn(first.out)
      for (const death of [2, 3]) {
        const next = await desk.run("runs", "resume", run, ...args)
        assert.strictEqual(next.signal, "SIGABRT", `death ${death}: ${next.err}`)
      }
      const last = await desk.run("runs", "resume", run, ...args, "--json")
      assert.deepStrictEqual([last.exit, document(last).status, document(last).output], [0, "warned", 2], last.err)
      const journal = await desk.run("runs", "journal", run, "--json")
      const { events }: { readonly events: ReadonlyArray<JournalEvent> } = document(journal)
      const failed = events.filter((event) => JSON.stringify(event).includes("\"POISON\""))
      assert.strictEqual(failed.length, 1)
    })
  )

  it(
    "fault 19: steps that run beside the one that takes the process down do not share its fate",
    atDesk(async (desk) => {
      desk.write("handlers.mjs", handlers)
      desk.write("open", "")
      const beside = ["a", "b", "c"].map((id) => ({ id, type: "function", function: "beside", onFailure: "continue" }))
      desk.write("poison.json", {
        name: "poison",
        nodes: [...beside, { id: "bad", type: "function", function: "die", onFailure: "continue" }],
        edges: []
      })
      const args = ["--handlers", "handlers.mjs"]
      const first = await desk.run("run", "poison.json", ...args)
      assert.strictEqual(first.signal, "SIGABRT", first.err)
      const run = runIn(first.out)
      for (const death of [2, 3]) {
        const next = await desk.run("runs", "resume", run, ...args)
        assert.strictEqual(next.signal, "SIGABRT", `death ${death}: ${next.err}`)
      }
      const last = await desk.run("runs", "resume", run, ...args, "--json")
      const { steps }: { steps: ReadonlyArray<{ path: string; status: string }> } = document(last)
      assert.deepStrictEqual(
        steps.map(({ path, status }) => `${path} ${status}`),
        ["a succeeded", "b succeeded", "c succeeded", "bad failed"]
      )
    })
  )
})
