/** The endpoints of plans and patches, over the ports of whoever asks. */
import { Api } from "@baton/contract/http/Api"
import type { ProposeRequest } from "@baton/contract/http/PatchesApi"
import { PatchesClient, type PatchRef, type ProposedPatch } from "@baton/contract/PatchesClient"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import { asked } from "./Asked.ts"
import * as Conditions from "./Conditions.ts"
import { Idempotency } from "./Idempotency.ts"
import * as Located from "./Located.ts"
import * as Queries from "./Queries.ts"

/** What a patch that was made for another revision is refused with. */
const staleCodes = ["PATCH_STALE"]

const ref = (patch: string, run: string | undefined): PatchRef => ({ patch, ...(run === undefined ? {} : { run }) })

const proposed = Effect.fnUntraced(function*(condition: string | undefined, payload: typeof ProposeRequest.Type) {
  const base = yield* Conditions.agreed("base", yield* Conditions.wantedRevision(condition), payload.base)
  const patch: ProposedPatch = { ...payload, ...(base === undefined ? {} : { base }) }
  return patch
})

interface ProposeHeaders {
  readonly "if-match"?: string
  readonly "idempotency-key"?: string
}

/** Proposes a patch, once for each key. */
export const propose = (
  { once }: Idempotency["Service"],
  run: string,
  headers: ProposeHeaders,
  payload: typeof ProposeRequest.Type
): ReturnType<typeof once> => {
  const condition = headers["if-match"]
  return once({
    key: headers["idempotency-key"],
    kind: "pat",
    at: Located.patch,
    request: () => ["patches", run, condition ?? null, payload as Json],
    make: (id) =>
      Conditions.stale(
        condition,
        staleCodes,
        asked(PatchesClient, (patches) =>
          Effect.flatMap(proposed(condition, payload), (patch) =>
            patches.propose(run, id === undefined ? patch : { ...patch, id })))
      ),
    made: (patch) => asked(PatchesClient, (patches) => patches.show({ run, patch }))
  })
}

export const PatchesHandlers = HttpApiBuilder.group(
  Api,
  "patches",
  Effect.fnUntraced(function*(handlers) {
    const idempotency = yield* Idempotency
    return handlers.handleAll({
      plan: ({ params }) =>
        asked(
          PatchesClient,
          (patches) =>
            Effect.map(patches.plan(params.id), (body) =>
              HttpApiSchema.withHeaders({ body, headers: { etag: Conditions.etag(body.revision) } }))
        ),
      list: ({ params }) => asked(PatchesClient, (patches) => Effect.map(patches.list(params.id), Queries.whole)),
      propose: ({ headers, params, payload }) => propose(idempotency, params.id, headers, payload),
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
        asked(
          PatchesClient,
          (patches) => patches.decide(ref(params.patch, query.run), action, comment === undefined ? {} : { comment })
        ),
      revert: ({ params, payload, query }) =>
        Located.told(
          asked(PatchesClient, (patches) => patches.revert(ref(params.patch, query.run), payload.reason)),
          Located.patch
        )
    })
  })
)
