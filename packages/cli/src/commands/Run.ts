/** `run`, `runs watch` and `runs resume`. */
import { Client, type StartRun } from "@baton/contract/Client"
import { ended, type RunDocument } from "@baton/contract/RunDocument"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.ts"
import * as BudgetFlag from "../BudgetFlag.ts"
import * as Documents from "../Documents.ts"
import * as ExitCode from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import type { RunFlow, RunsResume, RunsWatch } from "../Invocation.ts"
import { Printer, type PrinterService } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"
import * as WaitedRun from "./WaitedRun.ts"

/** A run's output on stdout: text as it is, everything else as JSON. */
const outputAnswer = (printer: PrinterService, document: RunDocument) =>
  printer.answer(typeof document.output === "string" ? document.output : TerminalText.json(document.output))

const again = (printer: PrinterService, handlers: string | undefined) =>
  [["data", printer.globals.data], ["server", printer.globals.server], ["handlers", handlers]] as const

/** `-i` fields are typed by the flow's input schema, so the document is looked at first. */
const inputSchema = Effect.fnUntraced(function*(flow: Documents.FlowReference, needed: boolean) {
  if (!needed || !("text" in flow)) return undefined
  const client = yield* Client
  const { canonical } = yield* client.checkFlow(flow.text, flow.file)
  return typeof canonical === "object" && canonical !== null && !Array.isArray(canonical)
    ? (canonical as { readonly [key: string]: Json })["input"]
    : undefined
})

export const runFlow = Effect.fnUntraced(function*(request: RunFlow) {
  const printer = yield* Printer
  if (request.flow === "-" && request.input === "-") {
    return yield* Failure.usage("FLAGS_CONFLICT", "stdin can be the flow or the input, not both")
  }
  const flow = yield* Documents.flowReference(request.flow)
  const agents = yield* Documents.pairs("agent", request.agent)
  const tags = yield* Documents.pairs("tag", request.tag)
  const budget = yield* BudgetFlag.read(request.budget, false)
  return yield* Backend.withPorts(
    { handlers: request.handlers, execute: !request.detach },
    Effect.gen(function*() {
      const client = yield* Client
      const input = yield* Documents.input(request, yield* inputSchema(flow, request.set.length > 0))
      const start: StartRun = {
        flow,
        input,
        ...(Object.keys(tags).length === 0 ? {} : { tags }),
        ...(Object.keys(agents).length === 0 ? {} : { agents }),
        ...(budget === undefined ? {} : { budget }),
        ...(request.allowUnknownPrice ? { allowUnknownPrice: true } : {}),
        ...(request.as === undefined ? {} : { by: request.as }),
        ...(request.detach ? { submitOnly: true } : {})
      }
      const document = yield* client.start(start)
      if (request.detach) {
        yield* printer.isJson
          ? printer.document(document)
          : printer.answer(`${document.id} submitted flow=${document.flow} version=${document.version}`)
        return ExitCode.exitCodes.done
      }
      yield* announce(document, "started")
      const answer = (last: RunDocument) => outputAnswer(printer, last)
      return yield* WaitedRun.wait(document, {
        ...request,
        fromStart: true,
        owned: (yield* Backend.Executor) === "process",
        again: again(printer, request.handlers),
        answer
      })
    })
  )
})

/** The stable line of a write: on stdout, unless stdout is one document or the events themselves. */
const announce = Effect.fnUntraced(function*(document: RunDocument, verb: string) {
  const printer = yield* Printer
  if (printer.isJson || printer.progress === "jsonl") return
  yield* Effect.catchTag(
    printer.answer(`${document.id} ${verb} flow=${document.flow} version=${document.version}`),
    "OutputClosed",
    () => Effect.void
  )
})

/** Watching a run that nobody executes would show nothing for ever. */
const warnUnowned = Effect.fnUntraced(function*(document: RunDocument) {
  if (ended.has(document.status)) return
  const client = yield* Client
  const printer = yield* Printer
  const reason = (yield* client.explain(document.id)).find((reason) => reason.reason === "no_owner")
  if (reason !== undefined) {
    yield* printer.note(TerminalText.line(`warning[NO_OWNER]: ${reason.message}; try: ${reason.door}`))
  }
})

export const runsWatch = Effect.fnUntraced(function*(request: RunsWatch) {
  return yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const printer = yield* Printer
      const client = yield* Client
      const document = yield* client.show(yield* client.resolve(request.run))
      yield* warnUnowned(document)
      const answer = (last: RunDocument) => outputAnswer(printer, last)
      return yield* WaitedRun.wait(document, {
        ...request,
        fromStart: false,
        owned: false,
        again: again(printer, undefined),
        answer
      })
    })
  )
})

export const runsResume = Effect.fnUntraced(function*(request: RunsResume) {
  const budget = yield* BudgetFlag.read(request.budget, true)
  return yield* Backend.withPorts(
    { handlers: request.handlers, execute: !request.detach },
    Effect.gen(function*() {
      const printer = yield* Printer
      const client = yield* Client
      const run = yield* client.resolve(request.run)
      const before = yield* client.show(run)
      if (ended.has(before.status)) {
        return yield* new Failure.Failure({
          exit: ExitCode.exitCodes.notFound,
          code: "RUN_ENDED",
          what: `${run} is over: ${before.status}`,
          hint: `baton runs show ${run}`
        })
      }
      yield* client.resume(run, {
        ...(budget === undefined ? {} : { budget }),
        ...(request.allowUnknownPrice ? { allowUnknownPrice: true } : {}),
        ...(request.as === undefined ? {} : { by: request.as })
      })
      if (request.detach) {
        yield* printer.isJson ? printer.document(yield* client.show(run)) : printer.answer(`${run} resumed`)
        return ExitCode.exitCodes.done
      }
      const document = yield* client.show(run)
      yield* announce(document, "resumed")
      const answer = (last: RunDocument) => outputAnswer(printer, last)
      return yield* WaitedRun.wait(document, {
        ...request,
        fromStart: false,
        owned: (yield* Backend.Executor) === "process",
        again: again(printer, request.handlers),
        answer
      })
    })
  )
})
