/** A server, as the ports reach it: the derived client, and what its answers are in the words of the ports. */
import * as Effect from "effect/Effect"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { ClientError } from "../Client.ts"
import { Api } from "../http/Api.ts"
import { type Problem, problems, toClientError } from "../http/Problems.ts"

export interface RemoteOptions {
  /** Such as `http://127.0.0.1:7377`. */
  readonly url: string
  readonly key: Redacted.Redacted<string> | undefined
  /** The key may go unencrypted to another machine; by default it goes over https, or to this one. */
  readonly plain?: boolean
}

/** Names of this machine, as a URL's parser writes them; a server that listens on all addresses calls itself `0.0.0.0`. */
const ownNames = /^(localhost|127(\.\d{1,3}){3}|0\.0\.0\.0|\[::1?\])$/

/** Whether what is sent there stays on this machine. */
export const isHere = (url: string): boolean => ownNames.test(URL.parse(url)?.hostname ?? "")

/** Whoever is on the way reads a key that goes over http, and has it from then on. */
const requireSafe = ({ key, plain, url }: RemoteOptions): Effect.Effect<void, ClientError> =>
  key === undefined || plain === true || URL.parse(url)?.protocol === "https:" || isHere(url) ?
    Effect.void :
    Effect.fail(
      new ClientError({
        reason: "invalid",
        code: "KEY_OVER_HTTP",
        message: `a key is not sent over http to another machine: ${url}`,
        hint: "use https, or a tunnel to a port of this machine; BATON_ALLOW_PLAIN_HTTP=true sends it all the same"
      })
    )

/** A program is no part of a trace unless it says so: a run that it starts begins one of its own. */
const untraced = HttpClient.transformResponse(Effect.provideService(HttpClient.TracerPropagationEnabled, false))

const placed = ({ key, url }: RemoteOptions) => (client: HttpClient.HttpClient): HttpClient.HttpClient =>
  HttpClient.mapRequest(untraced(client), (request) => {
    const there = HttpClientRequest.prependUrl(request, url)
    return key === undefined ? there : HttpClientRequest.bearerToken(there, key)
  })

const derived = (options: RemoteOptions) => HttpApiClient.make(Api, { transformClient: placed(options) })
/** One method per endpoint. */
export type Endpoints = Effect.Success<ReturnType<typeof derived>>

export interface Remote {
  readonly url: string
  readonly endpoints: Endpoints
  /** For what is not in the derived client: streams. Requests are relative to the server. */
  readonly http: HttpClient.HttpClient
}

/** What a header cannot hold is told of here, by its name alone: the error of whoever sends it would quote it. */
const written = (key: Redacted.Redacted<string>): Effect.Effect<Redacted.Redacted<string>, ClientError> => {
  const text = Redacted.value(key).trim()
  return /^[\x21-\x7e]+$/.test(text) ? Effect.succeed(Redacted.make(text)) : Effect.fail(
    new ClientError({
      reason: "invalid",
      code: "KEY_MALFORMED",
      message: "the key holds characters that no key has",
      hint: "set BATON_API_KEY to the key alone, on one line"
    })
  )
}

/** Fails with `KEY_OVER_HTTP` or `KEY_MALFORMED` before anything is sent. */
export const make = (given: RemoteOptions): Effect.Effect<Remote, ClientError, HttpClient.HttpClient> =>
  Effect.gen(function*() {
    yield* requireSafe(given)
    const options = given.key === undefined ? given : { ...given, key: yield* written(given.key) }
    const http = placed(options)(yield* HttpClient.HttpClient)
    return { url: options.url, endpoints: yield* derived(options), http }
  })

const isProblem = (error: unknown): error is Problem => problems.some((kind) => error instanceof kind)

/** What a failed call is called where nobody answered. */
export const unreachable = (url: string, message: string): ClientError =>
  new ClientError({
    reason: "unreachable",
    code: "SERVER_UNREACHABLE",
    message: `${url}: ${message}`,
    hint: "start it with `baton serve`, or name another with --server"
  })

const strange = (url: string, message: string): ClientError =>
  new ClientError({
    reason: "unreachable",
    code: "SERVER_NOT_UNDERSTOOD",
    message: `${url} answers, but not as this version of Baton does: ${message.split("\n")[0]}`,
    hint: "use the same version on both sides, or name another server with --server"
  })

/** What the system said, innermost. */
const root = (error: unknown): unknown => {
  let at = error
  for (let depth = 0; depth < 8 && at instanceof Error && at.cause instanceof Error; depth++) at = at.cause
  return at
}

const messageOf = (error: unknown): string => error instanceof Error ? error.message : String(error)

/** A connection that broke while the answer came; what cannot be read has no code of the system. */
const isBroken = (error: unknown): boolean =>
  typeof error === "object" && error !== null && "code" in error && typeof error.code === "string"

/** Why a call came to nothing, in the words of the ports. */
export const failure = (url: string, error: unknown): ClientError => {
  if (error instanceof ClientError) return error
  if (isProblem(error)) return toClientError(error)
  if (HttpClientError.isHttpClientError(error)) {
    const cause = root(error)
    return error.reason._tag === "TransportError" || isBroken(cause)
      ? unreachable(url, messageOf(cause))
      : strange(url, error.message)
  }
  return strange(url, messageOf(root(error)))
}

/** The server had too much to do, and did nothing of this. */
const isShed = ({ code }: ClientError): boolean => code === "OVERLOADED"

/** About ten seconds, in all. */
const again = Schedule.min([Schedule.exponential("200 millis"), Schedule.spaced("3 seconds")]).pipe(
  Schedule.jittered,
  Schedule.upTo({ times: 7 })
)

/** What a call came to, in the words of the ports. */
export const answer = <A, R>(
  { url }: Pick<Remote, "url">,
  call: Effect.Effect<A, unknown, R>
): Effect.Effect<A, ClientError, R> =>
  Effect.retry(Effect.mapError(call, (error) => failure(url, error)), { while: isShed, schedule: again })

/** Over HTTP the credential says who acts: a name that is only claimed is refused, not ignored. */
export const asCredential = <A, R>(
  claimed: { readonly by?: string | undefined; readonly groups?: ReadonlyArray<string> | undefined },
  effect: Effect.Effect<A, ClientError, R>
): Effect.Effect<A, ClientError, R> =>
  claimed.by === undefined && claimed.groups === undefined ? effect : Effect.fail(
    new ClientError({
      reason: "invalid",
      code: "ACTOR_FROM_CREDENTIAL",
      message: "a server takes who acts from the credential, never from the request",
      hint: "leave --as and --group away, or use the key of who acts (BATON_API_KEY)"
    })
  )
