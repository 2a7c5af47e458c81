/** The pages of `docs/reference` that are made from the program itself. */
import { Needs } from "@baton/contract/http/Access"
import { Api } from "@baton/contract/http/Api"
import * as Wire from "@baton/contract/Wire"
import * as PatchProblem from "@baton/kernel/PatchProblem"
import * as Problem from "@baton/kernel/Problem"
import * as Settings from "@baton/server/gate/Settings"
import * as MetricNames from "@baton/server/telemetry/MetricNames"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as OpenApi from "effect/http-api/OpenApi"
import * as CommandLine from "../src/CommandLine.ts"
import * as Help from "../src/Help.ts"
import * as ErrorCodes from "./ErrorCodes.ts"
import { meanings } from "./EventMeanings.ts"
import * as StepCodes from "./StepCodes.ts"

const made = "Made by `npm run reference`; changes here are lost."

const cell = (text: string): string => text.replaceAll("|", "\\|").replaceAll("\n", " ")
const code = (text: string): string => `\`${text}\``
const row = (cells: ReadonlyArray<string>): string => `| ${cells.map(cell).join(" | ")} |`

const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string =>
  [row(header), row(header.map(() => "---")), ...rows.map(row)].join("\n")

const page = (title: string, ...parts: ReadonlyArray<string>): string =>
  [`# ${title}`, made, ...parts].join("\n\n") + "\n"

const configuration = (): string =>
  page(
    "Configuration",
    "A flag wins over the environment, that over the file of settings, that over the default. The file is `baton.json` or " +
      "`baton.config.json` in the data folder, or what `--config` or `BATON_CONFIG` names: a JSON object, keys nested at " +
      "their dots. What is unknown or cannot be is refused at the start. Secrets stand in the environment, or in a file that " +
      "`<variable>_FILE` names, never in the file of settings. `baton config` shows what holds, and why.",
    ...Object.entries(Settings.groups).flatMap(([title, settings]) => [
      `## ${title}`,
      table(
        ["variable", "key", "form", "default", "meaning"],
        settings.map(({ form, key, meaning, otherwise, variable }) => [
          code(variable),
          key === undefined ? "" : code(key),
          form.words,
          otherwise,
          meaning
        ])
      )
    ]),
    "## Secrets of flows",
    "`BATON_SECRET_<NAME>` is the secret `NAME`, `BATON_SECRET_<NAME>_HOSTS` the hosts it may be sent to, and " +
      "`BATON_SECRET_<NAME>_FILE` a file that holds it."
  )

const errors = (): string =>
  page(
    "Errors",
    "Codes are stable. Over HTTP they stand in `code` of a problem (RFC 9457), on the command line in `error[CODE]`. " +
      "`cli`: only the command line says it. `delivery`: a webhook's log says it.",
    table(
      ["code", "status", "meaning", "what to do"],
      ErrorCodes.all.map(({ advice, code: name, meaning, status }) => [code(name), status, meaning, advice])
    ),
    "## Of flow documents",
    "In `errors` of `FLOW_INVALID`, in the answer of a check, and from `baton flows check`. A warning keeps no flow from " +
      "running.",
    table(["code", "severity", "meaning"], Object.entries(Problem.codes).map(([name, told]) => [code(name), ...told])),
    "## Of patches",
    "In `error` of a refused patch, and as the code of its problem.",
    table(["code", "meaning"], Object.entries(PatchProblem.codes).map(([name, meaning]) => [code(name), meaning])),
    ...Object.entries(StepCodes.groups).flatMap(([title, codes]) => [
      `## ${title}`,
      table(["code", "meaning"], codes.map(({ code: name, meaning }) => [code(name), meaning]))
    ]),
    "Calls that go out have [codes of their own](network.md)."
  )

const eventRows = (types: ReadonlyArray<Wire.WireType>) => types.map((type) => [code(type), meanings[type]])

const events = (): string =>
  page(
    "Events",
    "## Of the journal",
    "Durable, with a sequence; every reader sees each exactly once, in order.",
    table(["type", "meaning"], eventRows(Wire.journalTypes)),
    "## Live",
    "They tell what happens meanwhile, have no sequence, and may be lost.",
    table(["type", "meaning"], eventRows(Wire.liveTypes))
  )

const metrics = (): string =>
  page(
    "Metrics",
    "What `GET /metrics` shows, in the text format of Prometheus. How to get at it, and what to ask of it, stands in the " +
      "[guide](../guides/telemetry.md). Counters and histograms begin at 0 with each process. A label takes a bounded " +
      "number of values; what is beyond the bound is counted as `other`. No label holds a run, a step or a key.",
    table(
      ["name", "kind", "labels", "meaning"],
      MetricNames.all.map(({ buckets, help, kind, labels, name }) => [
        code(name),
        kind,
        labels.join(", "),
        buckets === undefined ? help : `${help} Buckets: ${buckets.join(", ")}.`
      ])
    )
  )

const http = (): string => {
  const rows: Array<ReadonlyArray<string>> = []
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint }) => {
      const summary = Context.getOption(endpoint.annotations, OpenApi.Summary)
      rows.push([
        code(`${endpoint.method} ${endpoint.path}`),
        Context.get(endpoint.annotations, Needs) ?? "",
        summary._tag === "Some" ? summary.value : ""
      ])
    }
  })
  return page(
    "HTTP",
    "The whole contract, with every field, is at `/openapi.json` and `/docs` of a server. Errors are problems " +
      "(see [errors](errors.md)).",
    table(["route", "scope", "what it does"], rows)
  )
}

const helpOf = Effect.fnUntraced(function*(path: ReadonlyArray<string>): Effect.fn.Return<ReadonlyArray<string>> {
  const parsed = yield* CommandLine.parse([...path, "--help"])
  if (parsed._tag !== "Help") return []
  const below = (parsed.doc.subcommands ?? []).flatMap(({ commands }) => commands.map(({ name }) => name))
  const nested = yield* Effect.forEach(below, (name) => helpOf([...path, name]))
  const own = [`## ${["baton", ...path].join(" ")}`, ["```", Help.format(parsed.doc).trim(), "```"].join("\n")]
  return [...own, ...nested.flat()]
})

const cli = Effect.map(helpOf([]), (parts) => page("Commands", ...parts))

/** Text of each page, by its name. */
export const pages: Effect.Effect<{ readonly [name: string]: string }> = Effect.map(cli, (commands) => ({
  "cli.md": commands,
  "configuration.md": configuration(),
  "errors.md": errors(),
  "events.md": events(),
  "http.md": http(),
  "metrics.md": metrics()
}))
