/** What keeps a store in order, and the commands around it: delete, prune, backup, doctor, completion, drawings. */
import { execFileSync } from "node:child_process"
import { readdirSync } from "node:fs"
import { assert, describe, it } from "vitest"
import { atDesk, codeOf, document, runIn } from "./Baton.ts"

const hello = { name: "hello", nodes: { a: { value: "hello" } }, output: "${ nodes.a.output }" }

const choice = `
name: shapes
nodes:
  route: { choice: { left: input.x > 0, right: otherwise } }
  left: { needs: [route.left], value: 1 }
  right: { needs: [route.right], map: "\${ [1] }", each: { value: 2 } }
`

describe.concurrent("upkeep", { timeout: 90_000 }, () => {
  it(
    "a backup is a store; runs that ended can be deleted and pruned, others not",
    atDesk(async (desk) => {
      desk.write("hello.json", hello)
      desk.write("waits.json", { name: "waits", nodes: { ack: { wait: { event: "ack" } } } })
      const one = runIn((await desk.run("run", "hello.json")).out)

      const open = runIn((await desk.run("run", "waits.json", "--detach")).out)

      const backup = await desk.run("backup", "copy/baton.db", "--json")
      assert.strictEqual(backup.exit, 2, "the folder is not there")
      assert.strictEqual(document(backup).code, "BACKUP_UNWRITABLE")
      desk.write("copy/.keep", "")
      const written = await desk.run("backup", "copy/baton.db", "--json")
      assert.deepInclude(document(written), { schema: "baton.backup/1", runs: 2 }, written.err)

      const unasked = await desk.run("runs", "delete", one)
      assert.deepStrictEqual([unasked.exit, codeOf(unasked)], [2, "CONFIRMATION_NEEDED"])

      const unfinished = await desk.run("runs", "delete", open, "-y")
      assert.deepStrictEqual([unfinished.exit, codeOf(unfinished)], [7, "RUN_NOT_FINISHED"])
      assert.strictEqual((await desk.run("runs", "prune", "--older-than", "1ms", "-y")).out, "pruned runs=1\n")

      const ids = ({ out }: { out: string }) => document({ out }).runs.map((run: { id: string }) => run.id)
      assert.deepStrictEqual(ids(await desk.run("runs", "list", "--json")), [open])
      const copied = await desk.run("runs", "list", "--data", "copy", "--json")
      assert.deepStrictEqual(ids(copied), [open, one], copied.err)
      const doctor = await desk.run("doctor", "--json")
      const { findings } = document(doctor)
      assert.deepStrictEqual([doctor.exit, document(doctor).ok], [0, true])
      assert.deepInclude(findings.find((finding: { id: string }) => finding.id === "runs.owned"), { status: "warn" })
    })
  )

  it(
    "flows are checked and drawn without leaving anything behind",
    atDesk(async (desk) => {
      desk.write("flow.yaml", choice)
      const [check, canonical, mermaid] = await Promise.all([
        desk.run("flows", "check", "flow.yaml"),
        desk.run("flows", "show", "flow.yaml", "--canonical"),

        desk.run("flows", "graph", "flow.yaml", "--format", "mermaid")
      ])
      assert.deepStrictEqual([check.exit, check.out], [0, "flow.yaml: ok\n"], check.err)
      const { edges, nodes } = document(canonical)
      assert.deepStrictEqual(nodes.map((node: { type: string }) => node.type), ["choice", "transform", "map"])
      assert.deepStrictEqual(edges.map((edge: { from: string; to: string }) => [edge.from, edge.to]), [
        ["route", "left"],
        ["route", "right"]
      ])

      assert.match(mermaid.out, /^flowchart TD\n(.*\n)* {2}n0 -->\|"left"\| n1\n/)
      assert.deepStrictEqual(readdirSync(desk.folder), ["flow.yaml"])
    })
  )

  it(
    "the completion script is read by its shell",
    atDesk(async (desk) => {
      const script = await desk.run("completion", "bash")
      desk.write("baton.bash", script.out)
      const loaded = execFileSync("bash", ["-ec", ". ./baton.bash; complete -p baton"], {
        cwd: desk.folder,
        encoding: "utf8"
      })
      assert.match(loaded, /baton$/m)
    })
  )
})
