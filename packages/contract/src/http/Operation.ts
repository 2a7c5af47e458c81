/** What every endpoint says about itself: the scope it needs and, for the reference, what it does. */
import * as Context from "effect/Context"
import * as OpenApi from "effect/http-api/OpenApi"
import { type Need, Needs } from "./Access.ts"

/** Annotations of an endpoint. */
export const about = (
  needs: Need,
  summary: string,
  description?: string
): Context.Context<never> =>
  Context.merge(
    Context.make(Needs, needs),
    OpenApi.annotations({ summary, ...(description === undefined ? {} : { description }) })
  ) as Context.Context<never>
