/** From `argv` to what is asked for; nothing is done here. */
import * as CliConfig from "effect/cli/CliConfig"
import type * as CliError from "effect/cli/CliError"
import * as CliOutput from "effect/cli/CliOutput"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import type * as HelpDoc from "effect/cli/HelpDoc"
import * as Effect from "effect/Effect"
import * as FileSystem from "effect/FileSystem"
import * as Layer from "effect/Layer"
import * as Path from "effect/Path"
import * as ChildProcessSpawner from "effect/process/ChildProcessSpawner"
import * as Sink from "effect/Sink"
import * as Stdio from "effect/Stdio"
import * as Stream from "effect/Stream"
import * as Terminal from "effect/Terminal"
import * as CommandLeaf from "./CommandLeaf.ts"
import * as CommandTree from "./CommandTree.ts"
import * as Failure from "./Failure.ts"
import type { Invocation } from "./Invocation.ts"

export type Parsed =
  | { readonly _tag: "Invocation"; readonly invocation: Invocation }
  | { readonly _tag: "Help"; readonly requested: boolean; readonly doc: HelpDoc.HelpDoc }
  | { readonly _tag: "Version" }
  | { readonly _tag: "Refused"; readonly failures: ReadonlyArray<Failure.Failure> }

const version = GlobalFlag.Action({
  flag: Flag.Boolean("version").pipe(
    Flag.withoutNegation,
    Flag.withDescription("Print the version"),
    Flag.withDefault(false)
  ),
  run: (_, { command, version }) =>
    Effect.flatMap(
      CliOutput.Presenter,
      (presenter) => presenter.present({ _tag: "Version", name: command.name, version })
    )
})

/** Parsing a command line needs nothing from the machine: no file is read, nothing is spawned, nobody is asked. */
const nothing = Layer.mergeAll(
  FileSystem.layerNoop({}),
  Path.layer,
  Layer.succeed(
    ChildProcessSpawner.ChildProcessSpawner,
    ChildProcessSpawner.make(() => Effect.die("no processes here"))
  ),
  Layer.succeed(
    Stdio.Stdio,
    Stdio.make({
      args: Effect.succeed([]),
      stdin: Stream.empty,
      stdout: () => Sink.drain,
      stderr: () => Sink.drain
    })
  ),
  Layer.succeed(
    Terminal.Terminal,
    Terminal.make({
      columns: Effect.succeed(80),
      rows: Effect.succeed(24),
      size: Effect.die("no terminal here"),
      readInput: Effect.die("no terminal here"),
      readLine: Effect.die("no terminal here"),
      display: () => Effect.void
    })
  ),
  CliConfig.layer({ builtIns: [GlobalFlag.Help, version] })
)

/** `help` in front of a command asks for its help, as `--help` behind it does. */
const expand = (args: ReadonlyArray<string>): ReadonlyArray<string> =>
  args[0] === "help" ? [...args.slice(1), "--help"] : args

export const parse = (args: ReadonlyArray<string>): Effect.Effect<Parsed> =>
  Effect.suspend(() => {
    let parsed: Parsed | undefined
    const sink = CommandLeaf.Sink.of({
      accept: (request, globals) => {
        parsed = globals instanceof Failure.Failure
          ? { _tag: "Refused", failures: [globals] }
          : { _tag: "Invocation", invocation: { request, globals } }
      }
    })
    const presenter: CliOutput.Presenter = {
      present: (event) =>
        Effect.sync(() => {
          parsed = fromEvent(event)
        })
    }
    return Command.runWith(CommandTree.cli, { version: "0" })(expand(args)).pipe(
      Effect.catch((error: CliError.CliError) =>
        Effect.sync(() => {
          if (parsed === undefined) parsed = { _tag: "Refused", failures: [Failure.usage("USAGE", error.message)] }
        })
      ),
      Effect.provideService(CommandLeaf.Sink, sink),
      Effect.provideService(CliOutput.Presenter, presenter),
      Effect.provide(nothing),
      Effect.map(() => parsed ?? { _tag: "Refused", failures: [Failure.usage("USAGE", "nothing was asked for")] })
    )
  })

const fromEvent = (event: CliOutput.Presenter.Event): Parsed => {
  switch (event._tag) {
    case "Version":
      return { _tag: "Version" }
    case "Help":
      return { _tag: "Help", requested: event.reason === "Requested", doc: event.helpDoc }
    case "InvalidInvocation":
      return { _tag: "Refused", failures: failuresOf(event) }
  }
}

/** One mistake often shows as several errors: an unknown command is also an unexpected argument and flags of nobody. */
const failuresOf = (event: CliOutput.Presenter.InvalidInvocation): ReadonlyArray<Failure.Failure> => {
  const unknown = event.errors.filter((error) => error._tag === "UnknownSubcommand")
  const errors = unknown.length > 0 ? unknown.slice(0, 1) : event.errors
  return errors.map((error) => toFailure(error, event))
}

const toFailure = (
  error: CliError.NonShowHelpErrors,
  event: CliOutput.Presenter.InvalidInvocation
): Failure.Failure => {
  const command = event.commandPath.join(" ")
  const help = `${command} --help`
  switch (error._tag) {
    case "UnrecognizedOption": {
      const near = nearest(error.option.replace(/^-+/, ""), flagNames(event.helpDoc), "--")
      return Failure.usage("UNKNOWN_FLAG", `${command} has no flag ${error.option}`, near ?? help)
    }
    case "UnknownSubcommand": {
      const near = nearest(error.subcommand, commandNames(event.helpDoc), "")
      const parent = (error.parent ?? event.commandPath).join(" ")
      return Failure.usage(
        "UNKNOWN_COMMAND",
        `${parent} has no command "${error.subcommand}"`,
        near === undefined ? `${parent} --help` : `${parent} ${near}`
      )
    }
    case "UnexpectedArgument":
      return event.commandPath.includes("secrets")
        ? Failure.usage(
          "UNEXPECTED_ARGUMENT",
          "a secret's value is read from stdin or a prompt, never from the command line",
          "printf %s \"$VALUE\" | baton secrets set NAME --host HOST   (what you typed may be in your shell's history)"
        )
        : Failure.usage("UNEXPECTED_ARGUMENT", error.message, help)
    case "MissingArgument":
      return Failure.usage("MISSING_ARGUMENT", `${command} needs <${error.argument}>`, help)
    case "MissingOption":
      return Failure.usage("MISSING_FLAG", `${command} needs --${error.option}`, help)
    case "InvalidValue":
      return Failure.usage("INVALID_VALUE", error.message, help)
    default:
      return Failure.usage("USAGE", error.message, help)
  }
}

const flagNames = (doc: HelpDoc.HelpDoc): ReadonlyArray<string> =>
  [...doc.flags, ...(doc.inheritedFlags ?? []), ...(doc.globalFlags ?? [])].map((flag) => flag.name)

const commandNames = (doc: HelpDoc.HelpDoc): ReadonlyArray<string> =>
  (doc.subcommands ?? []).flatMap((group) => group.commands.map((command) => command.name))

/** Edits (insert, delete, replace, swap neighbours) that turn one word into the other. */
const edits = (a: string, b: string): number => {
  let older: Array<number> = []
  let old = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      let least = Math.min(old[j]! + 1, row[j - 1]! + 1, old[j - 1]! + (same ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) least = Math.min(least, older[j - 2]! + 1)
      row.push(least)
    }
    older = old
    old = row
  }
  return old[b.length]!
}

/** The name fewest edits away, when that is at most half of it. */
const nearest = (name: string, among: ReadonlyArray<string>, prefix: string): string | undefined => {
  const word = name.slice(0, 64).toLowerCase()
  const scored = among.map((candidate) => ({ candidate, distance: edits(word, candidate) }))
  const best = scored.sort((a, b) => a.distance - b.distance)[0]
  return best === undefined || best.distance > best.candidate.length / 2 ? undefined : prefix + best.candidate
}
