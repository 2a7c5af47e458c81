/** Every path says which methods it takes; what it does not take is 405, and what is no path is 404. */
import { Api } from "@baton/contract/http/Api"
import { plainRoutes } from "@baton/contract/http/PlainRoutes"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpApi from "effect/http-api/HttpApi"
import { assertProblem, folder, serve } from "./Served.ts"

const routes = (): ReadonlyArray<readonly [method: string, path: string]> => {
  const found: Array<readonly [string, string]> = []
  HttpApi.reflect(Api, {
    onGroup: () => {},
    onEndpoint: ({ endpoint }) => found.push([endpoint.method, endpoint.path])
  })
  const plain = Object.keys(plainRoutes).map((route) => {
    const [method = "", path = ""] = route.split(" ")
    return [method, path] as const
  })
  return [...found, ...plain]
}

describe("a path", () => {
  it.live("tells its methods, and refuses every other one with them", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* serve(yield* folder)
      for (const [method, template] of routes()) {
        const path = template.replaceAll(/:\w+/g, "all%5B0%5D")
        const options = yield* server.send("OPTIONS", path)
        assert.strictEqual(options.status, 204, path)
        const allow = options.headers.get("allow")?.split(", ") ?? []
        assert.includeMembers(allow, [method, "OPTIONS", ...(method === "GET" ? ["HEAD"] : [])], path)
        for (const other of ["PUT", "DELETE", "PROPFIND", "QUERY"].filter((one) => !allow.includes(one))) {
          const refused = yield* server.send(other, path)
          assertProblem(refused, 405, "METHOD_NOT_ALLOWED", `${other} ${path}`)
          assert.strictEqual(refused.headers.get("allow"), allow.join(", "), `${other} ${path}`)
        }
      }
    })), 120_000)

  it.live("has one spelling", () =>
    Effect.scoped(Effect.gen(function*() {
      const server = yield* serve(yield* folder)
      for (const path of ["/api/v1/nothing", "/API/v1/runs", "//api/v1/runs", "/api/v1//runs", "/api/v1/runs/a/b/c"]) {
        for (const method of ["GET", "POST", "OPTIONS", "PROPFIND"]) {
          assertProblem(yield* server.send(method, path), 404, "ROUTE_NOT_FOUND", `${method} ${path}`)
        }
      }
      assertProblem(yield* server.get(`/api/v1/runs/${"x".repeat(1_025)}`), 404, "ROUTE_NOT_FOUND")
    })), 60_000)
})
