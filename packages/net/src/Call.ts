/**
 * One call, hop by hop. Each hop goes the same way: check the URL's text, look the name up once, check every answer,
 * connect to one of those very addresses. A redirect is an answer like any other until its Location has passed the same.
 */
import type { DialError, DialRequest } from "@baton/engine/HttpDialer"
import type * as Array from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Dns from "effect/net/Dns"
import * as Result from "effect/Result"
import type { CheckedAddress } from "./Address.ts"
import * as Body from "./Body.ts"
import { type ByteSource, Exchange, type Head } from "./Exchange.ts"
import * as Failure from "./Failure.ts"
import type { Limits } from "./NetLimits.ts"
import type * as NetPolicy from "./NetPolicy.ts"
import type { Pools } from "./Pools.ts"
import * as Redirect from "./Redirect.ts"
import * as Request from "./Request.ts"
import * as Resolver from "./Resolver.ts"
import * as UrlCheck from "./UrlCheck.ts"

/** What calls of one dialer share. */
export interface Means {
  readonly dns: Dns.Dns["Service"]
  readonly pools: Pools
  readonly limits: Limits
  readonly rulesFor: (allow: ReadonlyArray<string>) => Result.Result<NetPolicy.Rules, UrlCheck.Problem>
}

/** A call in progress: what there is to break off, and whether anything was sent. */
export class Call {
  exchange: Exchange | undefined
  source: ByteSource | undefined

  get sent(): boolean {
    return this.exchange?.sent ?? false
  }

  /** Nothing happens to what is finished. */
  abort(why: (sent: boolean) => DialError): void {
    if (this.exchange === undefined || (this.exchange.finished && this.source?.finished !== false)) return
    const error = why(this.sent)
    this.source?.abort(error)
    this.exchange.abort(error)
  }
}

/** The longest time a timer of the runtime can wait, in milliseconds. */
const TIMER_MAX = 2 ** 31 - 1

export interface Opened {
  readonly answer: Body.Answer
  /** The URL that answered. */
  readonly url: string
}

export const givenUp = (sent: boolean): DialError => Failure.failure("CALL_CLOSED", "The call was given up.", sent)

/** Goes from hop to hop until an answer is no redirect, or may not be followed. */
export const open = Effect.fnUntraced(function*(
  means: Means,
  request: DialRequest,
  call: Call
): Effect.fn.Return<Opened, DialError> {
  const { limits } = means
  const orRefuse = <A>(result: Result.Result<A, UrlCheck.Problem>) =>
    Effect.fromResult(Result.mapError(result, ({ code, message }) => Failure.failure(code, message, call.sent)))
  const rules = yield* orRefuse(means.rulesFor(request.allow ?? []))
  const redirectsMax = request.redirectsMax ?? limits.redirectsMax
  let hop = yield* orRefuse(Request.fromDial(request))
  let destination = yield* orRefuse(UrlCheck.check(rules, request.url, limits.urlLengthMax))
  yield* Effect.annotateCurrentSpan({
    "http.request.method": hop.method,
    "server.address": destination.host,
    "server.port": destination.port
  })
  for (let redirects = 0;; redirects++) {
    const addresses = yield* Resolver.admit(means.dns, rules, destination, limits.addressesMax, call.sent)
    const head = yield* send(means, call, { rules, destination, addresses, hop, timeout: request.timeout })
    const location = head.headers["location"]
    if (redirectsMax === 0 || location === undefined || !Redirect.isRedirect(head.status)) {
      return {
        answer: yield* answerOf(call, head, hop.method, destination, request.bytesMax ?? limits.bytesMax),
        url: destination.url.href
      }
    }
    call.abort(givenUp)
    if (redirects >= redirectsMax) {
      return yield* Failure.failure(
        "REDIRECTS_MAX",
        `${destination.host} redirects, after ${redirectsMax} redirects.`,
        true
      )
    }
    const next = yield* orRefuse(UrlCheck.check(rules, location, limits.urlLengthMax, destination.url))
    if (destination.secure && !next.secure) {
      return yield* Failure.failure("REDIRECT_DOWNGRADE", `${destination.host} redirects from https to http.`, true)
    }
    hop = Redirect.next(hop, head.status, destination.url, next.url)
    destination = next
  }
})

const answerOf = (call: Call, head: Head, method: string, { host }: UrlCheck.Destination, bytesMax: number) =>
  Effect.suspend(() => {
    const { exchange } = call
    if (exchange === undefined) return Effect.die("an answer without an exchange")
    return Effect.fromResult(Body.open(exchange, head, { method, host, bytesMax })).pipe(
      Effect.tap((answer) =>
        Effect.sync(() => {
          call.source = answer.source
        })
      )
    )
  })

interface Leg {
  readonly rules: NetPolicy.Rules
  readonly destination: UrlCheck.Destination
  readonly addresses: Array.NonEmptyReadonlyArray<CheckedAddress>
  readonly hop: Redirect.Hop
  readonly timeout: Duration.Duration | undefined
}

/** Tries the next checked address only while no connection came about: after that something may have been sent. */
const send = (means: Means, call: Call, leg: Leg): Effect.Effect<Head, DialError> => {
  const [first, ...others] = leg.addresses
  return others.reduce(
    (tried, address) =>
      Effect.catchIf(
        tried,
        isUnconnected,
        (error) => call.exchange?.started === true ? Effect.fail(error) : attempt(means, call, leg, address)
      ),
    attempt(means, call, leg, first)
  )
}

const isUnconnected = (error: DialError): boolean => error.reason === "connect" || error.code === "TIMEOUT_CONNECT"

const attempt = (
  { limits, pools }: Means,
  call: Call,
  { destination, hop, rules, timeout }: Leg,
  address: CheckedAddress
): Effect.Effect<Head, DialError> =>
  Effect.callback((resume) => {
    const { host, name, port, secure, url } = destination
    const exchange = new Exchange({ host, secure, sentBefore: call.sent }, (result) => {
      resume("status" in result ? Effect.succeed(result) : Effect.fail(result))
    })
    call.exchange = exchange
    pools.get({ policy: rules.key, origin: url.origin, address, port, secure, name }).dispatch({
      path: url.pathname + url.search,
      method: hop.method,
      headers: hop.headers.flatMap(({ name, value }) => [name, value]),
      body: hop.body ?? null,
      headersTimeout: Math.min(Duration.toMillis(timeout ?? limits.headersTimeout), TIMER_MAX),
      bodyTimeout: 0
    }, exchange)
    return Effect.sync(() => call.abort(givenUp))
  })
