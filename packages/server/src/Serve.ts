/** A server: the machine on its store, and HTTP in front of it. */
import { ClientError } from "@baton/contract/Client"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import * as Entrance from "./access/Entrance.ts"
import * as Connections from "./gate/Connections.ts"
import * as Countersign from "./gate/Countersign.ts"
import { Drain } from "./gate/Drain.ts"
import * as Framing from "./gate/Framing.ts"
import { Gate } from "./gate/Gate.ts"
import { LoadMeter } from "./gate/LoadMeter.ts"
import * as PortHolder from "./gate/PortHolder.ts"
import * as RateLimits from "./gate/RateLimits.ts"
import * as Roles from "./gate/Roles.ts"
import * as ServerLimits from "./gate/ServerLimits.ts"
import * as StartLimit from "./gate/StartLimit.ts"
import * as HttpApp from "./http/HttpApp.ts"
import * as Live from "./live/Live.ts"
import type { LocalOptions } from "./Local.ts"
import * as Local from "./Local.ts"
import * as GateMeter from "./telemetry/GateMeter.ts"
import * as RequestMeter from "./telemetry/RequestMeter.ts"
import * as StreamMeter from "./telemetry/StreamMeter.ts"

export interface ServeOptions extends Omit<LocalOptions, "adopt" | "execute" | "types"> {
  /** `dev`: whoever comes without a credential is the person at this machine, unless `requireKeys` says otherwise. */
  readonly mode: "dev" | "serve"
  readonly host: string
  /** 0: any free port. */
  readonly port: number
  /** Take over runs whose process died; absent: when it has the role of the sweeper. */
  readonly adopt?: boolean
  /** Such as `api,coordinator,worker:http`; absent: all. */
  readonly roles?: string | undefined
  readonly requireKeys?: boolean
  /** Shared with whoever may read the address that this server leaves behind; see `gate/Countersign`. */
  readonly secret?: Redacted.Redacted | undefined
}

/**
 * Characters of one segment of a path (ids, names and step paths, percent-encoded), and one spelling of each: whoever
 * guards a path in front of this server guards all of it.
 */
const routerConfig = { maxParamLength: 1_024, caseSensitive: true, ignoreDuplicateSlashes: false }
/** Requests are told as spans by the meter around them; a second span for each would be seen by nobody. */
const untraced = Layer.succeed(HttpMiddleware.TracerDisabledWhen, () => true)
const quiet = { disableLogger: true, disableListenLog: true, routerConfig } as const

const codeOf = (cause: unknown): unknown =>
  typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined

/** Names that reach this machine only. */
const isLoopback = (host: string): boolean =>
  host === "localhost" || host === "::1" || host === "[::1]" || /^127(\.\d{1,3}){3}$/.test(host)

/** The system would take it as every address there is, which nobody means who leaves a variable unset. */
const hostEmpty = new ClientError({
  reason: "invalid",
  code: "HOST_UNKNOWN",
  message: "the host is empty",
  hint: "--host 127.0.0.1, or 0.0.0.0 for all"
})

/** Without keys whoever reaches the server is its owner: so nobody else may reach it. */
const trustsLocal = ({ host, mode, requireKeys }: ServeOptions): Effect.Effect<boolean, ClientError> =>
  mode === "serve" || requireKeys === true
    ? Effect.succeed(false)
    : isLoopback(host)
    ? Effect.succeed(true)
    : Effect.fail(
      new ClientError({
        reason: "invalid",
        code: "HOST_NEEDS_KEYS",
        message: `${host} is reached by others, and baton dev asks nobody who they are`,
        hint: "add --require-keys, or use baton serve"
      })
    )

/** Why a server cannot listen, in words that name the address. */
const cannotListen = ({ host, port }: ServeOptions, cause: unknown): ClientError => {
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`
  const refuse = (code: string, message: string, hint: string) =>
    new ClientError({ reason: "unavailable", code, message, hint })
  switch (codeOf(cause)) {
    case "EADDRINUSE": {
      const holder = PortHolder.find(port)
      return refuse(
        "PORT_TAKEN",
        `${address} is taken${holder === undefined ? "" : ` by ${holder}`}`,
        "choose another with --port; 0 is any free one"
      )
    }
    case "EACCES":
      return refuse("PORT_DENIED", `this user may not listen on ${address}`, "choose a port above 1023 with --port")
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return refuse("HOST_UNKNOWN", `${host} is no address of this machine`, "--host 127.0.0.1, or 0.0.0.0 for all")
    default:
      return refuse("LISTEN_FAILED", cause instanceof Error ? cause.message : String(cause), "see --host and --port")
  }
}

const localOptions = (options: ServeOptions, { coordinator, sweeper, worker }: Roles.Roles): LocalOptions => ({
  webhooks: coordinator ? "attend" : "none",
  metrics: true,
  ...options,
  adopt: options.adopt ?? sweeper,
  retain: sweeper,
  execute: true,
  ...(worker === "all" ? {} : { types: worker })
})

/** Made after the server, so that streams end before it waits for its connections. */
const live = Layer.effectDiscard(Effect.flatMap(Live.Live, ({ stop }) => Effect.addFinalizer(() => stop)))

/** Begins the end: built last, so that it is the first to hear that the server stops. */
const drained = Layer.effectDiscard(Effect.flatMap(Drain, ({ begin }) => Effect.addFinalizer(() => begin)))

/** Registered before all other middleware, so that it stands around them and around every route. */
const gated = HttpRouter.middleware(
  Effect.map(Gate, ({ middleware }) => Framing.inside(middleware)),
  { global: true }
)

/** The application, with what looks on outermost. */
const routes = ({ api }: Roles.Roles) =>
  Layer.unwrap(Effect.map(RequestMeter.make, (middleware) =>
    api
      ? HttpRouter.serve(Layer.provide(HttpApp.layer, gated), { ...quiet, middleware })
      : HttpRouter.serve(Layer.provide(HttpApp.probes, gated), { ...quiet, middleware })))

const bodyLimit = Layer.effect(
  HttpIncomingMessage.MaxBodySize,
  Effect.map(ServerLimits.ServerLimits, ({ bodyBytes }) => ByteSize.fromInputUnsafe(bodyBytes))
)

const gate = Gate.layer.pipe(Layer.provideMerge(Layer.mergeAll(Drain.layer, LoadMeter.layer, bodyLimit)))

const listening = (options: ServeOptions, limits: ServerLimits.ServerLimits) => {
  const server = Connections.make(limits)
  const { host, port } = options
  return {
    closing: Connections.closing(server),
    listener: NodeHttpServer.layer(() => server, { host, port, gracefulShutdownTimeout: limits.stopGrace }).pipe(
      Layer.catchTag("ServeError", ({ cause }) => Layer.effectContext(Effect.fail(cannotListen(options, cause))))
    )
  }
}

/**
 * Serves until its scope closes; in it, `HttpServer` tells the address. The port is taken before the store is opened, and
 * the end is in order: readiness, streams, requests, connections, workers, store.
 */
export const layer = (options: ServeOptions): Layer.Layer<HttpServer.HttpServer, ClientError> =>
  Layer.unwrap(Effect.gen(function*() {
    if (options.host.trim() === "") return yield* Effect.fail(hostEmpty)
    const trustLocal = yield* trustsLocal(options)
    const roles = yield* Roles.parse(options.roles)
    const { closing, listener } = listening(options, yield* ServerLimits.ServerLimits)
    return drained.pipe(
      Layer.provideMerge(Layer.mergeAll(live, StreamMeter.layer, GateMeter.layer)),
      Layer.provideMerge(Layer.provide(routes(roles), untraced)),
      Layer.provide(Live.layer),
      Layer.provide(closing),
      Layer.provide(StartLimit.layer.pipe(Layer.provide(RateLimits.layer(options.mode)))),
      Layer.provide(Entrance.layer({ trustLocal })),
      Layer.provide(Local.hostLayer(localOptions(options, roles))),
      Layer.provideMerge(listener),
      Layer.provide(gate),
      Layer.provide(Layer.succeed(Countersign.Countersign, options.secret))
    )
  })).pipe(
    Layer.provide(ServerLimits.layer),
    Layer.catchTag("ConfigError", (error) => Layer.effectContext(Effect.fail(Local.fromConfig(error))))
  )
