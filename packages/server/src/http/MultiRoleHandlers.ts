/** A question asked of two agents at once: a run of the shipped flow, and its course as a stream. */
import { Client } from "@baton/contract/Client"
import { Caller } from "@baton/contract/http/Access"
import { Api } from "@baton/contract/http/Api"
import type { AskRequest } from "@baton/contract/http/MultiRoleApi"
import { fromClientError, Unavailable } from "@baton/contract/http/Problems"
import type { StartRequest } from "@baton/contract/http/RunsApi"
import * as Recipes from "@baton/recipes/Recipes"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import { StartLimit } from "../gate/StartLimit.ts"
import * as Cursor from "../live/Cursor.ts"
import * as EventStream from "../live/EventStream.ts"
import { Live } from "../live/Live.ts"
import { lastEventId, refuse, tenantOf } from "../live/RunEventsHandler.ts"
import { Host } from "../Local.ts"
import { AskOutlet } from "../multirole/AskOutlet.ts"
import type { Parts } from "../Parts.ts"
import * as RunStart from "../RunStart.ts"
import { asked } from "./Asked.ts"
import { Idempotency } from "./Idempotency.ts"
import * as RunsHandlers from "./RunsHandlers.ts"

const flow = Recipes.multiRole.name

/** No run is made that could only fail: the agents that bring no model of their own need the server's. */
const requireModel = Effect.fnUntraced(function*(parts: Parts, model: string | undefined) {
  if (model !== undefined) return
  const { flow: document } = yield* Effect.mapError(RunStart.flowOf(parts, { name: flow }), fromClientError)
  const without: Array<string> = []
  for (const [name, agent] of Object.entries(document.agents ?? {})) {
    if (agent.use !== undefined || agent.instructions === undefined) continue
    const facts = yield* parts.agents.describe?.(agent) ?? Effect.undefined
    if (facts?.model === undefined) without.push(name)
  }
  if (without.length === 0) return
  return yield* new Unavailable({
    code: "MODEL_MISSING",
    detail: `this server has no model for the agents ${without.join(", ")}`,
    hint: "set BATON_MODEL where the server runs, such as BATON_MODEL=ollama/llama3, or give `model` with the request"
  })
})

const startOf = (
  { context, project_id, question, session_id, ...terms }: AskRequest
): StartRequest => {
  const tags = {
    ...(project_id === undefined ? {} : { project_id }),
    ...(session_id === undefined ? {} : { session_id })
  }
  return {
    flow,
    input: { question, ...(context === undefined ? {} : { context: context as StartRequest["input"] & object }) },
    ...(Object.keys(tags).length === 0 ? {} : { tags }),
    ...terms
  }
}

interface Telling {
  readonly request: HttpServerRequest
  readonly seen: number
  readonly named: boolean
  readonly headers?: { readonly [name: string]: string }
}

/** The course of a run from its beginning on, without what has been seen of it. */
const telling = Effect.fnUntraced(function*(run: string, { headers, named, request, seen }: Telling) {
  const live = yield* Live
  const tenant = yield* tenantOf
  const { ports } = yield* Caller
  const ended = Effect.flatMap(Client, (client) => client.show(run)).pipe(Effect.provideContext(ports))
  const document = yield* Effect.mapError(ended, fromClientError)
  if (seen > 0 && document.endedAt !== null && seen >= document.seq) return EventStream.nothing
  const options = { document, seen, named, ended, fork: live.fork }
  return yield* EventStream.ofRun(live, tenant, { run, position: 0 }, {
    request,
    types: undefined,
    isReturning: false,
    outlet: (sse) => new AskOutlet(sse, options),
    headers: { ...headers, "cache-control": "no-cache, no-store", location: `/api/v1/runs/${run}` }
  })
})

const isNamed = ({ named }: { readonly named?: "true" | "false" | undefined }): boolean => named === "true"

const follow = Effect.fnUntraced(function*(request: HttpServerRequest, run: string, named: boolean) {
  const text = lastEventId(request)
  const seen = text === undefined ? 0 : Cursor.position(text)
  if (seen === undefined) return yield* refuse("CURSOR_UNKNOWN", Cursor.wrong("Last-Event-ID", text ?? ""))
  const id = yield* asked(Client, (client) => client.resolve(run))
  return yield* telling(id, { request, seen, named })
})

export const MultiRoleHandlers = HttpApiBuilder.group(
  Api,
  "multiRole",
  Effect.fnUntraced(function*(handlers) {
    const starting = { ...yield* Idempotency, ...yield* StartLimit }
    const { parts } = yield* Host
    return handlers.handleAll({
      askStream: ({ headers, payload, query, request }) =>
        Effect.gen(function*() {
          yield* requireModel({ ...parts, tenant: yield* tenantOf }, payload.model)
          const asking = { headers: request.headers, key: headers["idempotency-key"] }
          const made = yield* RunsHandlers.start(starting, asking, startOf(payload))
          const { id } = yield* Effect.promise((): Promise<{ readonly id: string }> =>
            HttpServerResponse.toWeb(made).json() as Promise<{ readonly id: string }>
          )
          const replayed = made.headers["idempotency-replayed"]
          return yield* telling(id, {
            request,
            seen: 0,
            named: isNamed(query),
            ...(replayed === undefined ? {} : { headers: { "idempotency-replayed": replayed } })
          })
        }),
      follow: ({ query, request }) => follow(request, query.run, isNamed(query))
    })
  })
)
