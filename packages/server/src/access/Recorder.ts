/** Every request that changes something, and every one that is denied, becomes an entry of the audit log. */
import { Unavailable } from "@baton/contract/http/Problems"
import type { AuditDraft } from "@baton/engine/AuditLog"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import type * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as RunId from "../RunId.ts"
import type { AuditWriter } from "./AuditWriter.ts"
import * as Trails from "./Trail.ts"
import { Trail } from "./Trail.ts"

type Response = HttpServerResponse.HttpServerResponse
type Request = HttpServerRequest.HttpServerRequest

/** Longest path that is kept. */
const objectLengthMax = 300

const isSafe = (method: string): boolean => method === "GET" || method === "HEAD" || method === "OPTIONS"

const isDenied = (status: number): boolean => status === 401 || status === 403 || status === 429

const outcomeOf = (status: number): AuditDraft["outcome"] =>
  isDenied(status) ? "denied" : status >= 500 ? "failed" : status >= 400 ? "refused" : "done"

/** The text of a JSON answer, as far as it is looked at. */
const startOf = ({ body }: Response): string => body._tag === "Uint8Array" ? (body.text ?? "").slice(0, 2_000) : ""

/** The first `id` of what was made. */
const madeOf = (response: Response): string | undefined =>
  response.status === 201 ? /"id":"([\w-]{1,100})"/.exec(startOf(response))?.[1] : undefined

const codeOf = (response: Response): string | undefined =>
  response.status >= 400 ? /"code":"([A-Z][A-Z0-9_]{1,63})"/.exec(startOf(response))?.[1] : undefined

/** How often a path may be percent-encoded over itself and is still understood. */
const encodingsMax = 4

/** As a router reads it, or as it came where it cannot be read. */
const decoded = (path: string): string => {
  let read = path
  for (let times = 0; times < encodingsMax && read.includes("%"); times++) {
    try {
      read = decodeURIComponent(read)
    } catch {
      return path
    }
  }
  return read
}

/** As long as a token of ours, or like a key. */
const secret = /[0-9A-Za-z]{40}|baton_[0-9a-z]{1,16}_/

/** Where nobody knows what a path means, whatever could be a credential is left out: the token of a link is one. */
const masked = (path: string): string =>
  decoded(path)
    .replace(/(\bapprove[/\\]).*/is, "$1…")
    .split("/")
    .map((part) => secret.test(part) ? "…" : part)
    .join("/")
    .replace(/[\p{Cc}\p{Cs}]/gu, "\uFFFD")

/** A path without its query. */
const pathOf = (url: string, action: string | undefined): string => {
  const path = url.replace(/^https?:\/\/[^/]*/i, "").split("?")[0]!
  return (action === undefined || action.includes("/approve/") ? masked(path) : path).slice(0, objectLengthMax)
}

const draftOf = (trail: Trail, request: Request, response: Response | undefined, at: number): AuditDraft => {
  const status = response?.status ?? 500
  const made = response && madeOf(response)
  const code = response && codeOf(response)
  const path = pathOf(request.url, trail.action)
  return Trails.entry(trail, {
    at,
    action: trail.action ?? `${request.method} ${path}`,
    object: trail.object ?? made ?? path,
    outcome: outcomeOf(status),
    status,
    ...(code === undefined ? {} : { code })
  })
}

/** What was done is done; but nobody is told so while it is not in the log. */
const unrecorded = HttpServerRespondable.toResponse(
  new Unavailable({
    code: "AUDIT_UNAVAILABLE",
    detail: "The audit log cannot be written. The request may have been carried out all the same.",
    hint: "look before you ask again, or ask with the same Idempotency-Key"
  })
)

/** Around everything that may deny or change. */
export const record =
  ({ record }: AuditWriter["Service"]) =>
  <E, R>(app: Effect.Effect<Response, E, R>): Effect.Effect<Response, E, R | HttpServerRequest.HttpServerRequest> =>
    Effect.gen(function*() {
      const request = yield* HttpServerRequest.HttpServerRequest
      const at = yield* Clock.currentTimeMillis
      const trail: Trail = {
        request: RunId.make("req", at),
        address: Option.getOrElse(request.remoteAddress, () => "")
      }
      const followed = Effect.provideService(app, Trail, trail)
      const noted = (response: Response | undefined, fallback: Effect.Effect<Response, E>) =>
        // What was written together with what it did is not written again, whatever is told of it: what was made, its course, or
        // nothing to a client that went away.
        trail.recorded !== undefined && (response === undefined || outcomeOf(response.status) === "done") ?
          fallback :
          Effect.matchCauseEffect(record(draftOf(trail, request, response, at)), {
            onFailure: (cause) =>
              Effect.andThen(
                Effect.logError("the audit log cannot be written", cause),
                // What failed by itself is acknowledged to nobody, and says better what is the matter.
                response !== undefined && response.status >= 500 ? fallback : unrecorded
              ),
            onSuccess: () => fallback
          })
      if (isSafe(request.method)) {
        return yield* Effect.flatMap(
          followed,
          (response) => isDenied(response.status) ? noted(response, Effect.succeed(response)) : Effect.succeed(response)
        )
      }
      // Also when the client has gone away meanwhile.
      return yield* Effect.uninterruptibleMask((restore) =>
        Effect.flatMap(
          Effect.exit(restore(followed)),
          (exit) => noted(Exit.isSuccess(exit) ? exit.value : undefined, exit)
        )
      )
    })
