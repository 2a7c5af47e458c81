/** The methods of every path: what `Allow` tells (RFC 9110, 10.2.1). */
import { Api } from "@baton/contract/http/Api"
import { plainRoutes } from "@baton/contract/http/PlainRoutes"
import * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"

export interface Path {
  readonly pattern: RegExp
  readonly methods: ReadonlySet<string>
}

/** `/runs/:id` as text that it fits; a slash at the end is no other path. */
const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/:[A-Za-z]+/g, "[^/]+")}/?$`)

/** The resources of an API, and of routes beside it, written as `GET /docs`. */
export const resources = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
  plain: ReadonlyArray<string> = []
): ReadonlyArray<Path> => {
  const found = new Map<string, Set<string>>()
  const add = (path: string, method: string) => found.set(path, (found.get(path) ?? new Set()).add(method))
  HttpApi.reflect(api, { onGroup: () => {}, onEndpoint: ({ endpoint }) => add(endpoint.path, endpoint.method) })
  for (const route of plain) {
    const [method = "", path = ""] = route.split(" ", 2)
    add(path, method)
  }
  return [...found].map(([path, methods]) => ({ pattern: patternOf(path), methods }))
}

/** All that a server with the role `api` has. */
export const all = resources(Api, Object.keys(plainRoutes))

/** Of the resource that a request's target names; empty: there is none. */
export const allowed = (target: string, paths = all): ReadonlyArray<string> => {
  const [path = ""] = target.split("?", 1)
  const methods = new Set(paths.flatMap((one) => one.pattern.test(path) ? [...one.methods] : []))
  if (methods.size === 0) return []
  if (methods.has("GET")) methods.add("HEAD")
  return [...methods.add("OPTIONS")].toSorted()
}
