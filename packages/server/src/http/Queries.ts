/** What stands in query strings and headers: cursors, times and preconditions, refused where they are none. */
import { ClientError } from "@baton/contract/Client"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"

const refuse = (code: string, message: string) => Effect.fail(new ClientError({ reason: "invalid", code, message }))

export const cursorUnknown = (after: string) =>
  refuse("CURSOR_UNKNOWN", `\`after\`: ${JSON.stringify(after)} is no cursor of this list`)

/** A cursor that counts: the number of what has been seen; 0 without one. */
export const position = (after: string | undefined): Effect.Effect<number, ClientError> => {
  if (after === undefined) return Effect.succeed(0)
  return /^\d{1,15}$/.test(after) ? Effect.succeed(Number(after)) : cursorUnknown(after)
}

/** RFC 3339: a time with its offset, or a day, which begins at midnight UTC. */
const timeForm = /^\d{4}-\d\d-\d\d([Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d))?$/

/** Milliseconds since 1970 of RFC 3339 text. */
export const time = (text: string): Effect.Effect<number, ClientError> =>
  Option.match(timeForm.test(text) ? DateTime.make(text) : Option.none(), {
    onNone: () =>
      refuse("TIME_INVALID", `${JSON.stringify(text)} is no time; give RFC 3339 text such as 2026-01-31T12:00:00Z`),
    onSome: (at) => Effect.succeed(DateTime.toEpochMillis(at))
  })

/** A page of a list whose cursor is the id of its last item; an empty page after an id that is not there is refused. */
export const pageById = Effect.fnUntraced(function*<A extends { readonly id: string }, B>(
  query: { readonly after?: string | undefined; readonly limit: number },
  list: Effect.Effect<ReadonlyArray<A>, ClientError>,
  find: (id: string) => Effect.Effect<B, ClientError>
) {
  const items = yield* list
  const { after, limit } = query
  if (items.length === 0 && after !== undefined) yield* Effect.catch(find(after), () => cursorUnknown(after))
  return { items, next: items.length < limit ? null : items.at(-1)?.id ?? null }
})

/** A whole list, which has one page. */
export const whole = <A>(items: ReadonlyArray<A>): { readonly items: ReadonlyArray<A>; readonly next: null } => ({
  items,
  next: null
})
