/** `deadletters list|show|reprocess|discard`. */
import { Client } from "@baton/contract/Client"
import { type DeadLetterItem, OperatorClient } from "@baton/contract/OperatorClient"
import { ended } from "@baton/contract/RunDocument"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.ts"
import * as Documents from "../Documents.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import type { LettersDiscard, LettersList, LettersReprocess, LettersShow } from "../OperatorRequests.ts"
import { Printer } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"
import * as Operators from "./Operators.ts"
import * as RunControl from "./RunControl.ts"

/** Longest page of `deadletters list`. */
const pageMax = 1_000

const fate = (letter: DeadLetterItem): string =>
  [
    letter.state,
    ...(letter.into === null ? [] : [`as ${letter.into}`]),
    ...(letter.by === null ? [] : [`by ${letter.by}`])
  ].join(" ")

export const lettersList = Effect.fnUntraced(function*(request: LettersList) {
  const printer = yield* Printer
  if (request.limit < 1 || request.limit > pageMax) {
    return yield* Failure.usage("INVALID_VALUE", `--limit ${request.limit}: expected 1 to ${pageMax}`)
  }
  const letters = yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      const operators = yield* OperatorClient
      const run = request.run === undefined ? undefined : yield* client.resolve(request.run)
      return yield* operators.letters({
        limit: request.limit,
        ...(request.state === "all" ? {} : { state: request.state }),
        ...(run === undefined ? {} : { run }),
        ...(request.after === undefined ? {} : { after: request.after })
      })
    })
  )
  const next = letters.length < request.limit ? null : letters.at(-1)?.id ?? null
  yield* printer.listing({
    document: { schema: "baton.deadletters/1", letters: letters as ReadonlyArray<Json>, next },
    items: letters as ReadonlyArray<Json>,
    empty: "no dead letters",
    table: {
      header: ["letter", "run", "step", "attempt", "at", "state", "error"],
      rows: letters.map((letter) => [
        letter.id,
        letter.run,
        letter.path,
        String(letter.attempt),
        letter.at,
        fate(letter),
        `${letter.code} ${letter.message}`
      ])
    }
  })
  if (next !== null) yield* printer.note(`more: baton deadletters list --after ${next}`)
  return exitCodes.done
})

const shown = (letter: DeadLetterItem): string =>
  [
    `${letter.id}  ${fate(letter)}`,
    `${letter.run} ${letter.path}, attempt ${letter.attempt}, ${letter.at}`,
    `${letter.code} ${letter.message}`,
    ...(letter.settledAt === null ? [] : [`settled ${letter.settledAt}`]),
    ...(letter.note === null ? [] : [`note: ${letter.note}`])
  ].map(TerminalText.line).join("\n")

export const lettersShow = Effect.fnUntraced(function*(request: LettersShow) {
  const printer = yield* Printer
  const letter = yield* Backend.withPorts(
    {},
    Effect.flatMap(OperatorClient, (operators) => operators.letter(request.id))
  )
  yield* printer.isJson
    ? printer.document({ schema: "baton.deadletter/1", ...letter })
    : printer.answer(shown(letter))
  return exitCodes.done
})

/** A step that waits is only told to go on: this process begins no step of a run that may live elsewhere. */
const isOver = (id: string) =>
  Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      const operators = yield* OperatorClient
      const letter = yield* operators.letter(id)
      return ended.has((yield* client.show(letter.run)).status)
    })
  )

export const lettersReprocess = Effect.fnUntraced(function*(request: LettersReprocess) {
  const modifications = request.modify === undefined ? undefined : yield* Documents.json(request.modify, "--modify")
  const execute = !request.detach && (yield* isOver(request.id))
  return yield* Backend.withPorts(
    { handlers: request.handlers, execute },
    Effect.gen(function*() {
      const operators = yield* OperatorClient
      const done = yield* operators.reprocess(request.id, {
        allowIrreversible: request.allowIrreversible,
        ...(modifications === undefined ? {} : { modifications }),
        ...Operators.signed(request)
      })
      const { id, path, run } = done.letter
      if (done.kind === "run") return yield* Operators.follow(request, "reprocessed", run, done.made)
      return yield* RunControl.receipt(`${id} reprocessed run=${run} step=${path}`, {
        letter: id,
        action: "reprocessed",
        run,
        step: path
      })
    })
  )
})

export const lettersDiscard = Effect.fnUntraced(function*(request: LettersDiscard) {
  return yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const operators = yield* OperatorClient
      const { id } = yield* operators.discard(request.id, request.note, request.as)
      return yield* RunControl.receipt(`${id} discarded`, { letter: id, action: "discarded" })
    })
  )
})
