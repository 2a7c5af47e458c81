/**
 * The `HttpDialer` on undici: the only way out. Proxy variables of the environment have no effect, since a proxy would
 * resolve names by itself, behind the check. Calls speak HTTP/1.1.
 */
import {
  type DialAnswer,
  type DialError,
  type DialRequest,
  type DialResponse,
  HttpDialer
} from "@baton/engine/HttpDialer"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Dns from "effect/net/Dns"
import * as Pull from "effect/Pull"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Body from "./Body.ts"
import * as Call from "./Call.ts"
import { Connector } from "./Connector.ts"
import type { ByteSource } from "./Exchange.ts"
import * as Failure from "./Failure.ts"
import { type Limits, NetLimits } from "./NetLimits.ts"
import * as NetPolicy from "./NetPolicy.ts"
import { Pools } from "./Pools.ts"
import * as Resolver from "./Resolver.ts"

/** Allow-lists of calls that are kept compiled. */
const RULES_MAX = 64

/** Fails when an entry of the policy's allow-list cannot be read. */
export const layerNoDeps = Layer.effect(
  HttpDialer,
  Effect.gen(function*() {
    const policy = yield* NetPolicy.NetPolicy
    yield* Effect.fromResult(NetPolicy.compile(policy))
    const limits = yield* NetLimits
    const dns = yield* Dns.Dns
    const pools = yield* makePools(limits, yield* Connector)
    const means: Call.Means = { dns, pools, limits, rulesFor: rulesOf(policy) }
    return HttpDialer.of({
      dial: Effect.fn("HttpDialer.dial")((request) => dial(means, request)),
      request: Effect.fn("HttpDialer.request")((request) => Effect.scoped(collect(means, request)))
    })
  })
)

/** The system's resolver and real sockets; the policy and the limits come from their references. */
export const layer = layerNoDeps.pipe(Layer.provide([Resolver.layer, Connector.layer]))

const makePools = (limits: Limits, connector: Connector["Service"]) =>
  Effect.acquireRelease(
    Effect.sync(() =>
      new Pools(connector, {
        poolsMax: limits.poolsMax,
        socketsMax: limits.socketsMax,
        headersBytesMax: limits.headersBytesMax,
        connectTimeoutMs: Duration.toMillis(limits.connectTimeout),
        keepAliveMs: Duration.toMillis(limits.keepAlive)
      })
    ),
    (pools) => Effect.promise(() => pools.destroy())
  )

const rulesOf = (policy: NetPolicy.PolicyDocument): Call.Means["rulesFor"] => {
  const known = new Map<string, NetPolicy.Rules>()
  return (allow) => {
    const key = allow.join("\n")
    const rules = known.get(key)
    if (rules !== undefined) return Result.succeed(rules)
    return NetPolicy.compile({ ...policy, allow: [...policy.allow, ...allow] }).pipe(
      Result.mapError(({ message }) => ({ code: "ALLOW_INVALID", message }) as const),
      Result.tap((compiled) => {
        if (known.size >= RULES_MAX) known.clear()
        known.set(key, compiled)
      })
    )
  }
}

/** Leaving the scope breaks off what is not finished. */
const begin = Effect.acquireRelease(
  Effect.sync(() => new Call.Call()),
  (call) => Effect.sync(() => call.abort(Call.givenUp))
)

const dial = Effect.fnUntraced(function*(
  means: Call.Means,
  request: DialRequest
): Effect.fn.Return<DialResponse, DialError, Scope.Scope> {
  const call = yield* begin
  const total = request.timeout ?? means.limits.timeout
  const startedAt = yield* Clock.currentTimeMillis
  const { answer, url } = yield* within(call, total, Call.open(means, request, call))
  const left = Duration.millis(Duration.toMillis(total) - ((yield* Clock.currentTimeMillis) - startedAt))
  yield* Effect.forkScoped(Effect.andThen(Effect.sleep(left), Effect.sync(() => call.abort(outOfTime))))
  return {
    status: answer.status,
    headers: answer.headers,
    url,
    body: Stream.fromPull(Effect.succeed(Body.pull(answer.source)))
  }
})

const collect = Effect.fnUntraced(function*(
  means: Call.Means,
  request: DialRequest
): Effect.fn.Return<DialAnswer, DialError, Scope.Scope> {
  const call = yield* begin
  const answered = Effect.flatMap(
    Call.open(means, request, call),
    ({ answer: { headers, source, status }, url }) =>
      Effect.map(readAll(source), (bytes) => ({ status, headers, url, bytes }))
  )
  return yield* within(call, request.timeout ?? means.limits.timeout, answered)
})

const readAll = (source: ByteSource): Effect.Effect<Uint8Array, DialError> => {
  const chunks: Array<Uint8Array> = []
  const more: Pull.Pull<Uint8Array, DialError> = Effect.flatMap(Body.pull(source), (read) => {
    for (const chunk of read) chunks.push(chunk)
    return more
  })
  return Pull.catchDone(more, () => Effect.sync(() => new Uint8Array(Buffer.concat(chunks))))
}

const within = <A>(call: Call.Call, total: Duration.Duration, effect: Effect.Effect<A, DialError>) =>
  Effect.timeoutOrElse(effect, { duration: total, orElse: () => Effect.fail(outOfTime(call.sent)) })

const outOfTime = (sent: boolean) => Failure.failure("TIMEOUT_TOTAL", "The call took longer than it may.", sent)
