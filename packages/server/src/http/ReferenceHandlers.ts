/** What the surface says about itself. */
import { Api } from "@baton/contract/http/Api"
import { allKinds } from "@baton/contract/http/ProblemKinds"
import { NotFound } from "@baton/contract/http/Problems"
import * as FlowSchema from "@baton/kernel/FlowSchema"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"

const known = Object.keys(allKinds).join(", ")

export const ReferenceHandlers = HttpApiBuilder.group(
  Api,
  "reference",
  (handlers) =>
    handlers.handleAll({
      problem: ({ params: { kind } }) => {
        const found = Object.hasOwn(allKinds, kind) ? allKinds[kind] : undefined
        if (found === undefined) {
          return Effect.fail(
            new NotFound({
              code: "PROBLEM_KIND_UNKNOWN",
              detail: `no problem is of this kind`,
              hint: `one of ${known}`
            })
          )
        }
        const { codes, status, title } = found
        const listed = Object.entries(codes).map(([code, meaning]) => ({ code, meaning }))
        return Effect.succeed({ type: `/problems/${kind}`, status, title, codes: listed })
      },
      flowSchema: () => Effect.succeed(FlowSchema.document() as Json)
    })
)
