/** Short routes: each is the endpoint it is short for. */
import { Api } from "@baton/contract/http/Api"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { StartLimit } from "../gate/StartLimit.ts"
import * as ApprovalsHandlers from "./ApprovalsHandlers.ts"
import { Idempotency } from "./Idempotency.ts"
import * as PatchesHandlers from "./PatchesHandlers.ts"
import * as RunsHandlers from "./RunsHandlers.ts"

export const AliasesHandlers = HttpApiBuilder.group(
  Api,
  "aliases",
  Effect.fnUntraced(function*(handlers) {
    const idempotency = yield* Idempotency
    const starting = { ...idempotency, ...yield* StartLimit }
    return handlers.handleAll({
      startRun: ({ headers, payload, request }) =>
        RunsHandlers.start(starting, { headers: request.headers, key: headers["idempotency-key"] }, payload),
      patchRun: ({ headers, params, payload }) => PatchesHandlers.propose(idempotency, params.id, headers, payload),
      decideApproval: ({ headers, params, payload, query: { step } }) =>
        ApprovalsHandlers.decide(
          { target: params.id, ...(step === undefined ? {} : { step }) },
          headers["if-match"],
          payload
        )
    })
  })
)
