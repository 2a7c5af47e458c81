/** Where commands find Baton: a layer that answers the client ports, opened for one command and closed in order after it. */
import { ClientError } from "@baton/contract/Client"
import type { Ports } from "@baton/contract/Ports"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { Environment, type EnvironmentValues, mayPlainHttp } from "./Environment.ts"
import * as Failure from "./Failure.ts"
import { Printer } from "./Printer.ts"
import type { OutputClosed } from "./Screen.ts"

export interface StoreOptions {
  /** Directory of the store. */
  readonly data: string
  /** Module with the flow's functions. */
  readonly handlers: string | undefined
  /** Take over unfinished runs whose process died. */
  readonly adopt: boolean
  /** Work on the steps of the runs it owns. A command that only asks or tells must not begin a step it will not end. */
  readonly execute: boolean
  /** Directory that `file` steps write into. */
  readonly outputRoot: string
}

export interface ServeOptions {
  readonly mode: "dev" | "serve"
  /** A credential is asked for in `dev` too; `serve` always asks. */
  readonly requireKeys: boolean
  /** Directory of the store, unless `store` names another. */
  readonly data: string
  readonly store: string | undefined
  /** Undefined: what the configuration says, or the default. */
  readonly host: string | undefined
  /** 0: any free port. */
  readonly port: number | undefined
  readonly roles: string | undefined
  /** File of settings. */
  readonly config: string | undefined
  readonly handlers: string | undefined
  readonly outputRoot: string
}

export interface ConnectOptions {
  /** Such as `http://127.0.0.1:7377`. */
  readonly url: string
  readonly key: Redacted.Redacted<string> | undefined
  /** The key may go over http to another machine. */
  readonly plain: boolean
}

export interface ConfigurationOptions {
  readonly data: string
  /** File of settings, when it is said. */
  readonly file: string | undefined
}

/** Every setting as it is now; secrets are masked. */
export interface ConfigurationDocument {
  readonly file: string | null
  readonly settings: ReadonlyArray<{
    readonly name: string
    /** In the file; null: only the environment sets it. */
    readonly key: string | null
    readonly value: string
    readonly source: "environment" | "file" | "default"
    readonly place: string | null
    readonly meaning: string
  }>
}

/** A server that is up. */
export class Server extends Context.Service<Server, {
  /** Such as `http://127.0.0.1:7377`. */
  readonly url: string
  /** Directory of its store. */
  readonly data: string
  /** Whether it answers requests; without, only probes and metrics. */
  readonly api: boolean
}>()("baton/cli/Server") {}

export class Backend extends Context.Service<Backend, {
  readonly open: (options: StoreOptions) => Layer.Layer<Ports, ClientError>
  /** The ports of a server. */
  readonly connect: (options: ConnectOptions) => Layer.Layer<Ports, ClientError>
  /** The address of the server that serves a data folder now, when there is one. */
  readonly find: (data: string) => Effect.Effect<string | undefined>
  /** A server that runs until its scope closes. */
  readonly serve: (options: ServeOptions) => Layer.Layer<Server, ClientError>
  readonly configuration: (options: ConfigurationOptions) => Effect.Effect<ConfigurationDocument, ClientError>
}>()("baton/cli/Backend") {}

/** Where the store is, when nothing says otherwise. */
export const dataDefault = ".baton"

/** For commands about files only: they leave no folder behind. */
const inMemory = ":memory:"

/** Where files go, below the working directory. */
export const outputRootDefault = "output"

export const dataDirectory = Effect.gen(function*() {
  const { globals } = yield* Printer
  const environment = yield* Environment
  return resolve(globals.data ?? (environment.data === "" ? dataDefault : environment.data))
})

/** Who executes the runs of a command: this process, as long as it lives, or a server. */
export class Executor extends Context.Reference<"process" | "server">("baton/cli/Executor", {
  defaultValue: () => "process"
}) {}

type Place = { readonly kind: "process" } | { readonly kind: "server"; readonly url: string; readonly named: boolean }

const addressOf = (text: string): Effect.Effect<string, Failure.Failure> => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url !== undefined && (url.username !== "" || url.password !== "")) {
    return Effect.fail(Failure.usage("INVALID_VALUE", "--server: an address holds no credentials", "set BATON_API_KEY"))
  }
  return url !== undefined && (url.protocol === "http:" || url.protocol === "https:")
    ? Effect.succeed(url.href.replace(/\/+$/, ""))
    : Effect.fail(
      Failure.usage("INVALID_VALUE", `--server ${text}: expected an address such as http://127.0.0.1:7377, or none`)
    )
}

export interface PortsOptions {
  readonly handlers?: string | undefined
  readonly execute?: boolean
  /** The command is about files only: a server is asked where one was named. */
  readonly store?: "none"
  /** What works on the store beside a server too: one that was only found is left aside. */
  readonly beside?: boolean
  /** What needs this machine: asked of a server that was named, it is refused; one that was only found is left aside. */
  readonly here?: string
  /** What names files of this machine: a server that was named, and is not on it, would look for them elsewhere. */
  readonly files?: string
}

/** Whether a server is on this machine, as its address tells. */
const isHere = (url: string): boolean => /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(URL.parse(url)?.hostname ?? "")

/** The flag before the environment, that before a server that is found on the data folder. */
const place = Effect.fnUntraced(function*(options: PortsOptions) {
  const { globals } = yield* Printer
  const environment = yield* Environment
  if (globals.data !== undefined && globals.server !== undefined && globals.server !== "none") {
    return yield* Failure.usage(
      "FLAGS_CONFLICT",
      "--data and --server exclude each other: a server has its own data",
      "--server URL, or --data DIR"
    )
  }
  // A flag before the environment: who names a folder means no server of another one.
  const said = globals.server ?? (globals.data === undefined ? environment.server : "")
  const here: Place = { kind: "process" }
  if (said === "none") return here
  if (said !== "") {
    const there: Place = { kind: "server", url: yield* addressOf(said), named: true }
    return there
  }
  if (options.store === "none") return here
  const backend = yield* Backend
  const url = yield* backend.find(yield* dataDirectory)
  const found: Place = url === undefined ? here : { kind: "server", url, named: false }
  return found
})

/** The environment's key, or what the file holds that it names. */
const keyOf = ({ apiKey: said, apiKeyFile }: EnvironmentValues) => {
  const apiKey = said !== undefined && Redacted.value(said).trim() === "" ? undefined : said
  if (apiKeyFile === "") return Effect.succeed(apiKey)
  const wrong = (what: string) => Effect.fail(Failure.usage("INVALID_VALUE", `BATON_API_KEY_FILE: ${what}`))
  return apiKey === undefined
    ? Effect.catch(
      Effect.try(() => Redacted.make(readFileSync(apiKeyFile, "utf8"))),
      () => wrong(`${apiKeyFile} cannot be read`)
    )
    : wrong("BATON_API_KEY is set too; unset one of them")
}

const notOverHttp = (url: string, what: string): Failure.Failure =>
  Failure.usage("NOT_OVER_HTTP", `${what} cannot be asked of ${url}`, "--server none   (in this process)")

/** Who just starts commands beside a server in production has no key yet, and need not know that one is found. */
const keyless = (there: Place & { readonly kind: "server" }) => (error: ClientError): ClientError =>
  error.code === "CREDENTIAL_MISSING"
    ? new ClientError({
      reason: error.reason,
      code: error.code,
      message: `${there.url}${there.named ? "" : ", which serves this data folder,"} asks for a key`,
      hint: `BATON_API_KEY=KEY${there.named ? "" : ", or --server none to work on the data folder beside it"}`
    })
    : error

/** Runs a command against the store, here or behind a server; a client's error becomes a failure with its exit code. */
export const withPorts = <A, R>(
  options: PortsOptions,
  command: Effect.Effect<A, Failure.Failure | OutputClosed | ClientError, R>
): Effect.Effect<A, Failure.Failure | OutputClosed, Exclude<R, Ports> | Backend | Printer | Environment> =>
  Effect.gen(function*() {
    const backend = yield* Backend
    const here = options.handlers === undefined ? options.here : "--handlers: functions of this machine"
    const there = yield* place(options)
    if (there.kind === "server" && there.named && here !== undefined) {
      return yield* notOverHttp(there.url, here)
    }
    if (there.kind === "server" && there.named && options.files !== undefined && !isHere(there.url)) {
      return yield* notOverHttp(there.url, options.files)
    }
    if (there.kind === "server" && here === undefined && (there.named || options.beside !== true)) {
      const environment = yield* Environment
      return yield* command.pipe(
        Effect.provideService(Executor, "server"),
        Effect.provide(backend.connect({
          url: there.url,
          key: yield* keyOf(environment),
          // One that was found is on this machine, whatever it calls itself.
          plain: !there.named || mayPlainHttp(environment)
        })),
        Effect.catchTag("ClientError", (error) => Effect.fail(keyless(there)(error)))
      )
    }
    const layer = backend.open({
      data: options.store === "none" ? inMemory : yield* dataDirectory,
      handlers: options.handlers === undefined ? undefined : resolve(options.handlers),
      adopt: false,
      execute: options.execute ?? false,
      outputRoot: resolve(outputRootDefault)
    })
    return yield* Effect.provide(command, layer)
  }).pipe(Effect.catchTag("ClientError", (error) => Effect.fail(Failure.fromClientError(error))))
