/**
 * `/approve/{token}`: looking is safe, so that what opens links ahead of people decides nothing; a decision is sent by the
 * page's form, or as JSON. A token decides once, what was asked when it was made, in the name of whoever made it.
 */
import { type ApprovalDocument, ApprovalsClient, type Decision } from "@baton/contract/ApprovalsClient"
import { ClientError } from "@baton/contract/Client"
import {
  fromClientError,
  Gone,
  Invalid,
  NotFound,
  type Problem,
  Stale,
  Unavailable
} from "@baton/contract/http/Problems"
import { isLive } from "@baton/engine/AccessKeys"
import type { AccessToken } from "@baton/engine/AccessTokens"
import type { Json } from "@baton/kernel/Value"
import * as ByteSize from "effect/ByteSize"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerRespondable from "effect/http/HttpServerRespondable"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Host } from "../Local.ts"
import * as ApprovalForm from "./ApprovalForm.ts"
import * as ApprovalPage from "./ApprovalPage.ts"
import { Gatekeeper } from "./Gatekeeper.ts"
import * as KeyText from "./KeyText.ts"
import * as LinkOffice from "./LinkOffice.ts"
import * as Page from "./Page.ts"
import { Trail } from "./Trail.ts"

type Request = HttpServerRequest.HttpServerRequest

/** Bytes of a decision. */
const bodyBytesMax = ByteSize.kibibytes(256)

const JsonText = Schema.fromJsonString(Schema.Json)
const optional = Schema.optionalKey(Schema.String)
const Sent = Schema.Struct({
  decision: Schema.String,
  comment: optional,
  text: optional,
  data: Schema.optionalKey(Schema.Json)
})
/** What is not known of a form is left alone, since browsers and proxies add fields of their own. */
const decodeForm = Schema.decodeUnknownEffect(Sent)
const decodeSent = Schema.decodeUnknownEffect(Sent, { onExcessProperty: "error" })
const decodeLink = Schema.decodeUnknownOption(LinkOffice.LinkData)
const decodeJson = Schema.decodeUnknownEffect(JsonText)

const wantsJson = ({ headers }: Request): boolean => {
  const accept = headers["accept"] ?? ""
  return accept.includes("json") && !accept.includes("text/html")
}

const html = (text: string, nonce: string, status: number) =>
  HttpServerResponse.text(text, {
    status,
    contentType: "text/html; charset=utf-8",
    headers: Page.headers({ style: `'nonce-${nonce}'`, form: "'self'" })
  })

const titles: { readonly [tag in Problem["_tag"]]?: string } = {
  Gone: "This link is over",
  NotFound: "There is no such link",
  Stale: "What was asked has changed",
  Conflict: "This cannot be decided any more",
  Denied: "This decision is not allowed",
  Invalid: "This decision cannot be made",
  Limited: "Too many wrong links"
}

/** For people a page, for programs the problem. */
const refused = (request: Request) => (problem: Problem) => {
  if (wantsJson(request)) return HttpServerRespondable.toResponse(problem)
  const nonce = Page.nonce()
  const title = titles[problem._tag] ?? "This cannot be done now"
  return Effect.succeed(html(ApprovalPage.telling(nonce, title, problem.detail ?? ""), nonce, problem.status))
}

const invalid = (detail: string) => Effect.fail(new Invalid({ code: "DECISION_INVALID", detail }))

/** A field that was left empty was not filled in. */
const filled = (fields: { readonly [name: string]: string | undefined }): { readonly [name: string]: string } =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, value]) => value === undefined || value === "" ? [] : [[name, value]])
  )

interface Sending {
  /** The fields of a form that a person has filled in; absent: it is a program's JSON. */
  readonly values: ApprovalForm.Values | undefined
  readonly json: Json
}

const unreadable = () => new Invalid({ code: "DECISION_INVALID", detail: "The decision cannot be read." })

const read = Effect.fnUntraced(function*(request: Request): Effect.fn.Return<Sending, Problem> {
  const text = yield* Effect.mapError(
    Effect.provideService(request.text, HttpIncomingMessage.MaxBodySize, bodyBytesMax),
    unreadable
  )
  if (request.headers["content-type"]?.startsWith("application/x-www-form-urlencoded") !== true) {
    return { values: undefined, json: yield* Effect.mapError(decodeJson(text), unreadable) }
  }
  const values = Object.fromEntries(new URLSearchParams(text))
  const { comment, decision, text: said } = filled(values)
  return { values, json: { ...filled({ comment, decision, text: said }) } }
})

/** The decision in a request: a form's fields, or a JSON document. */
const decisionOf = Effect.fnUntraced(function*(
  { json, values }: Sending,
  { ask, form }: ApprovalDocument
): Effect.fn.Return<Decision, Problem> {
  const given = yield* Effect.mapError(values === undefined ? decodeSent(json) : decodeForm(json), unreadable)
  const isFilled = values !== undefined && form !== null && !ApprovalPage.withoutData.has(given.decision)
  const data = isFilled
    ? yield* Effect.catch(Effect.fromResult(ApprovalForm.dataOf(form, values)), invalid)
    : given.data
  const answer = data ?? (ask === "question" ? given.text : undefined)
  return {
    decision: given.decision,
    ...(given.comment === undefined ? {} : { comment: given.comment }),
    ...(answer === undefined ? {} : { data: answer })
  }
})

const over = new Gone({ code: "LINK_OVER", detail: "It was used, or its time is over. Ask for another." })
const unavailable = (error: Parameters<typeof LinkOffice.fromTokens>[0]) =>
  fromClientError(LinkOffice.fromTokens(error))

/** The link of a request, which is not over. */
const linkOf = Effect.fnUntraced(function*(request: Request) {
  const { parts, portsOf } = yield* Host
  const { token = "" } = yield* HttpRouter.params
  const found: AccessToken | undefined = LinkOffice.isToken(token)
    ? yield* Effect.mapError(parts.tokens.find("link", KeyText.digestOf(token)), unavailable)
    : undefined
  const data = found && Option.getOrUndefined(decodeLink(found.data))
  if (found === undefined || data === undefined) {
    const refusal = yield* (yield* Gatekeeper).refuse(request)
    return yield* refusal._tag === "Limited"
      ? refusal
      : new NotFound({ code: "LINK_NOT_FOUND", detail: "It may have been shortened on its way, or it ended long ago." })
  }
  const trail = yield* Trail
  if (trail !== undefined) {
    trail.actor = { tenant: found.tenant, subject: data.by, method: "link" }
    trail.object = data.approval
  }
  const now = parts.clock.currentTimeMillisUnsafe()
  if (found.usedAt !== undefined || found.expiresAt <= now) return yield* over
  const maker = data.key === undefined
    ? undefined
    : yield* Effect.mapError(
      parts.keys.find(data.key),
      ({ message }) => new Unavailable({ code: "STORE_UNAVAILABLE", detail: message })
    )
  if (data.key !== undefined && (maker === undefined || !isLive(maker, now))) return yield* over
  const { by, groups } = data
  const ports = portsOf({ tenant: found.tenant, by, groups, scopes: new Set(["approvals:decide"]) })
  return { digest: found.digest, data, approvals: Context.get(ports, ApprovalsClient) }
})

type Link = Effect.Success<ReturnType<typeof linkOf>>

/** The approval as the link means it. */
const openApproval = Effect.fnUntraced(function*({ approvals, data }: Link): Effect.fn.Return<
  ApprovalDocument,
  Problem
> {
  const approval = yield* Effect.mapError(approvals.show({ target: data.approval }), fromClientError)
  if (approval.hash !== data.hash) {
    return yield* new Stale({
      code: "APPROVAL_CHANGED",
      detail: "The link is of what was asked before. Ask for another."
    })
  }
  if (approval.status !== "open") {
    const { decision } = approval
    const detail = decision === null
      ? "Nobody needs to decide it any more."
      : `${decision.by ?? "Time"} has decided: ${decision.decision}, at ${decision.at}.`
    return yield* new Gone({ code: "ALREADY_DECIDED", detail })
  }
  return approval
})

const show = Effect.fnUntraced(function*(request: Request) {
  const link = yield* linkOf(request)
  const approval = yield* openApproval(link)
  if (wantsJson(request)) return HttpServerResponse.jsonUnsafe(approval, { headers: { "cache-control": "no-store" } })
  const nonce = Page.nonce()
  return html(ApprovalPage.asking(nonce, approval, link.data.by), nonce, 200)
})

/** Decides, which uses the link up; one that could not decide may be tried again. */
const made = Effect.fnUntraced(function*(
  { approvals, data, digest }: Link,
  approval: ApprovalDocument,
  sending: Sending
) {
  const { parts } = yield* Host
  const decision = yield* decisionOf(sending, approval)
  const claimed = Effect.mapError(parts.tokens.claim(digest, parts.clock.currentTimeMillisUnsafe()), unavailable)
  const decided = approvals.decide({ target: data.approval }, { ...decision, hash: data.hash }).pipe(
    Effect.tapError(() => Effect.ignore(parts.tokens.unclaim(digest))),
    Effect.mapError((error: ClientError) => fromClientError(error))
  )
  // Also when the client has gone away: a link that is used up has decided.
  return yield* Effect.uninterruptible(Effect.flatMap(claimed, (isOurs) => isOurs ? decided : Effect.fail(over)))
})

const decide = Effect.fnUntraced(function*(request: Request) {
  const link = yield* linkOf(request)
  const approval = yield* openApproval(link)
  const sending = yield* read(request)
  const decided = yield* Effect.result(made(link, approval, sending))
  if (Result.isFailure(decided)) {
    const problem = decided.failure
    if (problem._tag !== "Invalid" || sending.values === undefined || wantsJson(request)) return yield* problem
    const nonce = Page.nonce()
    const again = { problem: problem.detail ?? "", values: sending.values }
    return html(ApprovalPage.asking(nonce, approval, link.data.by, again), nonce, problem.status)
  }
  if (wantsJson(request)) {
    return HttpServerResponse.jsonUnsafe(decided.success, { headers: { "cache-control": "no-store" } })
  }
  const nonce = Page.nonce()
  const text = decided.success.decision === null
    ? "Your vote counts; more are needed."
    : `Decided: ${decided.success.decision.decision}. You may close this page.`
  return html(ApprovalPage.telling(nonce, "Thank you", text), nonce, 200)
})
type Answer = (request: Request) => Effect.Effect<
  HttpServerResponse.HttpServerResponse,
  Problem,
  Host | Gatekeeper | HttpRouter.RouteContext
>

export const layer = HttpRouter.use(Effect.fnUntraced(function*(router) {
  const context = yield* Effect.context<Host | Gatekeeper>()
  const route = (answer: Answer) =>
    Effect.flatMap(
      HttpServerRequest.HttpServerRequest,
      (request) => Effect.catch(Effect.provide(answer(request), context), refused(request))
    )
  yield* router.add("GET", "/approve/:token", route(show))
  yield* router.add("POST", "/approve/:token", route(decide))
}))
