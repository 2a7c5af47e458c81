/** W4: kills a process half-way through its runs, starts another, and looks at what was lost and what was done twice. */
import type { Event } from "@baton/kernel/Event"
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { appendFileSync, readFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as CrashLog from "./CrashLog.ts"
import type { Life } from "./CrashWorker.ts"
import { chainLength } from "./Flows.ts"
import type { Figures } from "./Report.ts"

const runsMax = 200
const stepMillis = 50

const worker = fileURLToPath(new URL("CrashWorker.ts", import.meta.url))

/** As the `baton` command does, so that a restart does not read all sources anew. */
const compileCache = join(tmpdir(), "baton-bench-cache")

const begin = (life: Life): ChildProcess =>
  fork(worker, [JSON.stringify(life)], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache }
  })

/** Resolves at the `count`-th message that fits. */
const told = (child: ChildProcess, fits: (message: unknown) => boolean, count = 1): Promise<unknown> =>
  new Promise((resolve, reject) => {
    let left = count
    child.on("message", (message) => {
      if (fits(message) && --left === 0) resolve(message)
    })
    child.on("exit", (code, signal) => reject(new Error(`the worker ended with ${signal ?? code}`)))
  })

const isJournals = (message: unknown): boolean =>
  typeof message === "object" && message !== null && "journals" in message

export const measure = async (folder: string): Promise<Figures> => {
  const steps = runsMax * chainLength
  const life: Life = {
    folder: join(folder, "store"),
    log: join(folder, "steps.log"),
    runs: Array.from({ length: runsMax }, (_, index) => `run_${index}`),
    takesOver: false,
    stepMillis
  }
  const first = begin(life)
  await told(first, (message) => message === "end", steps / 2)
  const gone = once(first, "exit")
  first.kill("SIGKILL")
  const killed = performance.now()
  await gone
  appendFileSync(life.log, "kill\n")
  const second = begin({ ...life, takesOver: true })
  const open = told(second, (message) => message === "open").then(() => performance.now() - killed)
  const done = told(second, (message) => message === "done").then(() => performance.now() - killed)
  const journals = told(second, isJournals)
  const [killToOpenMillis, killToDoneMillis, answer] = await Promise.all([open, done, journals])
  return CrashLog.assess({
    lines: readFileSync(life.log, "utf8").trim().split("\n"),
    journals: new Map(
      (answer as { readonly journals: ReadonlyArray<readonly [string, ReadonlyArray<Event>]> }).journals
    ),
    steps,
    stepMillis,
    killToDoneMillis,
    killToOpenMillis
  })
}
