/**
 * `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header-07): a request that comes again makes nothing again.
 *
 * The key is reserved, durably, with the id of what will be made; that id is used once at most, so that whoever dies
 * between the two leaves a key that makes the same thing later, and two who come at once make one thing.
 */
import { Caller } from "@baton/contract/http/Access"
import { Conflict, fromClientError, type Problem } from "@baton/contract/http/Problems"
import * as CanonicalJson from "@baton/engine/CanonicalJson"
import { answerLengthMax, type IdempotencyStore, type Reservation } from "@baton/engine/IdempotencyStore"
import type { Json } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as RcMap from "effect/RcMap"
import * as Semaphore from "effect/Semaphore"
import * as Answers from "../Answers.ts"
import { Host } from "../Local.ts"
import * as RunId from "../RunId.ts"

export interface Making<A> {
  readonly key: string | undefined
  /** All that the request says: the same key with something else is another request. */
  readonly request: () => Json
  /** What is made. */
  readonly kind: "run" | "pat"
  /** Where what was made is, for `Location` (RFC 9110, 15.3.2). */
  readonly at: (made: A) => string
  /** Makes it under this id, or under one of its own. */
  readonly make: (id: string | undefined) => Effect.Effect<A, Problem, Caller>
  /** What was made under this id. */
  readonly made: (id: string) => Effect.Effect<A, Problem, Caller>
}

/** Answers 201 with what was made; one that was made before says so in `Idempotency-Replayed`. */
export class Idempotency extends Context.Service<Idempotency, {
  readonly once: <A>(making: Making<A>) => Effect.Effect<HttpServerResponse.HttpServerResponse, Problem, Caller>
}>()("baton/server/http/Idempotency") {}

/** The same request has the same one. */
export const fingerprintOf = (request: Json): string => CanonicalJson.address(CanonicalJson.text(request))

const created = (text: string, location: string, replayed: boolean) =>
  HttpServerResponse.text(text, {
    status: 201,
    contentType: "application/json",
    headers: { location, ...(replayed ? { "idempotency-replayed": "true" } : {}) }
  })

const reused = (key: string) =>
  new Conflict({
    code: "IDEMPOTENCY_KEY_REUSED",
    detail: `the key ${key} came before with another request`,
    hint: "give every request a key of its own"
  })

/** Whether nothing can have been made: the request itself was refused. */
const isRefusal = ({ _tag }: Problem): boolean => refusals.has(_tag)
const refusals: ReadonlySet<Problem["_tag"]> = new Set([
  "Invalid",
  "Denied",
  "NotFound",
  "Conflict",
  "Gone",
  "Stale",
  "Limited"
])

const stored = <A>(effect: Effect.Effect<A, Parameters<typeof Answers.fromStore>[0]>) =>
  Effect.mapError(effect, (error) => fromClientError(Answers.fromStore(error)))

const withKey = Effect.fnUntraced(function*<A>(
  store: IdempotencyStore["Service"],
  making: Making<A>,
  reservation: Reservation
) {
  const { principal: { tenant } } = yield* Caller
  const reserved = yield* stored(store.reserve(tenant, reservation))
  if (reserved.fingerprint !== reservation.fingerprint) return yield* Effect.fail(reused(reservation.key))
  if (reserved.answer !== undefined) return created(reserved.answer, making.at(JSON.parse(reserved.answer)), true)
  const before = reserved.isNew ? undefined : yield* Effect.option(making.made(reserved.made))
  if (before?._tag === "Some") return created(JSON.stringify(before.value), making.at(before.value), true)
  // Only who has found the key new knows that nobody else is making something under it at this moment.
  const refused = (problem: Problem) =>
    reserved.isNew && isRefusal(problem) ? Effect.ignore(store.release(tenant, reserved)) : Effect.void
  const answer = yield* Effect.catch(making.make(reserved.made), (problem) =>
    // Who else has made it, in another process, has answered for both.
    Effect.catch(making.made(reserved.made), () => Effect.andThen(refused(problem), Effect.fail(problem))))
  const text = JSON.stringify(answer)
  // It is made: that it could not be kept is no reason to say that it was not.
  if (text.length <= answerLengthMax) yield* Effect.ignore(store.settle(tenant, reserved, text))
  return created(text, making.at(answer), false)
})

export const layer = Layer.effect(
  Idempotency,
  Effect.gen(function*() {
    const { keys, parts } = yield* Host
    // Those who come at once with one key wait for each other.
    const gates = yield* RcMap.make({ lookup: (_: string) => Semaphore.make(1) })
    return Idempotency.of({
      once: (making) => {
        const { key, kind, request } = making
        if (key === undefined) {
          return Effect.map(
            making.make(undefined),
            (answer) => created(JSON.stringify(answer), making.at(answer), false)
          )
        }
        return Effect.gen(function*() {
          const { principal: { tenant } } = yield* Caller
          const at = parts.clock.currentTimeMillisUnsafe()
          const reservation = { key, fingerprint: fingerprintOf(request()), made: RunId.make(kind, at), at }
          return yield* Effect.scoped(Effect.gen(function*() {
            const gate = yield* RcMap.get(gates, JSON.stringify([tenant, key]))
            return yield* Semaphore.withPermit(gate, withKey(keys, making, reservation))
          }))
        })
      }
    })
  })
)
