/** The real program in its own process: what a shell sees. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"

const bin = fileURLToPath(new URL("../bin/baton.mjs", import.meta.url))
const scripted = fileURLToPath(new URL("fixtures/ScriptedBaton.ts", import.meta.url))
const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))

const start = (program: string, args: ReadonlyArray<string>) => {
  const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, LANG: "C.UTF-8", CI: "" } })
  let out = ""
  let err = ""
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text))
  child.stdin.end()
  return {
    child,
    /** Resolves once stderr holds the text. */
    said: async (text: string) => {
      while (!err.includes(text)) await once(child.stderr, "data")
    },
    end: async () => {
      const [exit, signal] = await once(child, "close")
      return { exit, signal, out, err }
    }
  }
}

const baton = (...args: ReadonlyArray<string>) => start(bin, args).end()

describe("the process", () => {
  it("prints its version", async () => {
    assert.deepInclude(await baton("--version"), { exit: 0, out: `${version}\n`, err: "" })
    assert.deepInclude(await baton("--version", "-q"), { exit: 0, out: `${version}\n`, err: "" })
  })

  it("prints help that was asked for on stdout, examples first", async () => {
    const { err, exit, out } = await baton("run", "--help")
    assert.deepStrictEqual([exit, err], [0, ""])
    assert.match(out, /^baton run: .*\n\nExamples\n {2}baton run hello\.yaml -i name=Ada/)
  })

  it("prints how to start on stderr when nothing was asked for", async () => {
    const { err, exit, out } = await baton()
    assert.deepStrictEqual([exit, out], [2, ""])
    assert.include(err, "Commands\n  run")
  })

  it("refuses an unknown command with the nearest one", async () => {
    const { err, exit, out } = await baton("rnu", "x")
    assert.deepStrictEqual([exit, out], [2, ""])
    assert.strictEqual(err, "error[UNKNOWN_COMMAND]: baton has no command \"rnu\"\n  try: baton run\n")
  })

  it("answers a refusal under --json with a problem document", async () => {
    const { exit, out } = await baton("runs", "list", "--limt", "3", "--json")
    assert.strictEqual(exit, 2)
    assert.deepInclude(JSON.parse(out), { schema: "baton.problem/1", code: "UNKNOWN_FLAG", hint: "--limit", exit: 2 })
  })

  it("survives a reader that went away", async () => {
    const run = start(scripted, ["run", "hello"])
    run.child.stdout.destroy()
    const { err, exit } = await run.end()
    assert.strictEqual(exit, 0, err)
    assert.isTrue(err.endsWith("baton: run=run_0001 state=succeeded exit=0\n"), err)
  })

  for (const [signal, exit] of [["SIGINT", 130], ["SIGTERM", 143], ["SIGHUP", 129]] as const) {
    it(`${signal} stops in order and leaves the way back: ${exit}`, async () => {
      const run = start(scripted, ["run", "slow"])
      await run.said("slow version")
      run.child.kill(signal)
      const answer = await run.end()
      assert.deepStrictEqual([answer.exit, answer.signal], [exit, null])
      const lines = answer.err.trimEnd().split("\n").slice(-2)
      assert.deepStrictEqual(lines, [
        "resume: baton runs resume run_0001",
        `baton: run=run_0001 state=interrupted exit=${exit}`
      ])
    })
  }
})
