/** The methods of every path: what `Allow` tells (RFC 9110, 10.2.1). */
import * as HttpApi from "effect/http-api/HttpApi"
import type * as HttpApiGroup from "effect/http-api/HttpApiGroup"

interface Path {
  readonly pattern: RegExp
  readonly methods: ReadonlySet<string>
}

/** `/runs/:id` as text that it fits; a slash at the end is no other path. */
const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/:[A-Za-z]+/g, "[^/]+")}/?$`)

const pathsOf = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
  plain: ReadonlyArray<string>
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

const everything = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"]

/** Methods of the resource that a request's target names; empty: there is none. */
export type Allowed = (target: string) => ReadonlyArray<string>

/** Of a server of this API; `plain`: other routes that it has, such as `GET /docs`. */
export const make = <Id extends string, Groups extends HttpApiGroup.Constraint>(
  api: HttpApi.HttpApi<Id, Groups>,
  plain: ReadonlyArray<string>
): Allowed => {
  const paths = pathsOf(api, plain)
  return (target) => {
    // The server as a whole (RFC 9110, 9.3.7).
    if (target === "*") return everything
    const [path = ""] = target.split("?", 1)
    const methods = new Set(paths.flatMap((one) => one.pattern.test(path) ? [...one.methods] : []))
    if (methods.size === 0) return []
    if (methods.has("GET")) methods.add("HEAD")
    return [...methods.add("OPTIONS")].toSorted()
  }
}
