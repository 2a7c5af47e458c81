/**
 * How a command speaks: the answer on stdout in the asked format, everything else on stderr. Text that came from runs,
 * models or files is made safe before it reaches a terminal; into a file or pipe it goes as it is.
 */
import type { Json } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Environment from "./Environment.ts"
import * as Failure from "./Failure.ts"
import type { Globals, Progress } from "./Invocation.ts"
import * as Palette from "./Palette.ts"
import type { OutputClosed, Screen } from "./Screen.ts"
import * as Table from "./Table.ts"
import * as TerminalText from "./TerminalText.ts"

export interface Listing {
  /** The whole answer as one JSON document. */
  readonly document: Json
  /** Its members, for one JSON document per line. */
  readonly items: ReadonlyArray<Json>
  readonly table: Table.Table
  /** What a person reads where a table would be empty. */
  readonly empty: string
}

export interface PrinterService {
  readonly globals: Globals
  /** For stderr. */
  readonly palette: Palette.Palette
  readonly progress: Exclude<Progress, "auto">
  /** A person sits at this terminal and may be asked. */
  readonly interactive: boolean
  readonly isJson: boolean
  /** Text on stdout, made safe when that is a terminal. */
  readonly answer: (text: string) => Effect.Effect<void, OutputClosed>
  /** One JSON document on stdout. */
  readonly document: (value: unknown) => Effect.Effect<void, OutputClosed>
  readonly listing: (listing: Listing) => Effect.Effect<void, OutputClosed | Failure.Failure>
  /** A line on stderr that `-q` hides. */
  readonly note: (text: string) => Effect.Effect<void>
  /** A line on stderr, always. */
  readonly say: (text: string) => Effect.Effect<void>
  readonly failure: (failure: Failure.Failure) => Effect.Effect<void>
  /** While a live region is drawn, lines for stderr go above it. */
  readonly divert: (above: ((line: string) => void) | undefined) => void
}

export class Printer extends Context.Service<Printer, PrinterService>()("baton/cli/Printer") {}

const progressOf = (
  globals: Globals,
  screen: Screen["Service"],
  values: Environment.EnvironmentValues
): Exclude<Progress, "auto"> => {
  if (globals.progress !== "auto") return globals.progress
  if (globals.quiet) return "none"
  return screen.stderr.isTerminal && values.term !== "dumb" && !Environment.isCi(values) ? "tty" : "plain"
}

export const make = (
  screen: Screen["Service"],
  values: Environment.EnvironmentValues,
  globals: Globals
): PrinterService => {
  const palette = Palette.make({
    color: Environment.hasColor(globals.color, values, screen.stderr.isTerminal),
    unicode: Environment.hasUnicode(values)
  })
  let above: ((line: string) => void) | undefined
  const isJson = globals.format === "json"
  const say = (text: string) =>
    Effect.suspend(() => {
      const safe = TerminalText.block(text)
      if (above !== undefined) {
        for (const line of safe.split("\n")) above(line)
        return Effect.void
      }
      return Effect.ignore(screen.stderr.write(`${safe}\n`))
    })
  const answer = (text: string) =>
    screen.stdout.write(`${screen.stdout.isTerminal ? TerminalText.block(text) : text}\n`)
  const document = (value: unknown) => screen.stdout.write(`${TerminalText.json(value)}\n`)
  const failure = (failure: Failure.Failure) =>
    Effect.gen(function*() {
      if (isJson) yield* Effect.ignore(document(problemDocument(failure)))
      yield* say(failureText(failure))
    })
  return {
    globals,
    palette,
    progress: progressOf(globals, screen, values),
    interactive: screen.stdin.isTerminal && screen.stderr.isTerminal && !globals.noInput && !Environment.isCi(values),
    isJson,
    answer,
    document,
    listing: (listing) => printListing(listing, globals, screen, answer, document),
    note: (text) => (globals.quiet ? Effect.void : say(text)),
    say,
    failure,
    divert: (to) => {
      above = to
    }
  }
}

const printListing = (
  listing: Listing,
  globals: Globals,
  screen: Screen["Service"],
  answer: PrinterService["answer"],
  document: PrinterService["document"]
): Effect.Effect<void, OutputClosed | Failure.Failure> => {
  switch (globals.format) {
    case "json":
      return document(listing.document)
    case "jsonl":
      return listing.items.length === 0
        ? Effect.void
        : screen.stdout.write(listing.items.map((item) => `${TerminalText.json(item, 0)}\n`).join(""))
    case "tsv":
      return answer(Table.tsv(listing.table))
    case "table": {
      if (listing.table.rows.length === 0) return answer(listing.empty)
      const columns = screen.stdout.isTerminal ? screen.stdout.viewport().columns : undefined
      return answer(Table.text(listing.table, columns))
    }
    default:
      return Effect.fail(unfit(globals.format))
  }
}

/** The format is known, but not for this command. */
export const unfit = (format: string): Failure.Failure =>
  Failure.usage("FORMAT_UNFIT", `this command has no --format ${format}`, "--format table, json, jsonl or tsv")

/** A failure as one JSON document, in the manner of RFC 9457. */
export const problemDocument = (failure: Failure.Failure): Json => ({
  schema: "baton.problem/1",
  type: `urn:baton:problem:${failure.code}`,
  title: failure.what,
  code: failure.code,
  exit: failure.exit,
  ...(failure.why === undefined ? {} : { detail: failure.why }),
  ...(failure.hint === undefined ? {} : { hint: failure.hint }),
  ...(failure.problems === undefined ? {} : { problems: failure.problems })
})

/** `error[CODE]: what` / `why` / `try`, and the problems one by one. */
export const failureText = (failure: Failure.Failure): string => {
  const line = TerminalText.line
  return [
    `error[${line(failure.code)}]: ${line(failure.what)}`,
    ...(failure.why === undefined ? [] : [`  why: ${line(failure.why)}`]),
    ...(failure.problems ?? []).map((problem) => `  ${problemText(problem)}`),
    ...(failure.hint === undefined ? [] : [`  try: ${line(failure.hint)}`])
  ].join("\n")
}

const field = (problem: Json, name: string): string | undefined => {
  if (typeof problem !== "object" || problem === null || Array.isArray(problem)) return undefined
  const value = (problem as { readonly [key: string]: Json })[name]
  return typeof value === "string" || typeof value === "number" ? TerminalText.line(String(value)) : undefined
}

/** A sentence goes on after a semicolon without its full stop. */
const withoutStop = (message: string, more: string | undefined): string =>
  more === undefined ? message : message.replace(/\.$/, "")

/** One problem of a document in one line: where, what, what would be right. */
export const problemText = (problem: Json, file?: string): string => {
  const line = field(problem, "line")
  const column = field(problem, "column")
  const place = [file === undefined ? undefined : TerminalText.line(file), line, column].filter((part) =>
    part !== undefined
  )
  const code = field(problem, "code")
  const severity = field(problem, "severity") ?? "error"
  const pointer = field(problem, "pointer")
  const expected = field(problem, "expected")
  const suggestion = field(problem, "suggestion")
  return (place.length === 0 ? "" : `${place.join(":")}: `) +
    (code === undefined ? "" : `${severity}[${code}] `) +
    (pointer === undefined ? "" : `at ${pointer === "" ? "the top" : pointer}: `) +
    withoutStop(field(problem, "message") ?? TerminalText.line(JSON.stringify(problem)), expected ?? suggestion) +
    (expected === undefined ? "" : `; expected ${expected}`) +
    (suggestion === undefined ? "" : `; did you mean ${suggestion}?`)
}
