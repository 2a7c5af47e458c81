/** What the environment says about looks and places; read once. Flags win over it. */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"

const text = (name: string) => Config.withDefault(Config.String(name), "")

const apiKeyVariable = "BATON_API_KEY"

const all = Config.all({
  data: text("BATON_DATA"),
  server: text("BATON_SERVER"),
  apiKey: Config.withDefault(Config.Redacted(apiKeyVariable), undefined),
  apiKeyFile: text(`${apiKeyVariable}_FILE`),
  plainHttp: text("BATON_ALLOW_PLAIN_HTTP"),
  logFormat: text("BATON_LOG_FORMAT"),
  logLevel: text("BATON_LOG_LEVEL"),
  noColor: text("NO_COLOR"),
  forceColor: text("FORCE_COLOR"),
  clicolorForce: text("CLICOLOR_FORCE"),
  term: text("TERM"),
  ci: text("CI"),
  lcAll: text("LC_ALL"),
  lcCtype: text("LC_CTYPE"),
  lang: text("LANG")
})

/** Empty text stands for absent. */
export interface EnvironmentValues {
  readonly data: string
  /** Address of a server, or `none`. */
  readonly server: string
  /** The key that a server is asked with. */
  readonly apiKey: Redacted.Redacted<string> | undefined
  /** A file that holds it. */
  readonly apiKeyFile: string
  /** `true`: the key may go over http to another machine. */
  readonly plainHttp: string
  /** `json` or `text`. */
  readonly logFormat: string
  /** Of what is logged: `debug`, `info`, `warn`, `error` or `none`. */
  readonly logLevel: string
  readonly noColor: string
  readonly forceColor: string
  readonly clicolorForce: string
  readonly term: string
  readonly ci: string
  readonly lcAll: string
  readonly lcCtype: string
  readonly lang: string
}

export class Environment extends Context.Service<Environment, EnvironmentValues>()("baton/cli/Environment") {}

export const layer: Layer.Layer<Environment> = Layer.effect(Environment, Effect.orDie(all))

export const empty: EnvironmentValues = {
  data: "",
  server: "",
  apiKey: undefined,
  apiKeyFile: "",
  plainHttp: "",
  logFormat: "",
  logLevel: "",
  noColor: "",
  forceColor: "",
  clicolorForce: "",
  term: "",
  ci: "",
  lcAll: "",
  lcCtype: "",
  lang: ""
}

const isSet = (value: string): boolean => value !== "" && value !== "0" && value.toLowerCase() !== "false"

export type Choice = "auto" | "always" | "never"

/** `--color` first, then NO_COLOR, FORCE_COLOR and CLICOLOR_FORCE, TERM=dumb, and whether the stream is a terminal. */
export const hasColor = (choice: Choice, values: EnvironmentValues, isTerminal: boolean): boolean => {
  if (choice !== "auto") return choice === "always"
  if (values.noColor !== "") return false
  if (isSet(values.forceColor) || isSet(values.clicolorForce)) return true
  return isTerminal && values.term !== "dumb"
}

/** Whether the locale says UTF-8; nothing said is taken as ASCII, which every log can hold. */
export const hasUnicode = (values: EnvironmentValues): boolean => {
  const locale = values.lcAll || values.lcCtype || values.lang
  return /utf-?8/i.test(locale)
}

/** Whether the operator has said that the key may be sent unencrypted. */
export const mayPlainHttp = (values: EnvironmentValues): boolean => /^(true|yes|on|1|y)$/.test(values.plainHttp)

export const isCi = (values: EnvironmentValues): boolean => isSet(values.ci)
