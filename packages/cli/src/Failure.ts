/** Why a command ends without its answer: what people read, and the code that scripts read. */
import type { ClientError } from "@baton/contract/Client"
import type { Json } from "@baton/kernel/Value"
import * as Data from "effect/Data"
import * as ExitCode from "./ExitCode.ts"

/** `what` and `why` are raw text; they are made safe when they are printed. */
export class Failure extends Data.TaggedError("Failure")<{
  readonly exit: number
  readonly code: string
  readonly what: string
  readonly why?: string
  readonly hint?: string
  readonly problems?: ReadonlyArray<Json>
}> {}

/** The command line itself is wrong. */
export const usage = (code: string, what: string, hint?: string): Failure =>
  new Failure({ exit: ExitCode.exitCodes.usage, code, what, ...(hint === undefined ? {} : { hint }) })

export const fromClientError = (error: ClientError): Failure =>
  new Failure({
    exit: ExitCode.ofClientError(error.reason),
    code: error.code,
    what: error.message,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
    ...(error.problems === undefined ? {} : { problems: error.problems })
  })

/** What a bug looks like from outside; its details stay out of sight but for the message. */
export const fromDefect = (defect: unknown): Failure =>
  new Failure({
    exit: ExitCode.exitCodes.bug,
    code: "INTERNAL",
    what: defect instanceof Error ? `${defect.name}: ${defect.message}` : String(defect),
    why: "this is a bug in Baton, not in what you asked for",
    hint: "baton doctor --json   (add its output to a report)"
  })
