/** `flows check|show|graph`. */
import { Client } from "@baton/contract/Client"
import { FlowsClient } from "@baton/contract/FlowsClient"
import { Flow } from "@baton/kernel/Flow"
import type { Problem } from "@baton/kernel/Problem"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Backend from "../Backend.ts"
import * as Documents from "../Documents.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import * as FlowPicture from "../FlowPicture.ts"
import type { FlowsCheck, FlowsGraph, FlowsShow } from "../Invocation.ts"
import { Printer, problemText, unfit } from "../Printer.ts"
import { Screen } from "../Screen.ts"
import * as TerminalText from "../TerminalText.ts"

interface Checked {
  readonly file: string
  readonly problems: ReadonlyArray<Problem>
  readonly canonical: Json | undefined
}

const isError = (problem: Problem): boolean => problem.severity === "error"

const check = Effect.fnUntraced(function*(path: string) {
  const client = yield* Client
  const flow = yield* Documents.readFlow(path)
  const { canonical, problems } = yield* client.checkFlow(flow.text, flow.file)
  const checked: Checked = { file: flow.file, problems, canonical }
  return checked
})

const summary = (checked: Checked): string => {
  const errors = checked.problems.filter(isError).length
  const warnings = checked.problems.length - errors
  const counts = [
    errors > 0 ? `${errors} error${errors === 1 ? "" : "s"}` : "",
    warnings > 0 ? `${warnings} warning${warnings === 1 ? "" : "s"}` : ""
  ].filter((part) => part !== "")
  return `${checked.file}: ${counts.length === 0 ? "ok" : counts.join(", ")}`
}

const checkDocument = (checked: Checked): Json => ({
  schema: "baton.check/1",
  file: checked.file,
  ok: !checked.problems.some(isError),
  problems: checked.problems as ReadonlyArray<Json>
})

export const flowsCheck = Effect.fnUntraced(function*(request: FlowsCheck) {
  const printer = yield* Printer
  const { stdout } = yield* Screen
  const { format } = printer.globals
  if (format === "mermaid" || format === "text" || format === "tsv") return yield* unfit(format)
  const all = yield* Backend.withPorts({ store: "none" }, Effect.forEach(request.files, check))
  if (format === "table") {
    for (const checked of all) {
      const lines = checked.problems.map((problem) => problemText(problem as Json, checked.file))
      yield* printer.answer([...lines, TerminalText.line(summary(checked))].join("\n"))
    }
  } else if (format === "jsonl") {
    yield* stdout.write(all.map((checked) => `${TerminalText.json(checkDocument(checked), 0)}\n`).join(""))
  } else {
    yield* printer.document(
      all.length === 1 ? checkDocument(all[0]!) : { schema: "baton.checks/1", files: all.map(checkDocument) }
    )
  }
  const problems = all.flatMap((checked) => checked.problems)
  if (problems.some(isError)) return exitCodes.problems
  return request.strict && problems.length > 0 ? exitCodes.warned : exitCodes.done
})

const published = (name: string, version: string | undefined) =>
  Backend.withPorts(
    {},
    Effect.flatMap(FlowsClient, (flows) => Effect.map(flows.find(name, version), ({ canonical }) => canonical))
  )

/** The canonical document of a file or a published flow without errors; with errors, all of them as the failure. */
export const canonicalOf = Effect.fnUntraced(function*(reference: string) {
  const named = yield* Documents.flowName(reference)
  if (named !== undefined) return yield* published(named.name, named.version)
  const checked = yield* Backend.withPorts({ store: "none" }, check(reference))
  if (checked.canonical !== undefined && !checked.problems.some(isError)) return checked.canonical
  return yield* new Failure.Failure({
    exit: exitCodes.problems,
    code: "FLOW_INVALID",
    what: summary(checked),
    problems: checked.problems as ReadonlyArray<Json>,
    hint: `baton flows check ${checked.file}`
  })
})

const decodeFlow = (canonical: Json) => Effect.orDie(Schema.decodeUnknownEffect(Flow)(canonical))

export const flowsShow = Effect.fnUntraced(function*(request: FlowsShow) {
  const printer = yield* Printer
  const canonical = yield* canonicalOf(request.flow)
  if (request.canonical || printer.isJson) {
    yield* printer.document(canonical)
    return exitCodes.done
  }
  const flow = yield* decodeFlow(canonical)
  yield* printer.answer([
    `${flow.name}@${flow.version ?? "-"}  ${flow.nodes.length} nodes, ${flow.edges.length} edges`,
    ...(flow.description === undefined ? [] : [TerminalText.line(flow.description)]),
    "",
    FlowPicture.text(flow)
  ].join("\n"))
  return exitCodes.done
})

export const flowsGraph = Effect.fnUntraced(function*(request: FlowsGraph) {
  const printer = yield* Printer
  const { format } = printer.globals
  if (format === "jsonl" || format === "tsv") return yield* unfit(format)
  const flow = yield* decodeFlow(yield* canonicalOf(request.flow))
  if (format === "json") {
    yield* printer.document({
      schema: "baton.graph/1",
      nodes: flow.nodes.map(({ id, type }) => ({ id, type })),
      edges: flow.edges
    })
  } else yield* printer.answer(format === "mermaid" ? FlowPicture.mermaid(flow) : FlowPicture.text(flow))
  return exitCodes.done
})
