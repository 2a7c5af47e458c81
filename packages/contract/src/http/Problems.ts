/**
 * What a request that cannot be served is answered: one problem class per HTTP status (RFC 9457,
 * `application/problem+json`). `type` names the class, `code` the stable code that the command line shows too.
 *
 * Every endpoint may answer every one of them; {@link fromClientError} and {@link toClientError} translate both ways, so
 * that a program sees the same error whether Baton runs in its process or behind HTTP.
 */
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { ClientError } from "../Client.ts"

const members = {
  /** Stable, such as `FLOW_INVALID`; listed in the reference of errors. */
  code: Schema.String,
  /** What to do about it. */
  hint: Schema.optionalKey(Schema.String),
  /** Every fault of what was sent; `pointer` is a JSON Pointer (RFC 6901) into the body. */
  errors: Schema.optionalKey(Schema.Array(Schema.Json)),
  /** Trace id of the request, 32 hexadecimal digits. */
  traceId: Schema.optionalKey(Schema.String)
}

export class Invalid extends HttpApiError.Problem<Invalid>()("Invalid", {
  type: "/problems/invalid",
  status: 400,
  title: "The request is wrong."
}, members) {}

export class Unauthenticated extends HttpApiError.Problem<Unauthenticated>()("Unauthenticated", {
  type: "/problems/unauthenticated",
  status: 401,
  title: "The request carries no valid credential."
}, members) {}

export class Denied extends HttpApiError.Problem<Denied>()("Denied", {
  type: "/problems/denied",
  status: 403,
  title: "The credential does not allow this."
}, members) {}

export class NotFound extends HttpApiError.Problem<NotFound>()("NotFound", {
  type: "/problems/not-found",
  status: 404,
  title: "There is no such thing."
}, members) {}

export class MethodNotAllowed extends HttpApiError.Problem<MethodNotAllowed>()("MethodNotAllowed", {
  type: "/problems/method-not-allowed",
  status: 405,
  title: "This cannot be done here."
}, members) {}

export class NotAcceptable extends HttpApiError.Problem<NotAcceptable>()("NotAcceptable", {
  type: "/problems/not-acceptable",
  status: 406,
  title: "There is no form of it that the request takes."
}, members) {}

export class Conflict extends HttpApiError.Problem<Conflict>()("Conflict", {
  type: "/problems/conflict",
  status: 409,
  title: "The request does not fit the present state."
}, members) {}

export class Gone extends HttpApiError.Problem<Gone>()("Gone", {
  type: "/problems/gone",
  status: 410,
  title: "It was there and has been removed."
}, members) {}

export class Stale extends HttpApiError.Problem<Stale>()("Stale", {
  type: "/problems/stale",
  status: 412,
  title: "It has changed since it was read."
}, members) {}

export class TooLarge extends HttpApiError.Problem<TooLarge>()("TooLarge", {
  type: "/problems/too-large",
  status: 413,
  title: "The request is larger than the limit."
}, members) {}

export class UnsupportedMedia extends HttpApiError.Problem<UnsupportedMedia>()("UnsupportedMedia", {
  type: "/problems/unsupported-media",
  status: 415,
  title: "The content type of the request is not understood."
}, members) {}

export class Limited extends HttpApiError.Problem<Limited>()("Limited", {
  type: "/problems/limited",
  status: 429,
  title: "Too many requests."
}, { ...members, details: Schema.optionalKey(Schema.Record(Schema.String, Schema.Json)) }) {}

export class Internal extends HttpApiError.Problem<Internal>()("Internal", {
  type: "/problems/internal",
  status: 500,
  title: "This is a bug in Baton."
}, members) {}

export class Unavailable extends HttpApiError.Problem<Unavailable>()("Unavailable", {
  type: "/problems/unavailable",
  status: 503,
  title: "This cannot be served now."
}, members) {}

export const problems = [
  Invalid,
  Unauthenticated,
  Denied,
  NotFound,
  MethodNotAllowed,
  NotAcceptable,
  Conflict,
  Gone,
  Stale,
  TooLarge,
  UnsupportedMedia,
  Limited,
  Internal,
  Unavailable
] as const
export type Problem = InstanceType<typeof problems[number]>

const classes = {
  invalid: Invalid,
  not_found: NotFound,
  conflict: Conflict,
  denied: Denied,
  unreachable: Unavailable,
  unavailable: Unavailable,
  internal: Internal
} as const

export const fromClientError = ({ code, hint, message, problems, reason }: ClientError): Problem =>
  new classes[reason]({
    code,
    detail: message,
    ...(hint === undefined ? {} : { hint }),
    ...(problems === undefined ? {} : { errors: problems })
  })

const reasons: { readonly [tag in Problem["_tag"]]: ClientError["reason"] } = {
  Invalid: "invalid",
  Unauthenticated: "denied",
  Denied: "denied",
  NotFound: "not_found",
  MethodNotAllowed: "invalid",
  NotAcceptable: "invalid",
  Conflict: "conflict",
  Gone: "not_found",
  Stale: "conflict",
  TooLarge: "invalid",
  UnsupportedMedia: "invalid",
  Limited: "unavailable",
  Internal: "internal",
  Unavailable: "unavailable"
}

export const toClientError = ({ _tag, code, detail, errors, hint, message }: Problem): ClientError =>
  new ClientError({
    reason: reasons[_tag],
    code,
    message: detail ?? message,
    ...(hint === undefined ? {} : { hint }),
    ...(errors === undefined ? {} : { problems: errors })
  })

const decodeProblem = Schema.decodeUnknownOption(Schema.Union(problems))

/** The error of a problem that was read by hand; `undefined` when it is none of ours. */
export const ofBody = (body: unknown): ClientError | undefined =>
  Option.getOrUndefined(Option.map(decodeProblem(body), toClientError))
