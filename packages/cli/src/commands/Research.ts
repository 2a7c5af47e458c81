/** `research`: the shipped deep-research flow over a question and documents; the answer is the report. */
import { Client } from "@baton/contract/Client"
import type { RunDocument } from "@baton/contract/RunDocument"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import { readFile, writeFile } from "node:fs/promises"
import { resolve } from "node:path"
import * as Backend from "../Backend.ts"
import * as ExitCode from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import type { Research } from "../Invocation.ts"
import { Printer, type PrinterService } from "../Printer.ts"
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

/** The report: the file the run wrote, or the writer's answer when that is at hand and the file is not. */
const reportOf = (document: RunDocument): Effect.Effect<string, Failure.Failure> =>
  Effect.gen(function*() {
    const path = member(document.output, "report")
    const inline = member(document.steps.find((step) => step.node === "report")?.output, "markdown")
    const missing = new Failure.Failure({
      exit: ExitCode.exitCodes.notFound,
      code: "REPORT_MISSING",
      what: `the report of ${document.id} is not where the run wrote it`,
      hint: `baton runs show ${document.id} --json`
    })
    if (typeof path !== "string") return typeof inline === "string" ? inline : yield* missing
    return yield* Effect.tryPromise({
      try: () => readFile(resolve(path), "utf8"),
      catch: () => missing
    }).pipe(Effect.catch((error) => (typeof inline === "string" ? Effect.succeed(inline) : Effect.fail(error))))
  })

const answerTo = (request: Research, printer: PrinterService) => (document: RunDocument) =>
  Effect.gen(function*() {
    const report = yield* reportOf(document)
    if (request.out === undefined) return yield* printer.answer(report.trimEnd())
    const file = request.out
    yield* Effect.tryPromise({
      try: () => writeFile(file, report),
      catch: (error) =>
        Failure.usage(
          "FILE_UNWRITABLE",
          `cannot write ${file}: ${error instanceof Error ? error.message : String(error)}`,
          `baton runs show ${document.id} --json   (the report is kept in the run)`
        )
    })
    yield* printer.answer(`${document.id} wrote ${file} bytes=${Buffer.byteLength(report)}`)
  })

export const research = Effect.fnUntraced(function*(request: Research) {
  const printer = yield* Printer
  if (request.model !== undefined && request.engine !== "llm") {
    return yield* Failure.usage("FLAGS_CONFLICT", "--model needs --engine llm", "--engine llm --model " + request.model)
  }
  const files = request.files.map((file) => resolve(file))
  return yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      const document = yield* client.start({
        flow: { name: flowName },
        input: { question: request.question, ...(files.length === 0 ? {} : { files }) },
        agents: agentsOf(request),
        ...(request.model === undefined ? {} : { model: request.model })
      })
      yield* printer.note(`${document.id} started flow=${document.flow} version=${document.version}`)
      const answer = answerTo(request, printer)
      return yield* WaitedRun.wait(document, {
        ...request,
        fromStart: true,
        owned: true,
        again: [["data", printer.globals.data]],
        answer
      })
    })
  )
})
