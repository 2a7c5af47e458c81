/** `runs retry|skip|abort|fork`: what operators do to waiting steps, and runs made from other runs. */
import { type Actor, Client, type StepResolution } from "@baton/contract/Client"
import { type ForkRun, type MadeRun, OperatorClient, type RetryRun } from "@baton/contract/OperatorClient"
import { ended, type RunDocument } from "@baton/contract/RunDocument"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.ts"
import * as Documents from "../Documents.ts"
import * as ExitCode from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import type { Waiting } from "../Invocation.ts"
import type { RunsAbort, RunsFork, RunsRetry, RunsSkip } from "../OperatorRequests.ts"
import { Printer } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"
import * as RunControl from "./RunControl.ts"
import * as WaitedRun from "./WaitedRun.ts"

/** Why, and who says so. */
export const signed = (
  { as, note }: { readonly as: string | undefined; readonly note: string | undefined }
): Actor & { readonly note?: string } => ({
  ...(note === undefined ? {} : { note }),
  ...(as === undefined ? {} : { by: as })
})

const resolveStep = (
  request: { readonly run: string; readonly step: string },
  action: "retry" | "skip" | "abort",
  verb: string,
  options: StepResolution
) =>
  RunControl.act(
    request,
    verb,
    { step: request.step },
    (client, run) => client.resolveStep(run, request.step, action, options)
  )

export const runsSkip = Effect.fnUntraced(function*(request: RunsSkip) {
  const output = request.output === undefined ? undefined : yield* Documents.json(request.output, "--output")
  const options = { ...(output === undefined ? {} : { output }), ...signed(request) }
  return yield* resolveStep(request, "skip", "skipped", options)
})

export const runsAbort = (request: RunsAbort) => resolveStep(request, "abort", "aborted", signed(request))

const whatIsIt = (run: string) =>
  Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      const id = yield* client.resolve(run)
      return { id, isOver: ended.has((yield* client.show(id)).status) }
    })
  )

export const runsRetry = Effect.fnUntraced(function*(request: RunsRetry) {
  const { delay, step } = request
  const modifications = request.modify === undefined ? undefined : yield* Documents.json(request.modify, "--modify")
  const { id, isOver } = yield* whatIsIt(request.run)
  if (isOver) {
    if (delay !== undefined) {
      return yield* Failure.usage("FLAGS_CONFLICT", `${id} is over: --delay is for a step that waits`)
    }
    const retry: RetryRun = {
      run: id,
      allowIrreversible: request.allowIrreversible,
      ...(step === undefined ? {} : { step }),
      ...(modifications === undefined ? {} : { modifications }),
      ...signed(request)
    }
    return yield* newRun(request, "retried", id, (operators) => operators.retry(retry))
  }
  if (step === undefined) {
    return yield* new Failure.Failure({
      exit: ExitCode.exitCodes.notFound,
      code: "RUN_NOT_FINISHED",
      what: `${id} is not over: name the step that is to be tried again`,
      hint: `baton runs explain ${id}, or a new run: baton runs fork ${id}`
    })
  }
  return yield* resolveStep({ run: id, step }, "retry", "retrying", {
    ...(delay === undefined ? {} : { delayMs: delay }),
    ...(modifications === undefined ? {} : { modifications }),
    ...signed(request)
  })
})

export interface NewRun extends Waiting {
  readonly handlers: string | undefined
  readonly detach: boolean
}

type Made = (operators: OperatorClient["Service"]) => ReturnType<OperatorClient["Service"]["fork"]>

export const lineOf = ({ document, guarded, reused, running }: MadeRun, verb: string, source: string): string =>
  [
    `${document.id} ${verb} from=${source}`,
    `reused=${reused}`,
    `running=${running.length}`,
    ...(guarded.length === 0 ? [] : [`asks=${guarded.join(",")}`])
  ].join(" ")

/** Says what becomes of the steps of a run that was made, and waits for its end as for any other run. */
export const follow = Effect.fnUntraced(function*(request: NewRun, verb: string, source: string, made: MadeRun) {
  const printer = yield* Printer
  const line = TerminalText.line(lineOf(made, verb, source))
  const { document, guarded, reused, running } = made
  if (request.detach) {
    const full: Json = { schema: "baton.made/1", run: document.id, source, verb, reused, running, guarded }
    yield* printer.isJson ? printer.document(full) : printer.answer(line)
    return ExitCode.exitCodes.done
  }
  if (printer.isJson || printer.progress === "jsonl") yield* printer.note(line)
  else yield* printer.answer(line)
  const answer = (last: RunDocument) =>
    printer.answer(typeof last.output === "string" ? last.output : TerminalText.json(last.output))
  return yield* WaitedRun.wait(document, {
    ...request,
    fromStart: true,
    owned: (yield* Backend.Executor) === "process",
    again: [["data", printer.globals.data], ["server", printer.globals.server], ["handlers", request.handlers]],
    answer
  })
})

const newRun = Effect.fnUntraced(function*(request: NewRun, verb: string, source: string, make: Made) {
  return yield* Backend.withPorts(
    { handlers: request.handlers, execute: !request.detach },
    Effect.gen(function*() {
      return yield* follow(request, verb, source, yield* make(yield* OperatorClient))
    })
  )
})

const fieldsOf = Effect.fnUntraced(function*(request: RunsFork) {
  if (request.set.length === 0) return undefined
  const fields = yield* Documents.input({ set: request.set, input: undefined }, undefined)
  return fields as JsonObject
})

export const runsFork = Effect.fnUntraced(function*(request: RunsFork) {
  const stdin = [request.input, request.flow, request.patch].filter((from) => from === "-")
  if (stdin.length > 1) return yield* Failure.usage("FLAGS_CONFLICT", "stdin can be one of flow, input and patch")
  const input = request.input === undefined
    ? undefined
    : yield* Documents.input({ set: [], input: request.input }, undefined)
  const flow = request.flow === undefined ? undefined : yield* Documents.flowReference(request.flow)
  const patch = request.patch === undefined
    ? undefined
    : yield* Documents.json(yield* Documents.read(request.patch), request.patch)
  const set = yield* fieldsOf(request)
  const { id } = yield* whatIsIt(request.run)
  const fork: ForkRun = {
    run: id,
    allowIrreversible: request.allowIrreversible,
    ...(request.at === undefined ? {} : { at: request.at }),
    ...(input === undefined ? {} : { input }),
    ...(set === undefined ? {} : { set }),
    ...(flow === undefined ? {} : { flow }),
    ...(patch === undefined ? {} : { patch }),
    ...(request.allowUnknownPrice ? { allowUnknownPrice: true } : {}),
    ...signed(request)
  }
  return yield* newRun(request, "forked", id, (operators) => operators.fork(fork))
})
