/**
 * Who asks, and what they may: a credential has a tenant and scopes; every endpoint names the scope that it needs.
 *
 * Scopes are checked in one place, before the endpoint's code. What belongs to another tenant is not there (404).
 */
import * as Context from "effect/Context"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as Record from "effect/Record"
import type { Ports } from "../Ports.ts"
import { problems } from "./Problems.ts"
import { Scope } from "./Scope.ts"

export { Scope }

/** The cookie of a browser's session (RFC 6265bis: sent to this very host only, over TLS). */
export const sessionCookie = "__Host-baton"

/** What an endpoint needs: a scope; `credential`: a valid one, whatever its scopes; `public`: none at all. */
export type Need = Scope | "credential" | "public"

export const Needs = Context.Reference<Need | undefined>("baton/contract/http/Access/Needs", {
  defaultValue: () => undefined
})

export interface Principal {
  readonly tenant: string
  /** Who acts, for the journal and the audit log: the key's name or the token's subject. */
  readonly subject: string
  readonly groups: ReadonlyArray<string>
  readonly scopes: ReadonlySet<Scope>
  /** How it was proven; `local`: this machine's loopback, without a key. */
  readonly method: "key" | "jwt" | "session" | "local"
  /** Id of the key, also behind a session; absent for other methods. */
  readonly key?: string
}

/** Who asks, with the ports of their tenant. */
export class Caller extends Context.Service<Caller, {
  readonly principal: Principal
  readonly ports: Context.Context<Ports>
}>()("baton/contract/http/Caller") {}

/** Proves who asks and that they may; refuses with `Unauthenticated` or `Denied`. */
export class Access extends HttpApiMiddleware.Service<Access, { provides: Caller }>()("baton/contract/http/Access", {
  requiredForClient: false,
  // One scheme at work, which looks at every kind of credential: a second one would be decoded, and fail, every time.
  security: { bearer: HttpApiSecurity.bearer },
  error: problems
}) {}

interface Operation {
  readonly security?: ReadonlyArray<object>
}

/** What is looked at of an OpenAPI document. */
interface Document {
  readonly paths: { readonly [path: string]: { readonly [method: string]: Operation } }
  readonly components: { readonly securitySchemes?: object }
}

const orSession = (one: Operation): Operation =>
  one.security?.some((scheme) => "bearer" in scheme) === true
    ? { ...one, security: [{ session: [] }, ...one.security] }
    : one

/** Says in an OpenAPI document that whatever takes a bearer takes the cookie of a session too. */
export const withSession = (document: Record<string, unknown>): Record<string, unknown> => {
  const { components, paths } = document as unknown as Document
  const session = { type: "apiKey", in: "cookie", name: sessionCookie }
  return {
    ...document,
    paths: Record.map(paths, Record.map(orSession)),
    components: { ...components, securitySchemes: { session, ...components.securitySchemes } }
  }
}

/** Makes what cannot be read, or answered, a problem of the published list. */
export class Readable extends HttpApiMiddleware.Service<Readable>()("baton/contract/http/Readable", {
  error: problems
}) {}
