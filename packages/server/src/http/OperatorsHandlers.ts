/** The endpoints of operators, over the ports of whoever asks. */
import { Api } from "@baton/contract/http/Api"
import * as FlowReference from "@baton/contract/http/FlowReference"
import * as Paging from "@baton/contract/http/Paging"
import { OperatorClient } from "@baton/contract/OperatorClient"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { asked } from "./Asked.ts"
import * as Queries from "./Queries.ts"

export const OperatorsHandlers = HttpApiBuilder.group(
  Api,
  "operators",
  (handlers) =>
    handlers.handleAll({
      fork: ({ params, payload: { flow, ...payload } }) =>
        asked(OperatorClient, (operators) =>
          operators.fork({
            run: params.id,
            ...payload,
            ...(flow === undefined ? {} : { flow: FlowReference.toPort(flow) })
          })),
      retry: ({ params, payload }) =>
        asked(OperatorClient, (operators) => operators.retry({ run: params.id, ...payload })),
      waits: ({ query: { limit = Paging.pageDefault, reason } }) =>
        asked(OperatorClient, (operators) => Effect.map(operators.waits(reason, limit), Queries.whole)),
      letters: ({ query: { limit = Paging.pageDefault, ...query } }) =>
        asked(OperatorClient, (operators) =>
          Queries.pageById({ after: query.after, limit }, operators.letters({ ...query, limit }), operators.letter)),
      letter: ({ params }) =>
        asked(OperatorClient, (operators) =>
          operators.letter(params.id)),
      reprocess: ({ params, payload }) => asked(OperatorClient, (operators) => operators.reprocess(params.id, payload)),
      discard: ({ params, payload }) => asked(OperatorClient, (operators) => operators.discard(params.id, payload.note))
    })
)
