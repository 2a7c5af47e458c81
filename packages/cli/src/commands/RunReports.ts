/** `runs list|show|journal|explain|logs`: what is known of runs. */
import { Client } from "@baton/contract/Client"
import type { EventEnvelope } from "@baton/contract/EventEnvelope"
import { OperatorClient } from "@baton/contract/OperatorClient"
import type { Reason, RunDocument, RunListItem } from "@baton/contract/RunDocument"
import * as Amount from "@baton/kernel/Amounts"
import { reasons } from "@baton/kernel/ExplainWait"
import * as Receipt from "@baton/kernel/Receipt"
import type { Json } from "@baton/kernel/Value"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as Backend from "../Backend.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import type { RunsExplain, RunsJournal, RunsList, RunsLogs, RunsShow } from "../Invocation.ts"
import { Printer, unfit } from "../Printer.ts"
import { Screen } from "../Screen.ts"
import * as Table from "../Table.ts"
import * as TerminalText from "../TerminalText.ts"

/** Longest page of `runs list`. */
const pageMax = 1_000

const spent = (startedAt: string | null, endedAt: string | null): string => {
  if (startedAt === null || endedAt === null) return ""
  const ms = Date.parse(endedAt) - Date.parse(startedAt)
  return Number.isNaN(ms) ? "" : TerminalText.duration(ms)
}

const waits = Effect.fnUntraced(function*(reason: string, limit: number) {
  const printer = yield* Printer
  if (!reasons.some((known) => known === reason)) {
    return yield* Failure.usage("INVALID_VALUE", `--reason ${reason}: expected one of ${reasons.join(", ")}`)
  }
  const found = yield* Backend.withPorts(
    {},
    Effect.flatMap(OperatorClient, (operators) => operators.waits(reason, limit))
  )
  yield* printer.listing({
    document: { schema: "baton.waits/1", reason, waits: found as ReadonlyArray<Json> },
    items: found as ReadonlyArray<Json>,
    empty: `nothing waits for this reason (${reason})`,
    table: {
      header: ["run", "step", "since", "why", "door"],
      rows: found.map(({ door, message, path, run, since }) => [run, path, since ?? "", message, door])
    }
  })
  return exitCodes.done
})

export const runsList = Effect.fnUntraced(function*(request: RunsList) {
  const printer = yield* Printer
  if (request.limit < 1 || request.limit > pageMax) {
    return yield* Failure.usage("INVALID_VALUE", `--limit ${request.limit}: expected 1 to ${pageMax}`)
  }
  if (request.unknown || request.reason !== undefined) {
    return yield* waits(request.unknown ? "unknown_outcome" : request.reason ?? "", request.limit)
  }
  const statuses = request.waiting ? [...request.status, "waiting" as const] : request.status
  const now = yield* Clock.currentTimeMillis
  const items = yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      const after = request.after === undefined ? undefined : yield* client.resolve(request.after)
      const parent = request.parent === undefined ? undefined : yield* client.resolve(request.parent)
      return yield* client.list({
        limit: request.limit,
        ...(statuses.length === 0 ? {} : { status: statuses }),
        ...(request.flow === undefined ? {} : { flow: request.flow }),
        ...(parent === undefined ? {} : { parent }),
        ...(request.roots ? { roots: true } : {}),
        ...(request.since === undefined ? {} : { since: now - request.since }),
        ...(after === undefined ? {} : { after })
      })
    })
  )
  const isFamily = items.some((item) => item.parent !== undefined)
  const next = items.length < request.limit ? null : items.at(-1)?.id ?? null
  yield* printer.listing({
    document: { schema: "baton.runs/1", runs: items as ReadonlyArray<Json>, next },
    items: items as ReadonlyArray<Json>,
    empty: "no runs",
    table: {
      header: ["run", ...(isFamily ? ["parent"] : []), "flow", "status", "started", "took", "reason"],
      rows: items.map((item: RunListItem) => [
        item.id,
        ...(isFamily ? [item.parent === undefined ? "" : `${item.parent.run}/${item.parent.path}`] : []),
        `${item.flow}@${item.version}`,
        item.status,
        item.startedAt,
        spent(item.startedAt, item.endedAt),
        item.reason ?? ""
      ])
    }
  })
  if (next !== null) yield* printer.note(`more: baton runs list --after ${next}`)
  return exitCodes.done
})

/** Why results were used again, and what has changed where they were not. */
const receiptLines = (document: RunDocument, now: number): ReadonlyArray<string> => {
  const lines = document.steps.flatMap(({ path, receipt }) =>
    receipt === undefined ? [] : [TerminalText.line(`${path}: ${Receipt.describe(receipt, now)}`)]
  )
  return lines.length === 0 ? [] : ["", "receipts:", ...lines]
}

const budgetText = (budget: Amount.Budget): string => {
  const read = Amount.ofBudget(budget)
  return Result.isSuccess(read) ? Amount.text(read.success) : TerminalText.json(budget as Json, 0)
}

const shownText = (document: RunDocument, columns: number | undefined, now: number): string => {
  const hasChildren = document.steps.some((step) => step.childRun !== undefined)
  const steps = Table.text({
    header: ["step", "type", "status", "attempt", "took", ...(hasChildren ? ["run"] : []), "error"],
    rows: document.steps.map((step) => [
      step.path,
      step.type,
      step.status,
      String(step.attempt),
      spent(step.startedAt, step.endedAt),
      ...(hasChildren ? [step.childRun ?? ""] : []),
      step.error === null ? "" : `${step.error.code} ${step.error.message}`
    ])
  }, columns)
  const left = document.stepsTotal - document.steps.length
  const { budget, costUsd, estimated, tokensTotal, totalTimeMs } = document.metrics
  const numbers = [
    `took ${TerminalText.duration(totalTimeMs)}`,
    tokensTotal > 0 ? `${TerminalText.count(tokensTotal)} tokens` : "",
    costUsd === null ? "cost unknown" : costUsd > 0 ? `${estimated ? "~" : ""}${TerminalText.money(costUsd)}` : "",
    budget === null || Object.keys(budget).length === 0 ? "" : `budget ${budgetText(budget)}`
  ].filter((part) => part !== "")
  return [
    `${document.id}  ${document.flow}@${document.version}  ${document.status}`,
    ...(document.parent === undefined
      ? []
      : [`started by ${document.parent.run}/${document.parent.path}, attempt ${document.parent.attempt}`]),
    `started ${document.startedAt}` + (document.endedAt === null ? "" : `  ended ${document.endedAt}`),
    numbers.join("  "),
    ...(document.reason === "" ? [] : [`reason: ${TerminalText.line(document.reason)} (${document.code})`]),
    ...document.warnings.map((warning) => TerminalText.line(`warning[${warning.code}]: ${warning.message}`)),
    "",
    steps,
    ...(left > 0 ? [`and ${left} more steps (--json pages them)`] : []),
    ...receiptLines(document, now),
    ...(document.output === null ? [] : ["", "output:", TerminalText.json(document.output)])
  ].join("\n")
}

export const runsShow = Effect.fnUntraced(function*(request: RunsShow) {
  const printer = yield* Printer
  const { stdout } = yield* Screen
  const document = yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      return yield* client.show(yield* client.resolve(request.run))
    })
  )
  const { format } = printer.globals
  if (format === "json" || format === "jsonl") {
    yield* format === "json" ? printer.document(document) : stdout.write(`${TerminalText.json(document, 0)}\n`)
  } else if (format === "table") {
    yield* printer.answer(
      shownText(document, stdout.isTerminal ? stdout.viewport().columns : undefined, yield* Clock.currentTimeMillis)
    )
  } else return yield* unfit(format)
  return exitCodes.done
})

const journalLine = (envelope: EventEnvelope): string =>
  TerminalText.line(
    `${String(envelope.seq ?? "live").padStart(6)}  ${envelope.time}  ${envelope.type}` +
      (envelope.subject === undefined ? "" : `  ${envelope.subject}`)
  )

export const runsJournal = Effect.fnUntraced(function*(request: RunsJournal) {
  const printer = yield* Printer
  const { stdout } = yield* Screen
  const { format } = printer.globals
  if (format !== "json" && format !== "jsonl" && format !== "table") return yield* unfit(format)
  yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      const run = yield* client.resolve(request.run)
      const events = client.events(run, { after: request.after, follow: request.follow })
      let first = true
      if (format === "json") yield* stdout.write(`{"schema":"baton.journal/1","run":${JSON.stringify(run)},"events":[`)
      yield* Stream.runForEachArray(events, (envelopes) => {
        const lines = envelopes.map((envelope) => {
          if (format === "table") return `${journalLine(envelope)}\n`
          if (format === "jsonl") return `${TerminalText.json(envelope, 0)}\n`
          const separator = first ? "\n" : ",\n"
          first = false
          return separator + TerminalText.json(envelope, 0)
        })
        return stdout.write(lines.join(""))
      })
      if (format === "json") yield* stdout.write("\n]}\n")
    })
  )
  return exitCodes.done
})

export const runsExplain = Effect.fnUntraced(function*(request: RunsExplain) {
  const printer = yield* Printer
  const { document, reasons, run } = yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      const run = yield* client.resolve(request.run)
      return { run, document: yield* client.show(run), reasons: yield* client.explain(run) }
    })
  )
  yield* printer.listing({
    document: { schema: "baton.explain/1", run, status: document.status, reasons: reasons as ReadonlyArray<Json> },
    items: reasons as ReadonlyArray<Json>,
    empty: `${run} is over: ${document.status}` + (document.reason === "" ? "" : ` (${document.reason})`),
    table: {
      header: ["step", "reason", "why", "door"],
      rows: reasons.map((reason: Reason) => [reason.path ?? "", reason.reason, reason.message, reason.door])
    }
  })
  return exitCodes.done
})

export const runsLogs = Effect.fnUntraced(function*(request: RunsLogs) {
  const printer = yield* Printer
  const { stdout } = yield* Screen
  const { format } = printer.globals
  if (format === "mermaid" || format === "text") return yield* unfit(format)
  yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      const run = yield* client.resolve(request.run)
      const logs = client.logs(run, {
        follow: request.follow,
        ...(request.step === undefined ? {} : { path: request.step })
      })
      let first = true
      if (format === "json") yield* stdout.write(`{"schema":"baton.logs/1","run":${JSON.stringify(run)},"lines":[`)
      yield* Stream.runForEachArray(logs, (entries) => {
        const lines = entries.map((entry) => {
          if (format === "jsonl") return `${TerminalText.json(entry, 0)}\n`
          if (format === "table") {
            return `${TerminalText.line(`${entry.at}  ${entry.path}#${entry.attempt}  ${entry.line}`)}\n`
          }
          if (format === "tsv") {
            return `${[entry.at, entry.path, String(entry.attempt), entry.line].map(TerminalText.line).join("\t")}\n`
          }
          const separator = first ? "\n" : ",\n"
          first = false
          return separator + TerminalText.json(entry, 0)
        })
        return stdout.write(lines.join(""))
      })
      if (format === "json") yield* stdout.write("\n]}\n")
    })
  )
  return exitCodes.done
})
