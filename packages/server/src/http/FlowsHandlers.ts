/** The endpoints of flows, over the ports of whoever asks. */
import { Client } from "@baton/contract/Client"
import { FlowsClient } from "@baton/contract/FlowsClient"
import { Api } from "@baton/contract/http/Api"
import { textOf } from "@baton/contract/http/FlowReference"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { asked } from "./Asked.ts"
import * as Located from "./Located.ts"
import * as Queries from "./Queries.ts"

export const FlowsHandlers = HttpApiBuilder.group(
  Api,
  "flows",
  (handlers) =>
    handlers.handleAll({
      publish: ({ payload }) =>
        Located.told(
          asked(FlowsClient, (flows) => {
            const { file, text } = textOf(payload.flow)
            return flows.publish(text, file)
          }),
          Located.flow
        ),
      check: ({ payload }) =>
        asked(Client, (client) => {
          const { file, text } = textOf(payload.flow)
          return Effect.map(client.checkFlow(text, file), ({ canonical, problems }) => ({
            problems,
            ...(canonical === undefined ? {} : { canonical })
          }))
        }),
      list: () => asked(FlowsClient, (flows) => Effect.map(flows.list(), Queries.whole)),
      find: ({ params }) => asked(FlowsClient, (flows) => flows.find(params.name)),
      versions: ({ params }) =>
        asked(FlowsClient, (flows) =>
          // A flow without any version is none.
          Effect.flatMap(flows.list(params.name), (items) =>
            items.length > 0
              ? Effect.succeed(Queries.whole(items))
              : Effect.as(flows.find(params.name), Queries.whole(items)))),
      version: ({ params }) => asked(FlowsClient, (flows) => flows.find(params.name, params.version))
    })
)
