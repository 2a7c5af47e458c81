/** The methods of every path: what `Allow` tells (RFC 9110, 10.2.1). */
import { Api } from "@baton/contract/http/Api"
import { plainRoutes } from "@baton/contract/http/PlainRoutes"
import * as HttpApi from "effect/http-api/HttpApi"

interface Path {
  readonly pattern: RegExp
  readonly methods: ReadonlySet<string>
}

/** `/runs/:id` as text that it fits; a slash at the end is no other path. */
const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&").replaceAll(/:[A-Za-z]+/g, "[^/]+")}/?$`)

const paths: ReadonlyArray<Path> = (() => {
  const found = new Map<string, Set<string>>()
  const add = (path: string, method: string) => found.set(path, (found.get(path) ?? new Set()).add(method))
  HttpApi.reflect(Api, { onGroup: () => {}, onEndpoint: ({ endpoint }) => add(endpoint.path, endpoint.method) })
  for (const route of Object.keys(plainRoutes)) {
    const [method = "", path = ""] = route.split(" ", 2)
    add(path, method)
  }
  return [...found].map(([path, methods]) => ({ pattern: patternOf(path), methods }))
})()

/** Of the resource that a request's target names; empty: there is none. */
export const allowed = (target: string): ReadonlyArray<string> => {
  const [path = ""] = target.split("?", 1)
  const methods = new Set(paths.flatMap((one) => one.pattern.test(path) ? [...one.methods] : []))
  if (methods.size === 0) return []
  if (methods.has("GET")) methods.add("HEAD")
  return [...methods.add("OPTIONS")].toSorted()
}
