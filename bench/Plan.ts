/** Which measurements a command line asks for, in the order in which they are made. */
import { parseArgs } from "node:util"
import type { Cell } from "./Report.ts"

export interface Options {
  readonly workloads: ReadonlyArray<string>
  readonly subjects: ReadonlyArray<string>
  readonly repeats: number
  /** Widths of W2, steps of W0. */
  readonly sizes: ReadonlyArray<number>
  /** Length of one W1 measurement. */
  readonly seconds: number
  /** Runs of one W3 measurement. */
  readonly runs: number
}

export const usage =
  `npm run bench -- [w0 w1 w2 w3 w4] [--repeats 3] [--subject engine|floor|kernel] [--size N] [--seconds 5] [--runs 300]`

/** Who takes part in which workload. */
export const subjects: { readonly [workload: string]: ReadonlyArray<string> } = {
  w0: ["kernel"],
  w1: ["engine", "floor"],
  w2: ["engine", "floor"],
  w3: ["engine", "floor"],
  w4: ["engine"]
}

const positive = (name: string, text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} wants a whole number from 1, not ${text}`)
  return value
}

const known = (kind: string, given: ReadonlyArray<string>, all: ReadonlyArray<string>): ReadonlyArray<string> => {
  for (const name of given) if (!all.includes(name)) throw new Error(`no ${kind} ${name}: there are ${all.join(", ")}`)
  return given.length === 0 ? all : all.filter((name) => given.includes(name))
}

/** Throws an error that says what is wrong with the arguments. */
export const parse = (args: ReadonlyArray<string>): Options => {
  const { positionals, values } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      repeats: { type: "string", default: "3" },
      seconds: { type: "string", default: "5" },
      runs: { type: "string", default: "300" },
      size: { type: "string", multiple: true, default: ["100", "1000", "10000"] },
      subject: { type: "string", multiple: true, default: [] }
    }
  })
  return {
    workloads: known("workload", positionals, Object.keys(subjects)),
    subjects: known("subject", values.subject, ["engine", "floor", "kernel"]),
    repeats: positive("repeats", values.repeats),
    sizes: values.size.map((text) => positive("size", text)),
    seconds: positive("seconds", values.seconds),
    runs: positive("runs", values.runs)
  }
}

/** The kernel is measured on graphs of many nodes and on maps of many items, the fan-out on maps. */
const variantsOf = (workload: string, sizes: ReadonlyArray<number>): ReadonlyArray<string> => {
  if (workload === "w0") return ["nodes", "items"].flatMap((shape) => sizes.map((size) => `${shape} ${size}`))
  return workload === "w2" ? sizes.map(String) : [""]
}

/** One round: every cell once. Rounds are repeated, so that cells take turns. */
export const round = (options: Options): ReadonlyArray<Cell> =>
  options.workloads.flatMap((workload) => {
    const variants = variantsOf(workload, options.sizes)
    const taking = (subjects[workload] ?? []).filter((subject) => options.subjects.includes(subject))
    return variants.flatMap((variant) => taking.map((subject) => ({ workload, subject, variant })))
  })
