/** The root command and the flags that every command takes, before or after its name. */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import * as Durations from "./Durations.ts"
import * as Failure from "./Failure.ts"
import type { Format, Globals } from "./Invocation.ts"

/** A flag that is there or not; its absence is never spelt `--no-…`. */
export const toggle = (name: string, description: string) =>
  Flag.Boolean(name).pipe(Flag.withoutNegation, Flag.withDescription(description), Flag.withDefault(false))

export const text = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(Flag.withMetavar(metavar), Flag.withDescription(description), Flag.optional)

/** The journal keeps it; nothing proves it. */
export const actor = text("as", "NAME", "Who acts (default local); kept in the journal")

export const texts = (name: string, metavar: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar(metavar),
    Flag.withDescription(`${description}; may be repeated`),
    Flag.atLeast(0),
    Flag.withDefault<ReadonlyArray<string>>([])
  )

/** A duration as milliseconds. */
export const duration = (name: string, description: string) =>
  Flag.String(name).pipe(
    Flag.withMetavar("DURATION"),
    Flag.withDescription(description),
    Flag.filterMap(
      (value) => Option.fromUndefinedOr(Durations.parse(value)),
      (value) => `Expected a duration such as 30s, 10m, 48h or 7d, got "${value}"`
    )
  )

const flags = {
  data: text("data", "DIR", "Where runs are kept (default .baton, or BATON_DATA)"),
  server: text(
    "server",
    "URL",
    "Ask this server (default: one that serves the data folder; BATON_SERVER); none: no server"
  ),
  json: toggle("json", "One JSON document on stdout"),
  format: Flag.Literals("format", ["table", "json", "jsonl", "tsv", "mermaid", "text"]).pipe(
    Flag.withDescription("How the answer looks"),
    Flag.optional
  ),
  progress: Flag.Literals("progress", ["auto", "tty", "plain", "jsonl", "none"]).pipe(
    Flag.withDescription("How waiting looks, on stderr (jsonl: events on stdout)"),
    Flag.withDefault("auto" as const)
  ),
  color: Flag.Literals("color", ["auto", "always", "never"]).pipe(
    Flag.withDescription("Colours; NO_COLOR and FORCE_COLOR are heard"),
    Flag.withDefault("auto" as const)
  ),
  log: Flag.Literals("log", ["text", "json"]).pipe(
    Flag.withDescription("How the engine's own words look, on stderr (default text, or BATON_LOG_FORMAT)"),
    Flag.optional
  ),
  noInput: toggle("no-input", "Never ask; what needs an answer fails instead"),
  yes: toggle("yes", "Answer yes to confirmations").pipe(Flag.withAlias("y")),
  quiet: toggle("quiet", "Only errors and the verdict on stderr").pipe(Flag.withAlias("q")),
  verbose: toggle("verbose", "Say more on stderr").pipe(Flag.withAlias("v"))
}

export const root = Command.make("baton").pipe(Command.withSharedFlags(flags))

type Raw = Command.Command.Config.Infer<typeof flags>

const formatOf = (raw: Raw): Format | Failure.Failure => {
  const said = Option.getOrUndefined(raw.format)
  if (!raw.json) return said ?? "table"
  return said === undefined || said === "json"
    ? "json"
    : Failure.usage("FLAGS_CONFLICT", `--json and --format ${said} exclude each other`)
}

/** The flags as commands read them, or why they do not go together. */
export const resolve = (raw: Raw): Globals | Failure.Failure => {
  const format = formatOf(raw)
  if (format instanceof Failure.Failure) return format
  if (raw.progress === "jsonl" && format === "json") {
    return Failure.usage(
      "FLAGS_CONFLICT",
      "--json and --progress jsonl both claim stdout",
      "--json for one document at the end, --progress jsonl for events as they happen"
    )
  }
  if (Option.contains(raw.data, "")) return Failure.usage("INVALID_VALUE", "--data is empty: expected a folder")
  return {
    data: Option.getOrUndefined(raw.data),
    server: Option.getOrUndefined(raw.server),
    format,
    progress: raw.progress,
    color: raw.color,
    log: Option.getOrUndefined(raw.log),
    noInput: raw.noInput,
    yes: raw.yes,
    quiet: raw.quiet,
    verbose: raw.verbose
  }
}
