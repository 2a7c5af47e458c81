/** Runs over HTTP. */
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { Client, type ClientError, type LogEntry, LogLine, type StartRun } from "../Client.ts"
import { EventEnvelope } from "../EventEnvelope.ts"
import * as FlowReference from "../http/FlowReference.ts"
import { pageMax } from "../http/Paging.ts"
import { ended } from "../RunDocument.ts"
import * as Follow from "./Follow.ts"
import * as Remote from "./Remote.ts"

/** The latest time that RFC 3339 text is made of, in milliseconds since 1970. */
const timeMax = 253_402_300_799_999

const timeText = (ms: number): string => DateTime.formatIso(DateTime.makeUnsafe(Math.max(0, Math.min(ms, timeMax))))

/** Times that a start is sent again when nobody answered: the key makes them one. */
const startsMax = 3

const keyOf = Effect.map(
  Effect.all(Array.from({ length: 4 }, () => Random.nextIntBetween(0, 2 ** 31))),
  (parts) => parts.map((part) => part.toString(36)).join("-")
)

const start = Effect.fnUntraced(function*(
  remote: Remote.Remote,
  // The server executes what it accepts.
  { by: _, flow, id: __, submitOnly: ___, ...request }: StartRun
) {
  const payload = { ...request, flow: FlowReference.fromPort(flow) }
  const headers = { "idempotency-key": yield* keyOf }
  const send = Remote.answer(remote, remote.endpoints.runs.start({ headers, payload }))
  return yield* Effect.retry(send, {
    times: startsMax - 1,
    while: (error) => error.code === "SERVER_UNREACHABLE"
  })
})

const decodeEnvelope = Schema.decodeUnknownOption(Schema.fromJsonString(EventEnvelope))
const decodeLine = Schema.decodeUnknownOption(Schema.fromJsonString(LogLine))

const runPath = (run: string, rest: string): string => `/api/v1/runs/${encodeURIComponent(run)}/${rest}`

const isOver = (remote: Remote.Remote, run: string) => (at: number): Effect.Effect<boolean, ClientError> =>
  Effect.map(
    Remote.answer(remote, remote.endpoints.runs.show({ params: { id: run } })),
    ({ seq, status }) => ended.has(status) && seq <= at
  )

/** All pages of a list whose cursor is text. */
const paged = <A>(
  after: string | undefined,
  fetch: (after: string | undefined) => Effect.Effect<
    { readonly items: ReadonlyArray<A>; readonly next: string | null },
    ClientError
  >
): Stream.Stream<A, ClientError> =>
  Stream.paginate(after, (at) => Effect.map(fetch(at), ({ items, next }) => [items, Option.fromNullOr(next)] as const))

const cursor = (after: number | undefined) => after === undefined || after === 0 ? undefined : String(after)
const given = <K extends string>(name: K, value: string | undefined) =>
  (value === undefined ? {} : { [name]: value }) as { readonly [name in K]?: string }

const events = (
  remote: Remote.Remote,
  run: string,
  options: { readonly after: number; readonly follow: boolean }
): Stream.Stream<EventEnvelope, ClientError> => {
  if (!options.follow) {
    return paged(cursor(options.after), (after) =>
      Remote.answer(
        remote,
        remote.endpoints.runs.events({ params: { id: run }, query: { ...given("after", after), limit: pageMax } })
      ))
  }
  return Follow.follow(remote, {
    path: runPath(run, "events"),
    query: {},
    after: options.after,
    read: ({ data }) => Option.getOrUndefined(Option.map(decodeEnvelope(data), (item) => ({ at: item.seq, item }))),
    isOver: isOver(remote, run)
  })
}

const logs = (
  remote: Remote.Remote,
  run: string,
  { after = 0, follow, path }: { readonly path?: string; readonly follow: boolean; readonly after?: number }
): Stream.Stream<LogEntry, ClientError> => {
  const query = given("path", path)
  if (!follow) {
    return paged(cursor(after), (at) =>
      Remote.answer(
        remote,
        remote.endpoints.runs.logs({ params: { id: run }, query: { ...query, ...given("after", at), limit: pageMax } })
      ))
  }
  return Follow.follow(remote, {
    path: runPath(run, "logs"),
    query: { ...query },
    after,
    read: ({ data }) => Option.getOrUndefined(Option.map(decodeLine(data), (item) => ({ at: item.n, item }))),
    isOver: () => isOver(remote, run)(Number.MAX_SAFE_INTEGER)
  })
}

const resolveStep = (remote: Remote.Remote): Client["Service"]["resolveStep"] => (run, path, action, options) => {
  const { by, delayMs, modifications, note, output } = options
  const params = { id: run, path }
  const noted = given("note", note)
  const runs = remote.endpoints.runs
  const call = action === "retry"
    ? runs.retryStep({
      params,
      payload: {
        ...noted,
        ...(delayMs === undefined ? {} : { delayMs }),
        ...(modifications === undefined ? {} : { modifications })
      }
    })
    : action === "skip"
    ? runs.skipStep({ params, payload: { ...noted, ...(output === undefined ? {} : { output }) } })
    : runs.abortStep({ params, payload: noted })
  return Remote.asCredential({ by }, Remote.answer(remote, call))
}

export const make = (remote: Remote.Remote): Client["Service"] => {
  const { flows, runs } = remote.endpoints
  const answer = <A>(call: Effect.Effect<A, unknown>) => Remote.answer(remote, call)
  return Client.of({
    start: (request) => Remote.asCredential(request, start(remote, request)),
    resolve: (text) => Effect.map(answer(runs.resolve({ query: { text } })), ({ id }) => id),
    show: (run) => answer(runs.show({ params: { id: run } })),
    steps: (run, after, limit) =>
      Effect.map(
        answer(runs.steps({ params: { id: run }, query: { ...given("after", cursor(after)), limit } })),
        ({ items }) => items
      ),
    list: ({ limit, roots, since, ...query }) =>
      Effect.map(
        answer(runs.list({
          query: {
            ...query,
            limit,
            ...(roots === undefined ? {} : { roots: roots ? "true" : "false" }),
            ...(since === undefined ? {} : { since: timeText(since) })
          }
        })),
        ({ items }) => items
      ),
    events: (run, options) => events(remote, run, options),
    explain: (run) => Effect.map(answer(runs.explain({ params: { id: run } })), ({ reasons }) => reasons),
    logs: (run, options) => logs(remote, run, options),
    send: (run, name, data, id) =>
      answer(runs.send({ params: { id: run }, payload: { name, data, ...given("id", id) } })),
    cancel: (run, reason, by) =>
      Remote.asCredential({ by }, answer(runs.cancel({ params: { id: run }, payload: given("reason", reason) }))),
    pause: (run, by) => Remote.asCredential({ by }, answer(runs.pause({ params: { id: run } }))),
    resume: (run, { by, ...payload } = {}) =>
      Remote.asCredential({ by }, answer(runs.resume({ params: { id: run }, payload }))),
    resolveStep: resolveStep(remote),
    remove: (run) => answer(runs.remove({ params: { id: run } })),
    prune: (before) =>
      Effect.map(answer(runs.prune({ payload: { before: timeText(before) } })), ({ removed }) => removed),
    checkFlow: (text, file) =>
      Effect.map(answer(flows.check({ payload: { flow: { text, file } } })), ({ canonical, problems }) => ({
        problems,
        canonical
      }))
  })
}
