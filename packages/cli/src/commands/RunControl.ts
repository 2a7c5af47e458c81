/** `runs send|cancel|pause|delete|prune`: writes; each prints one stable line, or one document. */
import { Client, type ClientError } from "@baton/contract/Client"
import type { Json } from "@baton/kernel/Value"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.ts"
import * as Documents from "../Documents.ts"
import { exitCodes } from "../ExitCode.ts"
import type { RunsCancel, RunsDelete, RunsPause, RunsPrune, RunsSend } from "../Invocation.ts"
import { Printer } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"
import * as Confirmation from "./Confirmation.ts"

export const receipt = Effect.fnUntraced(function*(line: string, document: { readonly [key: string]: Json }) {
  const printer = yield* Printer
  yield* printer.isJson
    ? printer.document({ schema: "baton.receipt/1", ...document })
    : printer.answer(TerminalText.line(line))
  return exitCodes.done
})

/** Resolves the run, acts on it, and prints the receipt. */
export const act = <R>(
  request: { readonly run: string },
  verb: string,
  detail: { readonly [key: string]: Json },
  action: (client: Client["Service"], run: string) => Effect.Effect<void, ClientError, R>
) =>
  Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      const run = yield* client.resolve(request.run)
      yield* action(client, run)
      const extra = Object.entries(detail).map(([key, value]) =>
        ` ${key}=${typeof value === "string" ? value : JSON.stringify(value)}`
      )
      return yield* receipt(`${run} ${verb}${extra.join("")}`, { run, action: verb, ...detail })
    })
  )

export const runsSend = Effect.fnUntraced(function*(request: RunsSend) {
  const data = yield* Documents.input(request, undefined)
  return yield* act(
    request,
    "sent",
    { event: request.name },
    (client, run) => client.send(run, request.name, data, request.id)
  )
})

export const runsCancel = (request: RunsCancel) =>
  act(request, "cancelling", {}, (client, run) => client.cancel(run, request.reason, request.as))

export const runsPause = (request: RunsPause) =>
  act(request, "paused", {}, (client, run) => client.pause(run, request.as))

export const runsDelete = (request: RunsDelete) =>
  Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      const run = yield* client.resolve(request.run)
      yield* Confirmation.require(`delete ${run} and everything that belongs to it`)
      yield* client.remove(run)
      return yield* receipt(`${run} deleted`, { run, action: "deleted" })
    })
  )

export const runsPrune = Effect.fnUntraced(function*(request: RunsPrune) {
  yield* Confirmation.require(`delete all runs that ended at least ${TerminalText.clock(request.olderThan)} ago`)
  const now = yield* Clock.currentTimeMillis
  return yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      const deleted = yield* client.prune(now - request.olderThan)
      return yield* receipt(`pruned runs=${deleted}`, { action: "pruned", runs: deleted })
    })
  )
})
