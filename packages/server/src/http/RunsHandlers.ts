/** The endpoints of runs, over the ports of whoever asks. */
import type { StartRun } from "@baton/contract/Client"
import { Client } from "@baton/contract/Client"
import { Api } from "@baton/contract/http/Api"
import * as Paging from "@baton/contract/http/Paging"
import type { FlowReference } from "@baton/contract/http/RunsApi"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as RunEventsHandler from "../live/RunEventsHandler.ts"
import { asked } from "./Asked.ts"
import * as Queries from "./Queries.ts"

/** `name@version`; a version has no `@`. */
const flowOf = (flow: FlowReference): StartRun["flow"] => {
  if (typeof flow === "string") {
    const at = flow.lastIndexOf("@")
    return at <= 0 ? { name: flow } : { name: flow.slice(0, at), version: flow.slice(at + 1) }
  }
  if (typeof flow.text === "string" && !("nodes" in flow)) {
    return { text: flow.text, file: typeof flow.file === "string" ? flow.file : "flow.yaml" }
  }
  return { text: JSON.stringify(flow), file: "flow.json" }
}

const list = (
  client: Client["Service"],
  { limit, since, ...query }: Omit<Parameters<Client["Service"]["list"]>[0], "since"> & { readonly since?: string }
) =>
  Effect.gen(function*() {
    const items = yield* client.list({
      ...query,
      ...(since === undefined ? {} : { since: yield* Queries.time(since) }),
      limit
    })
    if (items.length === 0 && query.after !== undefined) {
      yield* Effect.catch(client.show(query.after), () => Queries.cursorUnknown(query.after!))
    }
    return { items, next: items.length < limit ? null : items.at(-1)!.id }
  })

export const RunsHandlers = HttpApiBuilder.group(
  Api,
  "runs",
  (handlers) =>
    handlers.handleAll({
      start: ({ payload }) =>
        asked(Client, (client) => client.start({ input: null, ...payload, flow: flowOf(payload.flow) })),
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
      remove: ({ params }) => asked(Client, (client) => client.remove(params.id))
    })
)
