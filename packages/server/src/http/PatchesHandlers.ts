/** The endpoints of plans and patches, over the ports of whoever asks. */
import { Api } from "@baton/contract/http/Api"
import type { ProposeRequest } from "@baton/contract/http/PatchesApi"
import { PatchesClient, type PatchRef, type ProposedPatch } from "@baton/contract/PatchesClient"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { asked } from "./Asked.ts"
import * as Conditions from "./Conditions.ts"
import * as Queries from "./Queries.ts"

/** What a patch that was made for another revision is refused with. */
const staleCodes = ["PATCH_STALE"]

const ref = (patch: string, run: string | undefined): PatchRef => ({ patch, ...(run === undefined ? {} : { run }) })

const proposed = Effect.fnUntraced(function*(condition: string | undefined, payload: typeof ProposeRequest.Type) {
  const base = yield* Conditions.agreed("base", yield* Conditions.wantedRevision(condition), payload.base)
  const patch: ProposedPatch = { ...payload, ...(base === undefined ? {} : { base }) }
  return patch
})

export const PatchesHandlers = HttpApiBuilder.group(
  Api,
  "patches",
  (handlers) =>
    handlers.handleAll({
      plan: ({ params }) =>
        asked(PatchesClient, (patches) =>
          Effect.map(patches.plan(params.id), (body) =>
            HttpApiSchema.withHeaders({ body, headers: { etag: Conditions.etag(body.revision) } }))),
      list: ({ params }) =>
        asked(PatchesClient, (patches) =>
          Effect.map(patches.list(params.id), Queries.whole)),
      propose: ({ headers, params, payload }) =>
        Conditions.stale(
          headers["if-match"],
          staleCodes,
          asked(PatchesClient, (patches) =>
            Effect.flatMap(proposed(headers["if-match"], payload), (patch) =>
              patches.propose(params.id, patch)))
        ),
      rehearse: ({ headers, params, payload }) =>
        Conditions.stale(
          headers["if-match"],
          staleCodes,
          asked(PatchesClient, (patches) =>
            Effect.flatMap(proposed(headers["if-match"], payload), (patch) =>
              patches.rehearse(params.id, patch)))
        ),
      inReview: () => asked(PatchesClient, (patches) => Effect.map(patches.list(undefined), Queries.whole)),
      show: ({ params, query }) => asked(PatchesClient, (patches) => patches.show(ref(params.patch, query.run))),
      decide: ({ params, payload: { action, comment }, query }) =>
        asked(PatchesClient, (patches) =>
          patches.decide(ref(params.patch, query.run), action, comment === undefined ? {} : { comment })),
      revert: ({ params, payload, query }) =>
        asked(PatchesClient, (patches) =>
          patches.revert(ref(params.patch, query.run), payload.reason))
    })
)
