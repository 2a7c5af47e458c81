/** What is said when a signal ends the program: the commands that know a run leave the lines that lead back to it. */
import * as Context from "effect/Context"

export class Farewell extends Context.Service<Farewell, {
  /** Lines for stderr, given the exit code; the last one set counts. */
  readonly set: (lines: ((exit: number) => ReadonlyArray<string>) | undefined) => void
  readonly lines: (exit: number) => ReadonlyArray<string>
  /** All is said: from here on only the end of the process is waited for, and a signal needs no order any more. */
  readonly conclude: () => void
  readonly isConcluded: () => boolean
}>()("baton/cli/Farewell") {}

export const make = (): Farewell["Service"] => {
  let current: ((exit: number) => ReadonlyArray<string>) | undefined
  let concluded = false
  return {
    set: (lines) => {
      current = lines
    },
    lines: (exit) => current?.(exit) ?? [],
    conclude: () => {
      concluded = true
    },
    isConcluded: () => concluded
  }
}
