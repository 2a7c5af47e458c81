/** A store that cannot serve: a clear error, exit 2, nothing lost, and work goes on once it serves again. */
import { execFileSync } from "node:child_process"
import { existsSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { assert, describe, it } from "vitest"
import { atDesk, type Desk, document, type Ended, handlers, runIn } from "./Baton.ts"

const hello = { name: "hello", nodes: { a: { value: "hello" } }, output: "${ nodes.a.output }" }

/** `error[CODE]`, what to try, exit 2, nothing on stdout, no stack. */
const isRefused = (ended: Ended, code: string): void => {
  assert.deepStrictEqual([ended.exit, ended.out], [2, ""], ended.err)
  assert.match(ended.err, new RegExp(`^error\\[${code}\\]: .+\\n {2}try: .+\\n$`))
}

/** Mounts need root, which a person's machine and most runners do not give. */
const canMount = (() => {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return false
  try {
    execFileSync("unshare", ["--mount", "true"], { stdio: "ignore" })
    return true
  } catch {
    return false
  }
})()

const mounted = (mount: (desk: Desk, disk: string) => Promise<void>) =>
  atDesk(async (desk) => {
    const disk = desk.path("disk")
    desk.write("disk/.keep", "")
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=3m", "tmpfs", disk])
    try {
      await mount(desk, disk)
    } finally {
      await desk.stop()
      execFileSync("umount", [disk])
    }
  })

describe.concurrent("a store that is", { timeout: 90_000 }, () => {
  it(
    "not a store is refused, and doctor says so with exit 11",
    atDesk(
      async (desk) => {
        desk.write("hello.json", hello)
        desk.write("garbage/baton.db", "this is no database ".repeat(1000))

        isRefused(await desk.run("run", "hello.json", "--data", "garbage"), "STORE_CORRUPT")

        const doctor = await desk.run("doctor", "--data", "garbage", "--json")
        assert.deepStrictEqual([doctor.exit, document(doctor).ok], [11, false])
        assert.deepInclude(document(doctor).findings.at(-1), { id: "store.open", status: "fail" })
      }
    )
  )

  it(
    "locked by another program, or written by a newer version, is refused and left as it is",
    atDesk(async (desk) => {
      desk.write("hello.json", hello)
      assert.strictEqual((await desk.run("run", "hello.json")).exit, 0)
      const database = new DatabaseSync(desk.path(".baton/baton.db"))
      database.exec("BEGIN IMMEDIATE")
      isRefused(await desk.run("run", "hello.json"), "STORE_BUSY")
      database.exec("ROLLBACK")
      database.exec("PRAGMA user_version = 999")
      isRefused(await desk.run("run", "hello.json"), "STORE_NEWER")
      assert.deepInclude(database.prepare("PRAGMA user_version").get(), { user_version: 999 })
      database.close()
    })
  )

  it.runIf(existsSync("/proc/self"))(
    "where no folder can be made is refused, not waited for",
    atDesk(async (desk) => {
      desk.write("hello.json", hello)
      isRefused(await desk.run("run", "hello.json", "--data", "/proc/baton/data"), "STORE_READ_ONLY")
    })
  )

  it.runIf(canMount)(
    "full keeps what was accepted, refuses more, and works again when there is space",
    mounted(
      async (desk) => {
        desk.write("gate.json", { name: "gate", nodes: { a: { function: "gate", input: "go" } } })
        const live = desk.start(["run", "gate.json", "--handlers", handlers, "--data", "disk/data"])
        await live.said("gate begun")
        for (const size of ["64k", "1k"]) {
          execFileSync("sh", ["-c", `dd if=/dev/zero of=disk/fill${size} bs=${size} || true`], {
            cwd: desk.folder,
            stdio: "ignore"
          })
        }
        // The live run cannot write its step's end now: it says so and keeps trying.
        desk.write("go", "")
        await live.said("The store did not take a commit")
        desk.write("hello.json", hello)
        isRefused(await desk.run("run", "hello.json", "--data", "disk/data"), "STORE_FULL")
        execFileSync("sh", ["-c", "rm disk/fill*"], { cwd: desk.folder })
        const ended = await live.end
        assert.strictEqual(ended.exit, 0, ended.err)
        assert.strictEqual(desk.read("effects.log"), "gate begun\ngate open\n")
        const { runs } = document(await desk.run("runs", "list", "--data", "disk/data", "--json"))
        assert.deepStrictEqual(runs.map((run: { status: string }) => run.status), ["succeeded"])
      }
    )
  )

  it.runIf(canMount)(
    "read-only is refused, and its runs go on when it is writable again",
    mounted(async (desk, disk) => {
      desk.write("waits.json", { name: "waits", nodes: { ack: { wait: { event: "ack" } } } })
      const waits = await desk.run("run", "waits.json", "--data", "disk/data", "--wait-timeout", "50ms")
      assert.strictEqual(waits.exit, 6)
      execFileSync("mount", ["-o", "remount,ro", disk])
      isRefused(await desk.run("runs", "send", "@last", "ack", "--data", "disk/data"), "STORE_READ_ONLY")
      execFileSync("mount", ["-o", "remount,rw", disk])
      const sent = await desk.run("runs", "send", runIn(waits.out), "ack", "--data", "disk/data")
      assert.strictEqual(sent.exit, 0, sent.err)
    })
  )
})
