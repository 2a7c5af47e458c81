/** Asks before something is gone. */
import * as Effect from "effect/Effect"
import * as Failure from "../Failure.ts"
import { Printer } from "../Printer.ts"
import { Screen } from "../Screen.ts"
import * as TerminalText from "../TerminalText.ts"

/** Goes on only after yes: from `-y`, or from the person at the terminal. */
export const require = Effect.fnUntraced(function*(what: string) {
  const printer = yield* Printer
  if (printer.globals.yes) return
  if (!printer.interactive) {
    return yield* Failure.usage("CONFIRMATION_NEEDED", `${what} needs a yes, and nobody can be asked here`, "add -y")
  }
  const { stdin } = yield* Screen
  const answer = yield* stdin.ask(`${TerminalText.line(what)}? [y/N] `, { hidden: false })
  if (!/^\s*y(es)?\s*$/i.test(answer)) return yield* Failure.usage("NOT_CONFIRMED", `${what}: not done`)
})
