/** A run that is waited for: progress while it goes on, its answer when it is over, the way back when it is not. */
import { Client } from "@baton/contract/Client"
import type { Reason, RunDocument } from "@baton/contract/RunDocument"
import * as Effect from "effect/Effect"
import * as ExitCode from "../ExitCode.ts"
import type * as Failure from "../Failure.ts"
import { Farewell } from "../Farewell.ts"
import type { Waiting } from "../Invocation.ts"
import { Printer } from "../Printer.ts"
import * as Follow from "../progress/Follow.ts"
import type { OutputClosed } from "../Screen.ts"
import * as TerminalText from "../TerminalText.ts"
import * as Verdict from "../Verdict.ts"

export interface WaitedOptions extends Waiting {
  /** From the first event, for a run that this command started. */
  readonly fromStart: boolean
  /** This process executes the run: without it the run rests until it is resumed. */
  readonly owned: boolean
  /** Flags that the command leading back to the run needs besides its id. */
  readonly again: ReadonlyArray<readonly [flag: string, value: string | undefined]>
  /** What is done with the output of a run that is done, before anything is printed. */
  readonly keep?: (document: RunDocument) => Effect.Effect<void, Failure.Failure>
  /** How the answer is printed when the run is done; the whole document under `--json`. */
  readonly answer: (document: RunDocument) => Effect.Effect<void, OutputClosed | Failure.Failure>
}

/** A word as a POSIX shell reads it back. */
const quote = (word: string): string => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)

const wayBack = (run: string, options: WaitedOptions): string => {
  const flags = options.again.flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag} ${quote(value)}`]))
  const command = options.owned ? "resume: baton runs resume" : "watch again: baton runs watch"
  return TerminalText.line([command, run, ...flags].join(" "))
}

/** Waits, answers, and gives the exit code. */
export const wait = Effect.fnUntraced(function*(document: RunDocument, options: WaitedOptions) {
  const farewell = yield* Farewell
  farewell.set((exit) => [
    options.owned ? "Stopped in order; nothing that finished is lost." : "No longer watching; the run goes on.",
    wayBack(document.id, options),
    TerminalText.line(`baton: run=${document.id} state=interrupted exit=${exit}`)
  ])
  const followed = yield* Effect.onInterrupt(
    Follow.follow(document, options),
    () => options.owned ? Effect.ignore(tellGrace(document.id)) : Effect.void
  )
  farewell.set(undefined)
  const exit = yield* conclude(followed, options)
  farewell.conclude()
  return exit
})

/** A process that executes the run does not drop what runs: it says why it is still there. */
const tellGrace = Effect.fnUntraced(function*(run: string) {
  const printer = yield* Printer
  const client = yield* Client
  const running = (yield* client.explain(run)).filter(isRunning).length
  if (running > 0) yield* printer.say(graceText(running))
})

const isRunning = (reason: Reason): boolean => reason.reason === "running"

const graceText = (running: number): string =>
  `Stopping: ${running === 1 ? "1 running step gets" : `${running} running steps get`} up to 30 s to end; ` +
  "Ctrl-C stops at once."

const exitOf = (followed: Follow.Followed, strict: boolean): number =>
  ExitCode.ofStatus(followed.document.status, strict) ??
    (followed.stopped === "human" ? ExitCode.exitCodes.humanNeeded : ExitCode.exitCodes.stoppedWaiting)

const conclude = Effect.fnUntraced(function*(followed: Follow.Followed, options: WaitedOptions) {
  const printer = yield* Printer
  const { document } = followed
  const exit = exitOf(followed, options.strict)
  for (const warning of document.warnings.slice(0, warningsMax)) {
    yield* printer.note(TerminalText.line(`warning[${warning.code}]: ${warning.message}`))
  }
  if (document.warnings.length > warningsMax) {
    yield* printer.note(`and ${document.warnings.length - warningsMax} more warnings`)
  }
  if (followed.stopped !== "ended") yield* unfinished(followed, options)
  else if (document.status === "failed" || document.status === "cancelled") yield* printer.say(outcomeText(document))
  const answered = yield* answer(document, options)
  const code = answered === ExitCode.exitCodes.done ? exit : answered
  yield* printer.say(Verdict.line(document, code))
  return code
})

/** Keeps and prints the answer. The run has ended whether or not it can be given: a reader that left changes nothing. */
const answer = Effect.fnUntraced(function*(document: RunDocument, options: WaitedOptions) {
  const printer = yield* Printer
  const isDone = document.status === "succeeded" || document.status === "warned"
  const keep = isDone && options.keep !== undefined ? options.keep(document) : Effect.void
  const print = printer.progress === "jsonl"
    ? Effect.void
    : printer.isJson
    ? printer.document(document)
    : isDone
    ? options.answer(document)
    : Effect.void
  return yield* Effect.as(Effect.andThen(keep, print), ExitCode.exitCodes.done).pipe(
    Effect.catchTags({
      OutputClosed: () => Effect.succeed(ExitCode.exitCodes.done),
      Failure: (failure) => Effect.as(printer.failure(failure), failure.exit)
    })
  )
})

/** Warnings listed one by one. */
const warningsMax = 20

const outcomeText = (document: RunDocument): string => {
  const code = document.error?.code ?? document.code
  const where = document.error?.path === undefined ? "" : ` (step ${document.error.path})`
  const what = TerminalText.line(`error[${code}]: ${document.error?.message ?? document.reason}${where}`)
  return `${what}\n  try: baton runs show ${document.id}`
}

const unfinished = Effect.fnUntraced(function*(followed: Follow.Followed, options: WaitedOptions) {
  const printer = yield* Printer
  const { document, reasons, stopped } = followed
  yield* printer.say(
    stopped === "human"
      ? `error[HUMAN_NEEDED]: ${document.id} waits for a decision, and nobody can be asked here`
      : `error[STOPPED_WAITING]: ${document.id} is not over yet`
  )
  const told = stopped === "human" ? reasons.filter(({ reason }) => reason !== "upstream") : reasons
  for (const reason of told.slice(0, reasonsMax)) {
    const where = reason.path === null ? "" : `${reason.path}: `
    yield* printer.say(TerminalText.line(`  why: ${where}${reason.message}`))
    if (reason.door !== "") yield* printer.say(TerminalText.line(`  try: ${reason.door}`))
  }
  yield* printer.say(`  ${wayBack(document.id, options)}`)
  const running = reasons.filter(isRunning).length
  if (options.owned && running > 0) yield* printer.say(graceText(running))
})

/** Reasons listed one by one. */
const reasonsMax = 10
