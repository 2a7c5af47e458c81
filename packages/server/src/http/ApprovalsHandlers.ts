/** The endpoints of what waits for people, over the ports of whoever asks. */
import { ApprovalsClient, type Target } from "@baton/contract/ApprovalsClient"
import { Caller } from "@baton/contract/http/Access"
import { Api } from "@baton/contract/http/Api"
import type { DecideRequest } from "@baton/contract/http/ApprovalsApi"
import * as Paging from "@baton/contract/http/Paging"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { asked } from "./Asked.ts"
import * as Conditions from "./Conditions.ts"
import * as Queries from "./Queries.ts"

const targetOf = (target: string, step: string | undefined): Target => ({
  target,
  ...(step === undefined ? {} : { step })
})

/** Decides as whoever the credential says. */
export const decide = Effect.fnUntraced(function*(
  target: Target,
  condition: string | undefined,
  payload: typeof DecideRequest.Type
) {
  const { principal } = yield* Caller
  return yield* Conditions.stale(
    condition,
    ["APPROVAL_CHANGED"],
    asked(ApprovalsClient, (approvals) =>
      Effect.gen(function*() {
        const hash = yield* Conditions.agreed("hash", yield* Conditions.wanted(condition), payload.hash)
        return yield* approvals.decide(target, {
          ...payload,
          by: principal.subject,
          groups: principal.groups,
          ...(hash === undefined ? {} : { hash })
        })
      }))
  )
})

export const ApprovalsHandlers = HttpApiBuilder.group(
  Api,
  "approvals",
  (handlers) =>
    handlers.handleAll({
      list: ({ query: { after, closed, kind, limit = Paging.pageDefault, run } }) =>
        asked(ApprovalsClient, (approvals) =>
          Queries.pageById(
            { after, limit },
            approvals.list({
              limit,
              ...(after === undefined ? {} : { after }),
              ...(kind === undefined ? {} : { kinds: kind }),
              ...(run === undefined ? {} : { run }),
              ...(closed === "true" ? { closed: true } : {})
            }),
            (target) => approvals.show({ target })
          )),
      show: ({ params, query }) =>
        asked(ApprovalsClient, (approvals) =>
          Effect.map(approvals.show(targetOf(params.target, query.step)), (body) =>
            HttpApiSchema.withHeaders({ body, headers: { etag: Conditions.etag(body.hash) } }))),
      decide: ({ headers, params, payload, query }) =>
        decide(targetOf(params.target, query.step), headers["if-match"], payload)
    })
)
