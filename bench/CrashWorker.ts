/** One life of the process that W4 kills: the first starts the runs, the second takes them over. */
import { appendFileSync } from "node:fs"
import { setTimeout } from "node:timers/promises"
import * as Flows from "./Flows.ts"
import * as Machine from "./Machine.ts"

export interface Life {
  readonly folder: string
  readonly log: string
  /** Runs to start, or to take over. */
  readonly runs: ReadonlyArray<string>
  readonly takesOver: boolean
  readonly stepMillis: number
}

const tell = (message: unknown): void => {
  process.send?.(message)
}

const life = JSON.parse(process.argv[2] ?? "null") as Life

const linger = async (input: unknown): Promise<null> => {
  const { run, step } = input as { readonly run: string; readonly step: string }
  appendFileSync(life.log, `begin ${run} ${step}\n`)
  await setTimeout(life.stepMillis)
  appendFileSync(life.log, `end ${run} ${step}\n`)
  tell("end")
  return null
}

const machine = await Machine.open({ folder: life.folder, handlers: { linger } })
tell("open")
if (life.takesOver) {
  await machine.adopt()
  tell("done")
  const journals = await Promise.all(life.runs.map(async (run) => [run, await machine.journal(run)] as const))
  await new Promise((sent) => process.send?.({ journals }, sent))
  process.exit(0)
}
await Promise.all(life.runs.map((run) => machine.start(Flows.slowChain, { run }, run).finished))
