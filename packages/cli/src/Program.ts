/** The whole command: parse, find its module, run it, answer with an exit code. Nothing here throws or exits. */
import * as JsonLog from "@baton/server/telemetry/JsonLog"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import type { Backend } from "./Backend.ts"
import * as CommandLine from "./CommandLine.ts"
import { Environment, type EnvironmentValues } from "./Environment.ts"
import { exitCodes } from "./ExitCode.ts"
import * as Failure from "./Failure.ts"
import type { Farewell } from "./Farewell.ts"
import * as Help from "./Help.ts"
import type { Globals, Invocation, Request } from "./Invocation.ts"
import * as Printer from "./Printer.ts"
import { type OutputClosed, Screen } from "./Screen.ts"
import * as TerminalText from "./TerminalText.ts"

export type Needs = Printer.Printer | Screen | Environment | Backend | Farewell

/** What carries a request out; the number is the exit code. */
export type Execute<R extends Request> = (request: R) => Effect.Effect<number, Failure.Failure | OutputClosed, Needs>

/** Completion needs no module: its script is made where the commands are known. */
export type Loaded = Exclude<Request, { readonly _tag: "Completion" }>

/** Loads the code of one command, so that the others cost nothing. */
export type Commands = {
  readonly [tag in Loaded["_tag"]]: () => Promise<Execute<Extract<Loaded, { readonly _tag: tag }>>>
}

export interface Options {
  readonly args: ReadonlyArray<string>
  readonly version: string
  readonly commands: Commands
}

/** What is known of the flags when the command line as a whole was not understood. */
const guessed = (args: ReadonlyArray<string>): Globals => ({
  data: undefined,
  server: undefined,
  format: args.includes("--json") || args.includes("--format=json") ? "json" : "table",
  progress: "none",
  color: "auto",
  noInput: true,
  yes: false,
  quiet: false,
  verbose: false
})

const load = (commands: Commands, request: Loaded): Effect.Effect<Execute<Loaded>> =>
  Effect.promise(() => commands[request._tag]() as Promise<Execute<Loaded>>)

const execute = (commands: Commands, request: Request): Effect.Effect<number, Failure.Failure | OutputClosed, Needs> =>
  request._tag === "Completion"
    ? Effect.gen(function*() {
      const { stdout } = yield* Screen
      yield* stdout.write(`${request.script}\n`)
      return exitCodes.done
    })
    : Effect.flatMap(load(commands, request), (run) => run(request))

const levels = { debug: "Debug", info: "Info", warn: "Warn", error: "Error", none: "None" } as const

const levelOf = ({ quiet, verbose }: Printer.PrinterService["globals"], said: string) =>
  said in levels ? levels[said as keyof typeof levels] : verbose ? "Info" : quiet ? "Error" : "Warn"

const textLine = ({ logLevel, message }: { readonly logLevel: string; readonly message: unknown }): string => {
  const texts = (Array.isArray(message) ? message : [message]).map((part) =>
    typeof part === "string" ? part : TerminalText.json(part, 0)
  )
  return TerminalText.line(`${logLevel.toLowerCase()}: ${texts.join(" ")}`)
}

/** Warnings and errors of the engine go to stderr, above a live region, made safe; `-v` shows information too. */
const logging = (printer: Printer.PrinterService, values: EnvironmentValues): Layer.Layer<never> => {
  const isJson = (printer.globals.log ?? values.logFormat) === "json"
  return Layer.mergeAll(
    Logger.layer([
      Logger.make((options) => {
        Effect.runFork(printer.say(isJson ? JsonLog.line(options) : textLine(options)))
      })
    ]),
    Layer.succeed(References.MinimumLogLevel, levelOf(printer.globals, values.logLevel.toLowerCase()))
  )
}

const invoke = Effect.fnUntraced(function*(invocation: Invocation, commands: Commands) {
  const screen = yield* Screen
  const environment = yield* Environment
  const printer = Printer.make(screen, environment, invocation.globals)
  return yield* execute(commands, invocation.request).pipe(
    Effect.provideService(Printer.Printer, printer),
    Effect.provide(logging(printer, environment)),
    Effect.catchCause((cause) => {
      if (Cause.hasInterruptsOnly(cause)) return Effect.interrupt
      const error = Cause.squash(cause)
      if (isOutputClosed(error)) return Effect.succeed(exitCodes.done)
      const failure = error instanceof Failure.Failure ? error : Failure.fromDefect(error)
      return Effect.as(printer.failure(failure), failure.exit)
    })
  )
})

const isOutputClosed = (error: unknown): error is OutputClosed =>
  typeof error === "object" && error !== null && "_tag" in error && error._tag === "OutputClosed"

/** Runs the command line and gives the exit code; only an interruption gives none. */
export const run = Effect.fnUntraced(function*(options: Options) {
  const screen = yield* Screen
  const environment = yield* Environment
  const parsed = yield* CommandLine.parse(options.args)
  const early = Printer.make(screen, environment, guessed(options.args))
  switch (parsed._tag) {
    case "Version":
      yield* Effect.ignore(screen.stdout.write(`${options.version}\n`))
      return exitCodes.done
    case "Help": {
      const text = `${Help.format(parsed.doc)}\n`
      yield* Effect.ignore((parsed.requested ? screen.stdout : screen.stderr).write(text))
      return parsed.requested ? exitCodes.done : exitCodes.usage
    }
    case "Refused":
      for (const failure of parsed.failures) yield* early.failure(failure)
      return exitCodes.usage
    case "Invocation":
      return yield* invoke(parsed.invocation, options.commands)
  }
})
