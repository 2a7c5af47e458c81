/**
 * `fetch` over the dialer, for libraries that take one: their calls get our limits, our address policy and our recordings.
 *
 * Aborting the signal, or cancelling the body, interrupts the call. The headers that carry credentials are redacted from
 * here on, so that a redirect to another origin drops them.
 */
import type { DialRequest, DialResponse, HttpDialer } from "@baton/engine/HttpDialer"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"

export type FetchOptions = Pick<DialRequest, "allow" | "bytesMax" | "redirectsMax" | "timeout">

/** Headers that carry a credential. */
export const secretHeaders: ReadonlySet<string> = new Set([
  "api-key",
  "authorization",
  "cookie",
  "proxy-authorization",
  "x-api-key",
  "x-goog-api-key"
])

const statusesWithoutBody = new Set([101, 204, 205, 304])

/** The context supplies clock, limits and spans to the calls, which start outside of any fiber. */
export const make = (
  dialer: HttpDialer["Service"],
  context: Context.Context<never>,
  options: FetchOptions
): typeof globalThis.fetch =>
async (input, init) => {
  const request = new Request(input, init)
  const { signal } = request
  const scope = Scope.makeUnsafe()
  const close = () => Effect.runPromiseWith(context)(Scope.close(scope, Exit.void))
  const body = request.body === null ? undefined : new Uint8Array(await request.arrayBuffer())
  const exit = await Effect.runPromiseExitWith(context)(
    Scope.provide(dialer.dial({ ...options, ...requestOf(request), ...(body === undefined ? {} : { body }) }), scope),
    { signal }
  )
  if (Exit.isSuccess(exit)) return responseOf(exit.value, context, scope, signal)
  await close()
  signal.throwIfAborted()
  throw Exit.isFailure(exit) ? failureOf(exit) : new Error("unreachable")
}

const requestOf = (request: Request): DialRequest => {
  const headers: Record<string, string | Redacted.Redacted<string>> = {}
  for (const [name, value] of request.headers) {
    headers[name] = secretHeaders.has(name) ? Redacted.make(value, { label: name }) : value
  }
  return { method: request.method, url: request.url, headers }
}

const responseOf = (
  response: DialResponse,
  context: Context.Context<never>,
  scope: Scope.Closeable,
  signal: AbortSignal
): Response => {
  const close = Scope.close(scope, Exit.void)
  const abort = () => void Effect.runPromiseWith(context)(close)
  signal.addEventListener("abort", abort, { once: true })
  const ended = Effect.andThen(Effect.sync(() => signal.removeEventListener("abort", abort)), close)
  const init = { status: response.status, headers: response.headers }
  if (statusesWithoutBody.has(response.status)) {
    void Effect.runPromiseWith(context)(ended)
    return new Response(null, init)
  }
  const body = Stream.toReadableStreamWith(Stream.ensuring(response.body, ended), context, { signal })
  return new Response(body, init)
}

const failureOf = (exit: Exit.Failure<unknown, unknown>): unknown => {
  const reason = exit.cause.reasons[0]
  if (reason === undefined) return new Error("The call ended without an answer.")
  return reason._tag === "Fail" ? reason.error : reason._tag === "Die" ? reason.defect : new Error("interrupted")
}
