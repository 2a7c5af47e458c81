/** The endpoints of runs, over the ports of whoever asks. */
import { Client } from "@baton/contract/Client"
import { Api } from "@baton/contract/http/Api"
import * as FlowReference from "@baton/contract/http/FlowReference"
import * as Paging from "@baton/contract/http/Paging"
import { StartRequest } from "@baton/contract/http/RunsApi"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type * as Headers from "effect/http/Headers"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { StartLimit } from "../gate/StartLimit.ts"
import * as RunEventsHandler from "../live/RunEventsHandler.ts"
import * as RunComparison from "../RunComparison.ts"
import * as Accepted from "./Accepted.ts"
import { asked } from "./Asked.ts"
import { Idempotency } from "./Idempotency.ts"
import * as Located from "./Located.ts"
import * as LogStream from "./LogStream.ts"
import * as Queries from "./Queries.ts"

const list = (
  client: Client["Service"],
  { limit, since, ...query }: Omit<Parameters<Client["Service"]["list"]>[0], "since"> & { readonly since?: string }
) =>
  Effect.gen(function*() {
    const from = since === undefined ? {} : { since: yield* Queries.time(since) }
    return yield* Queries.pageById(
      { after: query.after, limit },
      client.list({ ...query, ...from, limit }),
      client.show
    )
  })

const encodeStart = Schema.encodeUnknownSync(Schema.toCodecJson(StartRequest))

/** Starts a run, once for each key. */
export const start = (
  { admit, once }: Idempotency["Service"] & StartLimit["Service"],
  { headers, key }: { readonly headers: Headers.Headers; readonly key: string | undefined },
  payload: StartRequest
): ReturnType<typeof once> =>
  once({
    key,
    kind: "run",
    at: Located.run,
    request: () => ["runs", encodeStart(payload) as Json],
    make: (id) => {
      const flow = FlowReference.toPort(payload.flow)
      const made = asked(Client, (client) =>
        client.start({ input: null, ...payload, flow, ...(id === undefined ? {} : { id }) }))
      return Effect.andThen(admit(flow, headers), made)
    },
    made: (id) =>
      asked(Client, (client) => client.show(id))
  })

const logs = Effect.fnUntraced(function*(
  client: Client["Service"],
  run: string,
  { after, limit = Paging.pageDefault, path }: {
    readonly after?: string
    readonly limit?: number | undefined
    readonly path?: string
  },
  { form, headers }: { readonly form: string; readonly headers: Headers.Headers }
) {
  const of = path === undefined ? {} : { path }
  if (form === Accepted.events) {
    const from = yield* Queries.position(headers["last-event-id"] ?? after)
    yield* client.show(run)
    return LogStream.response(client, run, { ...of, after: from })
  }
  const lines = client.logs(run, { ...of, after: yield* Queries.position(after), follow: false })
  const items = yield* Stream.runCollect(Stream.take(lines, limit))
  const last = items.at(-1)?.n
  return { items, next: items.length < limit || last === undefined ? null : String(last) }
})

export const RunsHandlers = HttpApiBuilder.group(
  Api,
  "runs",
  Effect.fnUntraced(function*(handlers) {
    const starting = { ...yield* Idempotency, ...yield* StartLimit }
    return handlers.handleAll({
      start: ({ headers, payload, request }) =>
        start(starting, { headers: request.headers, key: headers["idempotency-key"] }, payload),
      list: ({ query: { after, flow, limit = Paging.pageDefault, parent, roots, since, status } }) =>
        asked(Client, (client) =>
          list(client, {
            limit,
            ...(after === undefined ? {} : { after }),
            ...(flow === undefined ? {} : { flow }),
            ...(parent === undefined ? {} : { parent }),
            ...(roots === "true" ? { roots: true } : {}),
            ...(since === undefined ? {} : { since }),
            ...(status === undefined ? {} : { status })
          })),
      show: ({ params }) => asked(Client, (client) => Effect.flatMap(client.resolve(params.id), client.show)),
      steps: ({ params, query: { after, limit = Paging.pageDefault } }) =>
        asked(Client, (client) =>
          Effect.gen(function*() {
            const from = yield* Queries.position(after)
            const items = yield* client.steps(params.id, from, limit)
            if (items.length === 0 && from > (yield* client.show(params.id)).stepsTotal) {
              return yield* Queries.cursorUnknown(String(from))
            }
            return { items, next: items.length < limit ? null : String(from + items.length) }
          })),
      events: ({ params, query, request }) => RunEventsHandler.events(params.id, query, request),
      explain: ({ params }) =>
        asked(Client, (client) => Effect.map(client.explain(params.id), (reasons) => ({ reasons }))),
      send: ({ params, payload: { data = null, id, name } }) =>
        asked(Client, (client) => client.send(params.id, name, data, id)),
      cancel: ({ params, payload }) => asked(Client, (client) => client.cancel(params.id, payload.reason)),
      pause: ({ params }) => asked(Client, (client) => client.pause(params.id)),
      resume: ({ params, payload }) => asked(Client, (client) => client.resume(params.id, payload)),
      resolve: ({ query }) => asked(Client, (client) => Effect.map(client.resolve(query.text), (id) => ({ id }))),
      prune: ({ payload }) =>
        asked(
          Client,
          (client) => Effect.map(Effect.flatMap(Queries.time(payload.before), client.prune), (removed) => ({ removed }))
        ),
      logs: ({ params, query, request: { headers } }) =>
        Effect.flatMap(
          Accepted.check(headers.accept),
          (form) => asked(Client, (client) => logs(client, params.id, query, { form, headers }))
        ),
      diff: ({ params }) => asked(Client, (client) => RunComparison.make(client, params.id, params.other)),
      retryStep: ({ params, payload }) =>
        asked(Client, (client) => client.resolveStep(params.id, params.path, "retry", payload)),
      skipStep: ({ params, payload }) =>
        asked(Client, (client) => client.resolveStep(params.id, params.path, "skip", payload)),
      abortStep: ({ params, payload }) =>
        asked(Client, (client) => client.resolveStep(params.id, params.path, "abort", payload)),
      remove: ({ params }) => asked(Client, (client) => client.remove(params.id))
    })
  })
)
