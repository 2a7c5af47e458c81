/** What every endpoint does: take the port of whoever asks, and turn its errors into problems. */
import type { ClientError } from "@baton/contract/Client"
import { Caller } from "@baton/contract/http/Access"
import { fromClientError, type Problem } from "@baton/contract/http/Problems"
import type { Ports } from "@baton/contract/Ports"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

/** Runs a request against one port of the caller's tenant. */
export const asked = <I extends Ports, S, A>(
  port: Context.Key<I, S>,
  request: (port: S) => Effect.Effect<A, ClientError>
): Effect.Effect<A, Problem, Caller> =>
  Effect.flatMap(
    Caller,
    ({ ports }) => Effect.mapError(request(Context.get(ports, port as never) as S), fromClientError)
  )
