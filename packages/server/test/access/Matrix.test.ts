/**
 * Every route × every role × what is one's own and what is another tenant's, made from the contract: a new endpoint is in it
 * without anybody's doing, and one that cannot be asked without knowing more fails until it has a row.
 */
import { type Need, Needs } from "@baton/contract/http/Access"
import { Api } from "@baton/contract/http/Api"
import { plainRoutes } from "@baton/contract/http/PlainRoutes"
import { systemScopes } from "@baton/contract/http/Scope"
import * as RouteGuard from "@baton/server/access/RouteGuard"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import { AccessServer } from "./AccessServer.ts"
import { Issuer, served } from "./IssuerServer.ts"
import { named, type Row, rows } from "./MatrixRows.ts"
import * as MatrixWorld from "./MatrixWorld.ts"

interface Route {
  /** `group.endpoint`, or `METHOD /path`. */
  readonly name: string
  readonly group: string
  readonly method: string
  readonly path: string
  readonly need: Need
  readonly hasBody: boolean
}

const routes = (): ReadonlyArray<Route> => {
  const found: Array<Route> = []
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint, group }) => {
      found.push({
        name: `${group.identifier}.${endpoint.identifier}`,
        group: group.identifier,
        method: endpoint.method,
        path: endpoint.path,
        need: Context.get(endpoint.annotations, Needs)!,
        hasBody: endpoint.payload.size > 0
      })
    }
  })
  for (const [name, need] of Object.entries(plainRoutes)) {
    const [method = "", path = ""] = name.split(" ")
    found.push({ name, group: "", method, path, need, hasBody: method !== "GET" })
  }
  return found
}

const parameters = (path: string): ReadonlyArray<string> => [...path.matchAll(/:(\w+)/g)].map((match) => match[1]!)

/** The row of a route: its own, or one made from what its parameters name. */
const rowOf = (route: Route, world: MatrixWorld.World): Row | undefined => {
  const given = rows(world)[route.name]
  if (given !== undefined) return given
  const known = named(world)[route.group] ?? {}
  const names = parameters(route.path)
  if (route.hasBody || !names.every((name) => known[name] !== undefined)) return undefined
  return { params: known, others: names.length === 0 ? "apart" : "hidden" }
}

/** Another id of the same look that nobody has. */
const unknown = (text: string): string => text.replace(/(?<=[_:])([0-9a-z]{8})(?=[0-9a-z]{8})/, "00000000")

const urlOf = (route: Route, row: Row, change: (text: string) => string): string => {
  const path = parameters(route.path).reduce(
    (path, name) => path.replace(`:${name}`, encodeURIComponent(change(row.params?.[name] ?? ""))),
    route.path
  )
  return row.query === undefined ? path : `${path}?${change(row.query)}`
}

interface Told {
  readonly status: number
  readonly code: unknown
  readonly text: string
}

/** A stream is not read to its end. */
const asking = (url: string) => (route: Route, row: Row, key: string | undefined, change = (text: string) => text) =>
  Effect.promise(async (): Promise<Told> => {
    const response = await fetch(`${url}${urlOf(route, row, change)}`, {
      method: route.method,
      headers: {
        accept: "application/json",
        ...(row.body === undefined ? {} : { "content-type": "application/json" }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` })
      },
      ...(row.body === undefined ? {} : { body: JSON.stringify(row.body) })
    })
    if (response.headers.get("content-type")?.startsWith("text/event-stream") === true) {
      await response.body?.cancel()
      return { status: response.status, code: undefined, text: "" }
    }
    const text = await response.text()
    const code: unknown = /"code":"(\w+)"/.exec(text)?.[1]
    return { status: response.status, code, text }
  })

type Ask = ReturnType<typeof asking>

/** What nobody gets past: refused before anything is looked at. */
const refused = Effect.fnUntraced(function*(ask: Ask, route: Route, row: Row, roles: MatrixWorld.Credentials) {
  const anonymous = yield* ask(route, row, undefined)
  assert.deepStrictEqual([anonymous.status, anonymous.code], [401, "CREDENTIAL_MISSING"], `${route.name}: nobody`)
  for (const role of ["wrong", "expired", "revoked", "expiredToken"] as const) {
    const told = yield* ask(route, row, roles[role])
    // After twenty in a minute from one address the same refusal is called otherwise.
    const isRefused = told.code === "CREDENTIAL_INVALID" ? told.status === 401 : told.code === "CREDENTIALS_LIMITED"
    assert.isTrue(isRefused, `${route.name}: ${role}: ${told.status} ${told.text}`)
  }
  if (route.need === "credential") return
  for (const role of ["powerless", "powerlessToken"] as const) {
    const told = yield* ask(route, row, roles[role])
    assert.deepStrictEqual([told.status, told.code], [403, "SCOPE_MISSING"], `${route.name}: ${role}`)
  }
})

/** Another tenant is told of a thing what they are told of no thing. */
const hidden = Effect.fnUntraced(function*(ask: Ask, route: Route, row: Row, roles: MatrixWorld.Credentials) {
  if (row.others === "system") return assert.include(systemScopes, route.need, route.name)
  for (const role of ["stranger", "strangerToken"] as const) {
    const told = yield* ask(route, row, roles[role])
    // What was asked for may be said again.
    const said = Object.values(row.params ?? {}).reduce((text, value) => text.replaceAll(value, ""), told.text)
    assert.notInclude(said, MatrixWorld.mark, `${route.name}: ${role}`)
    if (row.others === "apart") {
      assert.notInclude([401, 403, 500], told.status, `${route.name}: ${role}: ${told.text}`)
      continue
    }
    const nothing = yield* ask(route, row, roles[role], unknown)
    assert.strictEqual(told.status, 404, `${route.name}: ${role}: ${told.text}`)
    assert.deepStrictEqual([told.status, told.code], [nothing.status, nothing.code], `${route.name}: ${role}`)
  }
})

const allowed = Effect.fnUntraced(function*(ask: Ask, route: Route, row: Row, roles: MatrixWorld.Credentials) {
  if (row.skipOwn !== undefined) return
  for (const role of ["own", "token"] as const) {
    // What the first has removed, the second does not find.
    if (role === "token" && route.method === "DELETE") continue
    const told = yield* ask(route, row, roles[role])
    const closed = row.others === "hidden" ? [401, 403, 404, 500] : [401, 403, 500]
    assert.notInclude(closed, told.status, `${route.name}: ${role}: ${told.text}`)
    if (route.method === "GET" && route.name !== "live.socket") {
      assert.strictEqual(told.status, 200, `${route.name}: ${told.text}`)
    }
  }
})

/** What takes things away comes last. */
const weight = ({ method, name }: Route): number =>
  method === "GET" ? 0 : name === "runs.remove" || name === "keys.revoke" ? 3 : method === "DELETE" ? 2 : 1

describe("access matrix", () => {
  it.live("every route, every role, one's own and another's", () =>
    Effect.gen(function*() {
      const server = yield* AccessServer
      const world = yield* MatrixWorld.make(server)
      const roles = MatrixWorld.credentials(server, yield* Issuer)
      const all = routes()
      const table = all.map((route) => ({ route, row: rowOf(route, world) }))
      const without = table.filter(({ row }) => row === undefined).map(({ route }) => route.name)
      assert.deepStrictEqual(without, [], "routes without a row in MatrixRows.ts")
      const names = new Set(all.map(({ name }) => name))
      assert.deepStrictEqual(Object.keys(rows(world)).filter((name) => !names.has(name)), [], "rows without a route")

      const ask = asking(server.url)
      const keys = new Map<Need, MatrixWorld.Credentials>()
      for (const { need } of all) if (!keys.has(need)) keys.set(need, yield* roles(need))
      const found: Array<string> = []
      const each = (check: typeof refused, which: (route: Route) => boolean) =>
        Effect.forEach(table.filter(({ route }) => which(route)), ({ route, row }) =>
          Effect.catchDefect(check(ask, route, row!, keys.get(route.need)!), (defect) =>
            Effect.sync(() => {
              found.push(defect instanceof Error ? defect.message : String(defect))
            })))
      yield* each(refused, ({ need }) =>
        need !== "public")
      yield* each(hidden, ({ need }) =>
        need !== "public")
      table.sort((a, b) => weight(a.route) - weight(b.route))
      yield* each(allowed, () => true)
      assert.deepStrictEqual(found, [])
    }).pipe(Effect.provide(served)), 300_000)

  it("an endpoint that does not say what it needs, or that nobody guards, is found before the server starts", () => {
    const endpoint = HttpApiEndpoint.get("show", "/show")
    const make = (one: typeof endpoint) => HttpApi.make("open").add(HttpApiGroup.make("open").add(one))
    assert.deepStrictEqual(RouteGuard.faults(make(endpoint)), ["GET /show does not say what it needs"])
    assert.deepStrictEqual(RouteGuard.faults(make(endpoint.annotate(Needs, "runs:read"))), [
      "GET /show needs runs:read but nobody checks it"
    ])
    assert.deepStrictEqual(RouteGuard.faults(make(endpoint.annotate(Needs, "public"))), [])
    assert.deepStrictEqual(RouteGuard.faults(Api), [])
  })
})
