/** Where commands find Baton: a layer that answers the client ports, opened for one command and closed in order after it. */
import type { ClientError } from "@baton/contract/Client"
import type { Ports } from "@baton/contract/Ports"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Layer from "effect/Layer"
import { resolve } from "node:path"
import { Environment } from "./Environment.ts"
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

export interface ServeOptions extends StoreOptions {
  readonly mode: "dev" | "serve"
  /** A credential is asked for in `dev` too; `serve` always asks. */
  readonly requireKeys: boolean
  readonly host: string
  /** 0: any free port. */
  readonly port: number
}

/** A server that is up. */
export class Server extends Context.Service<Server, {
  /** Such as `http://127.0.0.1:7377`. */
  readonly url: string
}>()("baton/cli/Server") {}

export class Backend extends Context.Service<Backend, {
  readonly open: (options: StoreOptions) => Layer.Layer<Ports, ClientError>
  /** A server that runs until its scope closes. */
  readonly serve: (options: ServeOptions) => Layer.Layer<Server, ClientError>
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

/** Runs a command against the store; a client's error becomes a failure with its exit code. */
export const withPorts = <A, R>(
  options: { readonly handlers?: string | undefined; readonly execute?: boolean; readonly store?: "none" },
  command: Effect.Effect<A, Failure.Failure | OutputClosed | ClientError, R>
): Effect.Effect<A, Failure.Failure | OutputClosed, Exclude<R, Ports> | Backend | Printer | Environment> =>
  Effect.gen(function*() {
    const backend = yield* Backend
    const layer = backend.open({
      data: options.store === "none" ? inMemory : yield* dataDirectory,
      handlers: options.handlers === undefined ? undefined : resolve(options.handlers),
      adopt: false,
      execute: options.execute ?? false,
      outputRoot: resolve(outputRootDefault)
    })
    return yield* Effect.provide(command, layer)
  }).pipe(Effect.catchTag("ClientError", (error) => Effect.fail(Failure.fromClientError(error))))
