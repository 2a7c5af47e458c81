/** The endpoints of operators, over the ports of whoever asks. */
import { Client } from "@baton/contract/Client"
import type { Caller } from "@baton/contract/http/Access"
import { Api } from "@baton/contract/http/Api"
import * as FlowReference from "@baton/contract/http/FlowReference"
import * as Paging from "@baton/contract/http/Paging"
import type { Problem } from "@baton/contract/http/Problems"
import { type MadeRun, OperatorClient } from "@baton/contract/OperatorClient"
import type { RunDocument } from "@baton/contract/RunDocument"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { StartLimit } from "../gate/StartLimit.ts"
import { asked } from "./Asked.ts"
import { Idempotency } from "./Idempotency.ts"
import * as Located from "./Located.ts"
import * as Queries from "./Queries.ts"

/** A run that was made before, as far as it is known now: which steps it took over is in its document. */
const madeBefore = (document: RunDocument): MadeRun => ({
  document,
  reused: document.steps.filter((step) => step.status === "reused").length,
  running: [],
  guarded: []
})

/** What a request says of a run that it wants to have made. */
interface Wanted {
  readonly key: string | undefined
  /** The whole request, for its key. */
  readonly request: () => Json
  /** Takes a place in the limits on starts. */
  readonly admitted: Effect.Effect<void, Problem, Caller>
}

/** Makes a run from another one, once for each key. */
const make = (
  { once }: Idempotency["Service"],
  { admitted, key, request }: Wanted,
  made: (
    operators: OperatorClient["Service"],
    id: { readonly id?: string }
  ) => ReturnType<OperatorClient["Service"]["fork"]>
): ReturnType<typeof once> =>
  once({
    key,
    kind: "run",
    at: Located.madeRun,
    request,
    make: (id) =>
      Effect.andThen(admitted, asked(OperatorClient, (operators) => made(operators, id === undefined ? {} : { id }))),
    made: (id) => asked(Client, (client) => Effect.map(client.show(id), madeBefore))
  })

/** The letter of a finished run becomes a new run; that of a waiting step only another attempt. */
const letterAdmitted = Effect.fnUntraced(function*(
  id: string,
  admitted: (run: string) => Effect.Effect<void, Problem, Caller>
) {
  const { run } = yield* asked(OperatorClient, (operators) => operators.letter(id))
  const { endedAt } = yield* asked(Client, (client) => client.show(run))
  if (endedAt !== null) yield* admitted(run)
})

export const OperatorsHandlers = HttpApiBuilder.group(
  Api,
  "operators",
  Effect.fnUntraced(function*(handlers) {
    const idempotency = yield* Idempotency
    const { admit, admitFrom } = yield* StartLimit
    return handlers.handleAll({
      fork: ({ headers, params, payload: { flow, ...payload }, request }) =>
        make(
          idempotency,
          {
            key: headers["idempotency-key"],
            request: () => ["fork", params.id, { ...payload, flow: flow ?? null } as Json],
            admitted: flow === undefined
              ? admitFrom(params.id, request.headers)
              : admit(FlowReference.toPort(flow), request.headers)
          },
          (operators, id) =>
            operators.fork({
              run: params.id,
              ...payload,
              ...id,
              ...(flow === undefined ? {} : { flow: FlowReference.toPort(flow) })
            })
        ),
      retry: ({ headers, params, payload, request }) =>
        make(
          idempotency,
          {
            key: headers["idempotency-key"],
            request: () => ["retry", params.id, payload as Json],
            admitted: admitFrom(params.id, request.headers)
          },
          (operators, id) => operators.retry({ run: params.id, ...payload, ...id })
        ),
      waits: ({ query: { limit = Paging.pageDefault, reason } }) =>
        asked(OperatorClient, (operators) => Effect.map(operators.waits(reason, limit), Queries.whole)),
      letters: ({ query: { limit = Paging.pageDefault, ...query } }) =>
        asked(
          OperatorClient,
          (operators) =>
            Queries.pageById(
              { after: query.after, limit },
              Effect.catchIf(
                operators.letters({ ...query, limit }),
                ({ code }) => code === "LETTER_NOT_FOUND",
                () => Queries.cursorUnknown(query.after ?? "")
              ),
              operators.letter
            )
        ),
      letter: ({ params }) => asked(OperatorClient, (operators) => operators.letter(params.id)),
      reprocess: ({ params, payload, request }) =>
        Effect.andThen(
          letterAdmitted(params.id, (run) => admitFrom(run, request.headers)),
          asked(OperatorClient, (operators) => operators.reprocess(params.id, payload))
        ),
      discard: ({ params, payload }) => asked(OperatorClient, (operators) => operators.discard(params.id, payload.note))
    })
  })
)
