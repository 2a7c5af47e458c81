/**
 * Who asks, and may they? The only place where a credential becomes a caller and where a scope is checked: for endpoints of
 * the contract, for other routes and for WebSocket handshakes alike.
 *
 * A credential is `Authorization: Bearer` with a key or a token, or the session cookie; never part of a URL. What is shown
 * is what counts: a wrong credential is refused even where none is needed.
 */
import { type Caller, Caller as CallerKey, type Principal, Scope, sessionCookie } from "@baton/contract/http/Access"
import { Denied, Limited, type Problem, Unauthenticated, Unavailable } from "@baton/contract/http/Problems"
import { type AccessKey, isLive, useNotedEveryMs } from "@baton/engine/AccessKeys"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as EffectScope from "effect/Scope"
import { Host } from "../Local.ts"
import { defaultTenant, localActor, type Parts } from "../Parts.ts"
import { FailedAttempts } from "./FailedAttempts.ts"
import * as KeyText from "./KeyText.ts"
import { TokenVerifier } from "./TokenVerifier.ts"
import { Trail } from "./Trail.ts"

/** Keys whose last use is remembered to the minute. */
const usesMax = 10_000
/** Longest credential that is looked at, in characters. */
const credentialLengthMax = 16_384
/** Header that a page must set: a form of another site cannot. */
export const csrfHeader = "x-baton-csrf"

export const SessionData = Schema.Struct({ key: Schema.String })

export interface GatekeeperOptions {
  /** Whoever comes without a credential is the person at this machine. */
  readonly trustLocal: boolean
}

type Request = HttpServerRequest.HttpServerRequest
type Proof = Effect.Effect<Principal | undefined, Problem>

export class Gatekeeper extends Context.Service<Gatekeeper, {
  /** The caller, with the ports of their tenant. */
  readonly admit: (request: Request, needs: Scope | "credential") => Effect.Effect<Caller["Service"], Problem>
  /** The key in a text, if it is live. */
  readonly keyOf: (text: string) => Effect.Effect<AccessKey | undefined, Problem>
  /** Counts a refused credential of this request; how it is answered. */
  readonly refuse: (request: Request) => Effect.Effect<Problem>
}>()("baton/server/access/Gatekeeper") {}

const everyScope: ReadonlySet<Scope> = new Set(Scope.literals)

const localPrincipal: Principal = {
  tenant: defaultTenant,
  subject: localActor,
  groups: [],
  scopes: everyScope,
  method: "local"
}

const unavailable = ({ message }: { readonly message: string }): Problem =>
  new Unavailable({ code: "STORE_UNAVAILABLE", detail: message })

const isScope = (text: string): text is Scope => everyScope.has(text as Scope)

export const principalOf = (key: AccessKey, method: "key" | "session"): Principal => ({
  tenant: key.tenant,
  subject: key.owner ?? key.name,
  groups: key.groups,
  scopes: new Set(key.scopes.filter(isScope)),
  method,
  key: key.id
})

const isSafe = (method: string): boolean => method === "GET" || method === "HEAD" || method === "OPTIONS"

const bearer = (request: Request): string | undefined => {
  const header = request.headers["authorization"]
  return header === undefined ? undefined : /^bearer +(\S+)$/i.exec(header.slice(0, credentialLengthMax))?.[1] ?? ""
}

const decodeSession = Schema.decodeUnknownOption(SessionData)

/** Which credential is shown, and whom it proves. */
const prover = (parts: Parts, verifier: TokenVerifier["Service"]) => {
  const { clock, keys, tokens } = parts
  const live = (id: string) =>
    Effect.map(
      Effect.mapError(keys.find(id), unavailable),
      (key) => key !== undefined && isLive(key, clock.currentTimeMillisUnsafe()) ? key : undefined
    )
  const keyOf = (text: string): Effect.Effect<AccessKey | undefined, Problem> => {
    const id = KeyText.idOf(text)
    if (id === undefined) return Effect.succeed(undefined)
    const digest = KeyText.digestOf(text)
    return Effect.map(live(id), (key) => key !== undefined && KeyText.isSame(digest, key.digest) ? key : undefined)
  }
  const ofBearer = (text: string): Proof =>
    text.startsWith("baton_")
      ? Effect.map(keyOf(text), (key) => key && principalOf(key, "key"))
      : verifier.verify(text)
  const ofSession = Effect.fnUntraced(function*(request: Request, text: string) {
    const session = yield* Effect.mapError(tokens.find("session", KeyText.digestOf(text)), unavailable)
    if (session === undefined || session.expiresAt <= clock.currentTimeMillisUnsafe()) return undefined
    const data = Option.getOrUndefined(decodeSession(session.data))
    const key = data && (yield* live(data.key))
    if (key === undefined) return undefined
    if (!isSafe(request.method) && request.headers[csrfHeader] === undefined) {
      return yield* new Denied({
        code: "CSRF_HEADER_MISSING",
        detail: `A request with the session cookie that changes something carries the header ${csrfHeader}.`
      })
    }
    return principalOf(key, "session")
  })
  return { keyOf, ofBearer, ofSession }
}

/** Notes that a key is used, once a minute, without making anybody wait. */
const useNoter = ({ clock, keys }: Parts, scope: EffectScope.Scope) => {
  const noted = new Map<string, number>()
  return (id: string): Effect.Effect<void> => {
    const now = clock.currentTimeMillisUnsafe()
    if (now - (noted.get(id) ?? 0) < useNotedEveryMs) return Effect.void
    noted.delete(id)
    noted.set(id, now)
    for (const oldest of noted.keys()) {
      if (noted.size <= usesMax) break
      noted.delete(oldest)
    }
    return Effect.asVoid(Effect.forkIn(Effect.ignore(keys.noteUse(id, now)), scope))
  }
}

const addressOf = (request: Request): string => Option.getOrElse(request.remoteAddress, () => "")

const onAnswer = (headers: { readonly [name: string]: string }) =>
  Effect.withFiber((fiber: { readonly context: Context.Context<never> }) => {
    HttpEffect.appendPreResponseHandlerUnsafe(
      fiber.context,
      (_request, response) => Effect.succeed(HttpServerResponse.setHeaders(response, headers))
    )
    return Effect.void
  })

const refuser = (parts: Parts) => {
  const failed = new FailedAttempts()
  return Effect.fnUntraced(function*(request: Request) {
    const wait = failed.add(addressOf(request), parts.clock.currentTimeMillisUnsafe())
    if (wait === undefined) {
      yield* onAnswer({ "www-authenticate": "Bearer realm=\"baton\", error=\"invalid_token\"" })
      return new Unauthenticated({
        code: "CREDENTIAL_INVALID",
        detail: "The credential is wrong, has expired or has been revoked."
      })
    }
    yield* onAnswer({ "retry-after": String(Math.ceil(wait / 1000)) })
    return new Limited({ code: "CREDENTIALS_LIMITED", detail: "Too many wrong credentials from this address." })
  })
}

export const layer = (options: GatekeeperOptions): Layer.Layer<Gatekeeper, never, Host | TokenVerifier> =>
  Layer.effect(
    Gatekeeper,
    Effect.gen(function*() {
      const { parts, portsOf } = yield* Host
      const prove = prover(parts, yield* TokenVerifier)
      const callerOf = (principal: Principal) => {
        const { groups, key, scopes, subject: by, tenant } = principal
        const who = { tenant, by, groups, scopes, ...(key === undefined ? {} : { key }) }
        return CallerKey.of({ principal, ports: portsOf(who) })
      }
      const local = callerOf(localPrincipal)
      const noteUse = useNoter(parts, yield* Effect.scope)
      const refuse = refuser(parts)

      const proven = Effect.fnUntraced(function*(request: Request): Effect.fn.Return<Principal, Problem> {
        const shown = bearer(request)
        const session = shown === undefined ? request.cookies[sessionCookie] : undefined
        if (shown === undefined && session === undefined) {
          if (options.trustLocal) return localPrincipal
          yield* onAnswer({ "www-authenticate": "Bearer realm=\"baton\"" })
          return yield* new Unauthenticated({
            code: "CREDENTIAL_MISSING",
            detail: "Show a key or a token: Authorization: Bearer …"
          })
        }
        const principal = session === undefined
          ? yield* prove.ofBearer(shown ?? "")
          : yield* prove.ofSession(request, session)
        if (principal === undefined) return yield* Effect.fail(yield* refuse(request))
        if (principal.key !== undefined) yield* noteUse(principal.key)
        return principal
      })

      return Gatekeeper.of({
        keyOf: prove.keyOf,
        refuse,
        admit: Effect.fnUntraced(function*(request, needs) {
          const principal = yield* proven(request)
          const trail = yield* Trail
          if (trail !== undefined) trail.principal = principal
          if (needs !== "credential" && !principal.scopes.has(needs)) {
            return yield* new Denied({ code: "SCOPE_MISSING", detail: `This needs the scope ${needs}.` })
          }
          return principal === localPrincipal ? local : callerOf(principal)
        })
      })
    })
  )
