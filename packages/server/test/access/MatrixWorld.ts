/** A tenant with one of everything, all of it marked, and the credentials of every role. */
import { type Need } from "@baton/contract/http/Access"
import { Scope } from "@baton/contract/http/Scope"
import * as KeyText from "@baton/server/access/KeyText"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { AccessServer } from "./AccessServer.ts"
import { audience, type Issuer, issuerName } from "./IssuerServer.ts"

type Server = AccessServer["Service"]

/** Stands in all that belongs to the tenant, and in nothing else. */
export const mark = "canary4711"
export const tenant = "acme"
export const otherTenant = "globex"

export interface World {
  readonly run: string
  readonly step: string
  readonly approval: string
  readonly patch: string
  readonly letter: string
  readonly webhook: string
  readonly key: string
  readonly keyText: string
  readonly flow: string
  readonly blob: string
}

const gated = {
  name: `${mark}-gated`,
  version: "1.0.0",
  policy: { patches: { add: { types: ["transform"] }, review: "required" } },
  nodes: { gate: { approval: `May ${mark} go on?` } }
}

/** A patch that adds a node behind the gate. */
export const adding = (id: string) => [
  { op: "add", path: "/nodes/-", value: { id, type: "transform", value: 1 } },
  { op: "add", path: "/edges/-", value: { from: "gate", to: id } }
]

const failing = {
  name: `${mark}-failing`,
  version: "1.0.0",
  nodes: { call: { http: "GET http://127.0.0.1:9/", onFailure: "fail" } }
}

const large = {
  name: `${mark}-large`,
  version: "1.0.0",
  nodes: { one: { value: mark.repeat(500) } },
  output: "${ nodes.one.output }"
}

/** Asks until the answer is as it should be; the server is asked, not a clock. */
const until = <A>(ask: Effect.Effect<A | undefined>): Effect.Effect<A> =>
  Effect.flatMap(
    ask,
    (found) => found === undefined ? Effect.andThen(Effect.sleep("20 millis"), until(ask)) : Effect.succeed(found)
  )

const first = (body: { readonly [key: string]: unknown }) =>
  (body["items"] as ReadonlyArray<{ readonly [key: string]: unknown }> | undefined)?.[0]

export const make = Effect.fnUntraced(function*(server: Server) {
  const admin = yield* server.newKey({ tenant, name: `${mark}-admin` })
  const victim = yield* server.newKey({ tenant, name: `${mark}-victim`, scopes: ["keys:admin"] })
  const ask = (method: string, path: string, body?: unknown) =>
    server.ask(method, path, { key: admin.key, ...(body === undefined ? {} : { body }) })
  const made = Effect.fnUntraced(function*(path: string, body: unknown) {
    const answer = yield* ask("POST", path, body)
    assert.strictEqual(answer.status, 201, `${path}: ${answer.text}`)
    return answer.body
  })
  const started = (flow: unknown) => Effect.map(made("/api/v1/runs", { flow }), ({ id }) => String(id))

  yield* made("/api/v1/flows", { flow: gated })
  const run = yield* started(gated)
  const stored = yield* started(large)
  yield* started(failing)
  yield* ask("PUT", `/api/v1/secrets/${mark.toUpperCase()}`, { value: mark, hosts: ["api.test"] })
  const hook = yield* made("/api/v1/webhooks", { url: `https://hooks.test/${mark}` })
  const approval = yield* until(
    Effect.map(ask("GET", `/api/v1/approvals?run=${run}`), ({ body }) => first(body)?.["id"] as string | undefined)
  )
  const letter = yield* until(
    Effect.map(ask("GET", "/api/v1/deadletters"), ({ body }) => first(body)?.["id"] as string | undefined)
  )
  const blob = yield* until(
    Effect.map(ask("GET", `/api/v1/runs/${stored}`), ({ text }) => /sha256:[0-9a-f]{64}/.exec(text)?.[0])
  )
  const operations = adding(mark)
  const patch = yield* ask("POST", `/api/v1/runs/${run}/patches`, { operations })
  assert.match(patch.text, /pat_\w+/, patch.text)
  return {
    run,
    step: "gate",
    approval,
    patch: /pat_\w+/.exec(patch.text)![0],
    letter,
    webhook: /"id":"([^"]+)"/.exec(JSON.stringify(hook))![1]!,
    key: victim.id,
    keyText: victim.key,
    flow: gated.name,
    blob
  } satisfies World
})

/** The text of a credential of every role, for what a route needs. */
export const credentials = (server: Server, issuer: Issuer["Service"]) => {
  const token = (scope: string, tenant: string, seconds: number) =>
    issuer.sign({
      iss: issuerName,
      aud: audience,
      sub: "ana",
      tenant,
      realm: { scope },
      exp: Math.floor(Date.now() / 1000) + seconds
    })
  return Effect.fnUntraced(function*(need: Need) {
    const scope: Scope = need === "credential" || need === "public" ? "runs:read" : need
    const others = Scope.literals.filter((one) => one !== scope && one !== "system:admin")
    const newKey = (scopes: ReadonlyArray<Scope>, of = tenant, lifetimeMs?: number) =>
      Effect.map(
        server.newKey({ scopes, tenant: of, ...(lifetimeMs === undefined ? {} : { lifetimeMs }) }),
        ({ key }) => key
      )
    const own = yield* newKey([scope])
    const revoked = yield* server.newKey({ tenant })
    const admin = yield* server.newKey({ tenant })
    yield* server.ask("DELETE", `/api/v1/keys/${revoked.id}`, { key: admin.key })
    return {
      wrong: KeyText.make("live", admin.id),
      expired: yield* newKey([scope], tenant, 1),
      revoked: revoked.key,
      powerless: yield* newKey(others),
      own,
      stranger: yield* newKey([scope], otherTenant),
      token: yield* token(scope, tenant, 600),
      powerlessToken: yield* token(others.join(" "), tenant, 600),
      expiredToken: yield* token(scope, tenant, -600),
      strangerToken: yield* token(scope, otherTenant, 600)
    }
  })
}

export type Credentials = Effect.Success<ReturnType<ReturnType<typeof credentials>>>
