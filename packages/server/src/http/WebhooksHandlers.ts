/** The endpoints of webhooks, over the port of whoever asks. */
import { Api } from "@baton/contract/http/Api"
import * as Paging from "@baton/contract/http/Paging"
import type { DeliveriesQuery } from "@baton/contract/WebhooksClient"
import { WebhooksClient } from "@baton/contract/WebhooksClient"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { asked } from "./Asked.ts"
import * as Located from "./Located.ts"
import * as Queries from "./Queries.ts"

const page = (client: WebhooksClient["Service"], id: string, query: DeliveriesQuery) =>
  Effect.gen(function*() {
    const { after, limit } = query
    if (after !== undefined && !/^dlv_[0-9a-z]{26}$/.test(after)) return yield* Queries.cursorUnknown(after)
    const items = yield* client.deliveries(id, query)
    return { items, next: items.length < limit ? null : items.at(-1)!.id }
  })

export const WebhooksHandlers = HttpApiBuilder.group(
  Api,
  "webhooks",
  (handlers) =>
    handlers.handleAll({
      list: () => asked(WebhooksClient, (client) => Effect.map(client.list, (items) => ({ items }))),
      add: ({ payload }) =>
        Located.told(
          asked(WebhooksClient, (client) => client.add(payload)),
          Located.webhook
        ),
      show: ({ params }) => asked(WebhooksClient, (client) => client.show(params.id)),
      change: ({ params, payload }) => asked(WebhooksClient, (client) => client.change(params.id, payload)),
      remove: ({ params }) => asked(WebhooksClient, (client) => client.remove(params.id)),
      rotate: ({ params, payload }) => asked(WebhooksClient, (client) => client.rotate(params.id, payload)),
      test: ({ params }) => asked(WebhooksClient, (client) => client.test(params.id)),
      deliveries: ({ params, query: { after, limit = Paging.pageDefault, run, state } }) =>
        asked(WebhooksClient, (client) =>
          page(client, params.id, {
            limit,
            ...(after === undefined ? {} : { after }),
            ...(run === undefined ? {} : { run }),
            ...(state === undefined ? {} : { state })
          })),
      resend: ({ params }) => asked(WebhooksClient, (client) => client.resend(params.id))
    })
)
