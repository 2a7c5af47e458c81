/** `research`: the shipped deep-research flow over a question and documents; the answer is the report. */
import { Client } from "@baton/contract/Client"
import type { RunDocument } from "@baton/contract/RunDocument"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import { createHash } from "node:crypto"
import { readFile, writeFile } from "node:fs/promises"
import { resolve } from "node:path"
import * as Backend from "../Backend.ts"
import * as ExitCode from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import type { Research } from "../Invocation.ts"
import { Printer, type PrinterService } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"
import * as WaitedRun from "./WaitedRun.ts"

const flowName = "deep-research"

/** The flow's agents, bound to the asked engine and model; the run keeps them. */
const agentsOf = ({ engine, model }: Research) =>
  Object.fromEntries(
    ["planner", "researcher", "writer"].map((name) => {
      const agent = `research/${engine}/${name}`
      return [name, model === undefined ? agent : `${agent}@${model}`]
    })
  )

const member = (value: Json | undefined, key: string): Json | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })[key]
    : undefined

/** The bytes of the report file, if they are still those that the run wrote. */
const writtenReport = (output: Json): Effect.Effect<string | undefined> =>
  Effect.promise(async () => {
    const path = member(output, "report")
    if (typeof path !== "string") return undefined
    const bytes = await readFile(resolve(path)).catch(() => undefined)
    const digest = bytes === undefined ? undefined : createHash("sha256").update(bytes).digest("hex")
    return digest === member(output, "sha256") ? bytes?.toString("utf8") : undefined
  })

/** The report: the file the run wrote, or the writer's answer when the file is gone or has been changed since. */
const reportOf = Effect.fnUntraced(function*(document: RunDocument) {
  const written = yield* writtenReport(document.output)
  if (written !== undefined) return written
  const answered = member(document.steps.find((step) => step.node === "report")?.output, "markdown")
  if (typeof answered === "string") return answered
  return yield* new Failure.Failure({
    exit: ExitCode.exitCodes.notFound,
    code: "REPORT_MISSING",
    what: `the report of ${document.id} is no longer what the run wrote`,
    hint: `baton runs show ${document.id} --json`
  })
})

const keepAs = (file: string) => (document: RunDocument) =>
  Effect.gen(function*() {
    const report = yield* reportOf(document)
    yield* Effect.tryPromise({
      try: () => writeFile(file, report),
      catch: (error) =>
        Failure.usage(
          "FILE_UNWRITABLE",
          `cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`,
          `baton runs show ${document.id} --json   (the report is kept in the run)`
        )
    })
  })

const answerTo = (request: Research, printer: PrinterService) => (document: RunDocument) =>
  request.out === undefined
    ? Effect.flatMap(reportOf(document), (report) => printer.answer(report.trimEnd()))
    : printer.answer(TerminalText.line(`${document.id} wrote ${request.out}`))

export const research = Effect.fnUntraced(function*(request: Research) {
  const printer = yield* Printer
  if (request.model !== undefined && request.engine !== "llm") {
    return yield* Failure.usage("FLAGS_CONFLICT", "--model needs --engine llm", "--engine llm --model " + request.model)
  }
  const files = request.files.map((file) => resolve(file))
  return yield* Backend.withPorts(
    { execute: true, ...(files.length === 0 ? {} : { files: "--files: documents of this machine" }) },
    Effect.gen(function*() {
      const client = yield* Client
      const document = yield* client.start({
        flow: { name: flowName },
        input: { question: request.question, ...(files.length === 0 ? {} : { files }) },
        agents: agentsOf(request),
        // The recipe's budget of tokens holds a model whose price nobody knows, such as one of this machine.
        ...(request.engine === "llm" ? { allowUnknownPrice: true } : {}),
        ...(request.model === undefined ? {} : { model: request.model })
      })
      yield* printer.note(`${document.id} started flow=${document.flow} version=${document.version}`)
      const answer = answerTo(request, printer)
      return yield* WaitedRun.wait(document, {
        ...request,
        fromStart: true,
        owned: (yield* Backend.Executor) === "process",
        again: [["data", printer.globals.data], ["server", printer.globals.server]],
        ...(request.out === undefined ? {} : { keep: keepAs(request.out) }),
        answer
      })
    })
  )
})
