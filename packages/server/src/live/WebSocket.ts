/**
 * Live streams on a WebSocket (RFC 6455): one connection, its runs chosen by messages. The frames are those of the event
 * streams. Its peer is asked every so often whether it lives; one that says too much, or takes nothing, is closed.
 */
import { UpgradeRequired } from "@baton/contract/http/EarlyProblems"
import type { Problem } from "@baton/contract/http/Problems"
import { ClientMessage, protocol } from "@baton/contract/LiveMessage"
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as NodeWS from "@effect/platform-node/NodeWS"
import type * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Queue from "effect/Queue"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import { IncomingMessage } from "node:http"
import type { Live } from "./Live.ts"
import type { Source } from "./Outlet.ts"
import type { Reader } from "./Reader.ts"
import { SocketOutlet } from "./SocketOutlet.ts"

const decode = Schema.decodeUnknownExit(Schema.fromJsonString(ClientMessage))

interface Session {
  readonly live: Live["Service"]
  readonly tenant: string
  readonly outlet: SocketOutlet
  /** By run; the tenant's own under the empty name. */
  readonly subscriptions: Map<string, { readonly reader: Reader; readonly scope: Scope.Closeable }>
}

const problem = (session: Session, run: string | undefined) => ({ code, detail, message }: Problem) =>
  session.outlet.say({
    type: "error",
    code,
    detail: detail ?? message,
    ...(run === undefined ? {} : { run })
  })

const subscribe = Effect.fnUntraced(function*(
  session: Session,
  run: string | undefined,
  after: number | undefined
): Effect.fn.Return<void, Problem> {
  const { live, outlet, subscriptions, tenant } = session
  const name = run ?? ""
  const say = (code: string, detail: string) =>
    outlet.say({ type: "error", code, detail, ...(run === undefined ? {} : { run }) })
  if (subscriptions.has(name)) return say("SUBSCRIBED_ALREADY", `${run ?? "the stream of runs"} is followed already`)
  if (subscriptions.size >= live.limits.runsMax) {
    return say("RUNS_MAX", `one connection follows ${live.limits.runsMax} runs`)
  }
  if (run !== undefined) yield* live.find(tenant, { run, position: after })
  const scope = yield* Scope.make()
  const reader = yield* (run === undefined
    ? live.summaries(outlet, tenant, after)
    : live.follow(outlet, tenant, { run, position: after })).pipe(
      Scope.provide(scope),
      Effect.onError((cause) => Scope.close(scope, Exit.failCause(cause)))
    )
  subscriptions.set(name, { reader, scope })
  outlet.say({
    type: "subscribed",
    ...(run === undefined ? { topic: "runs" as const } : { run }),
    after: reader.position
  })
  outlet.wake(reader)
})

const unsubscribe = (session: Session, name: string): Effect.Effect<void> => {
  const found = session.subscriptions.get(name)
  session.subscriptions.delete(name)
  return found === undefined ? Effect.void : Scope.close(found.scope, Exit.void)
}

const hear = (session: Session, text: string): Effect.Effect<void> => {
  const decoded = decode(text)
  if (Exit.isFailure(decoded)) {
    session.outlet.say({ type: "error", code: "MESSAGE_INVALID", detail: "the message is none of this protocol" })
    return Effect.void
  }
  const message = decoded.value
  if (message.type === "ping") {
    session.outlet.say({ type: "pong", ...(message.id === undefined ? {} : { id: message.id }) })
    return Effect.void
  }
  const run = "run" in message ? message.run : undefined
  if (message.type === "unsubscribe") return unsubscribe(session, run ?? "")
  return Effect.catch(
    subscribe(session, run, message.after),
    (error) => Effect.sync(() => problem(session, run)(error))
  )
}

/** A run that is over is not followed any more. */
const forget = (session: Session, source: Source): Effect.Effect<void> => {
  for (const [name, { reader }] of session.subscriptions) if (reader === source) return unsubscribe(session, name)
  return Effect.void
}

/** Messages in their order, until the peer is gone. */
const converse = Effect.fnUntraced(
  function*(live: Live["Service"], tenant: string, socket: NodeWS.WebSocket) {
    const { limits } = live
    const inbox = yield* Queue.bounded<string | Source, Cause.Done>(limits.messagesPerSecondMax * 2 + limits.runsMax)
    const outlet = new SocketOutlet({
      socket,
      limits,
      now: live.now,
      heard: (text) => Queue.offerUnsafe(inbox, text),
      ended: (source) => void Queue.offerUnsafe(inbox, source),
      closed: () => void Queue.endUnsafe(inbox)
    })
    const session: Session = { live, tenant, outlet, subscriptions: new Map() }
    live.opened(outlet)
    yield* Effect.addFinalizer(() =>
      Effect.suspend(() => {
        live.outlets.delete(outlet)
        outlet.destroy()
        return Effect.forEach([...session.subscriptions.keys()], (name) => unsubscribe(session, name))
      })
    )
    yield* Effect.forever(
      Effect.flatMap(
        Queue.take(inbox),
        (item) => typeof item === "string" ? hear(session, item) : forget(session, item)
      )
    )
  },
  Effect.catch(() => Effect.void),
  Effect.scoped
)

const upgradeRequired = Effect.map(
  HttpServerRespondable.toResponse(
    new UpgradeRequired({
      code: "UPGRADE_REQUIRED",
      detail: "A WebSocket begins with Connection: Upgrade and Upgrade: websocket.",
      hint: "GET /api/v1/events follows runs without one"
    })
  ),
  HttpServerResponse.setHeaders({ connection: "Upgrade", upgrade: "websocket" })
)

/** The socket, or nothing when the handshake is refused: the refusal has been sent then. */
const shake = (
  server: NodeWS.WebSocketServer,
  request: IncomingMessage
): Effect.Effect<NodeWS.WebSocket | undefined> =>
  Effect.callback((resume) => {
    if (request.socket.destroyed) return resume(Effect.succeed(undefined))
    request.socket.once("close", () => resume(Effect.succeed(undefined)))
    // A client sends nothing before it has the answer (RFC 6455, 4.1).
    server.handleUpgrade(request, request.socket, Buffer.alloc(0), (socket) => resume(Effect.succeed(socket)))
  })

/**
 * Answers requests for the socket; each lasts as long as its connection. The server keeps the connection to itself from the
 * handshake on, because what it needs (pings, how much is still to be sent) is not part of a `Socket`.
 */
export const make = (live: Live["Service"]) => {
  const server = new NodeWS.WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: live.limits.messageBytesMax,
    // Only the name of the protocol is said back, never a token beside it.
    handleProtocols: (offered) => offered.has(protocol) ? protocol : false
  })
  return Effect.fnUntraced(function*(tenant: string, request: HttpServerRequest) {
    const incoming = NodeHttpServerRequest.toIncomingMessage(request)
    if (request.headers["upgrade"]?.toLowerCase() !== "websocket" || !(incoming instanceof IncomingMessage)) {
      return yield* upgradeRequired
    }
    const socket = yield* shake(server, incoming)
    if (socket !== undefined) yield* converse(live, tenant, socket)
    return HttpServerResponse.empty()
  })
}
