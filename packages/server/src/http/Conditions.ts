/** `If-Match` (RFC 9110, 13.1.1): a write that is meant for what was read, and for nothing that came after. */
import { ClientError } from "@baton/contract/Client"
import { type Problem, Stale } from "@baton/contract/http/Problems"
import * as Effect from "effect/Effect"

/** The entity tag of a revision or hash. */
export const etag = (value: string | number): string => `"${value}"`

const refuse = (message: string) =>
  Effect.fail(new ClientError({ reason: "invalid", code: "PRECONDITION_INVALID", message }))

/** What stands between the quotes; `undefined` when the header is not there or says `*`. */
export const wanted = (header: string | undefined): Effect.Effect<string | undefined, ClientError> => {
  if (header === undefined || header.trim() === "*") return Effect.undefined
  const tag = /^"([\x21\x23-\x7e]*)"$/.exec(header.trim())?.[1]
  return tag === undefined ? refuse("`If-Match` takes one strong entity tag, such as \"3\"") : Effect.succeed(tag)
}

/** The same as a number. */
export const wantedRevision = (header: string | undefined): Effect.Effect<number | undefined, ClientError> =>
  Effect.flatMap(wanted(header), (tag) => {
    if (tag === undefined) return Effect.undefined
    return /^(0|[1-9]\d{0,14})$/.test(tag)
      ? Effect.succeed(Number(tag))
      : refuse("`If-Match` takes the plan's revision, in quotes")
  })

/** Two members of a request that say the same thing. */
export const agreed = <A>(
  name: string,
  a: A | undefined,
  b: A | undefined
): Effect.Effect<A | undefined, ClientError> =>
  a === undefined || b === undefined || a === b
    ? Effect.succeed(a ?? b)
    : refuse(`\`If-Match\` says ${String(a)}, and \`${name}\` says ${String(b)}`)

/** With a condition, what has changed is answered 412 instead of 409. */
export const stale = <A, R>(
  condition: string | undefined,
  codes: ReadonlyArray<string>,
  effect: Effect.Effect<A, Problem, R>
): Effect.Effect<A, Problem, R> =>
  condition === undefined
    ? effect
    : Effect.mapError(effect, (problem) => {
      if (problem._tag !== "Conflict" || !codes.includes(problem.code)) return problem
      const { code, detail, errors, hint } = problem
      return new Stale({
        code,
        ...(detail === undefined ? {} : { detail }),
        ...(hint === undefined ? {} : { hint }),
        ...(errors === undefined ? {} : { errors })
      })
    })
