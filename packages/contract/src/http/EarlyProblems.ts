/**
 * What a server answers before any endpoint is asked: the request itself is too slow, too long or has too many headers.
 * No endpoint lists these; any may meet them.
 */
import * as HttpApiError from "effect/http-api/HttpApiError"
import * as Schema from "effect/Schema"

const members = {
  code: Schema.String,
  hint: Schema.optionalKey(Schema.String)
}

export class TooSlow extends HttpApiError.Problem<TooSlow>()("TooSlow", {
  type: "/problems/too-slow",
  status: 408,
  title: "The request took too long to arrive."
}, members) {}

export class TargetTooLong extends HttpApiError.Problem<TargetTooLong>()("TargetTooLong", {
  type: "/problems/target-too-long",
  status: 414,
  title: "The path and query of the request are too long."
}, members) {}

export class Unexpected extends HttpApiError.Problem<Unexpected>()("Unexpected", {
  type: "/problems/unexpected",
  status: 417,
  title: "What the request expects is not done."
}, members) {}

export class UpgradeRequired extends HttpApiError.Problem<UpgradeRequired>()("UpgradeRequired", {
  type: "/problems/upgrade-required",
  status: 426,
  title: "This is a WebSocket."
}, members) {}

export class HeadersTooLarge extends HttpApiError.Problem<HeadersTooLarge>()("HeadersTooLarge", {
  type: "/problems/headers-too-large",
  status: 431,
  title: "The headers of the request are too large."
}, members) {}
