/** What each kind of problem means, and the codes that the HTTP surface itself gives. */

export interface ProblemKind {
  readonly status: number
  readonly title: string
  /** Code → meaning. */
  readonly codes: { readonly [code: string]: string }
}

interface Kinds {
  readonly [kind: string]: ProblemKind
}

/** By the last segment of a problem's `type`; any endpoint may answer any of them. */
export const problemKinds: Kinds = {
  invalid: {
    status: 400,
    title: "The request is wrong.",
    codes: {
      REQUEST_INVALID: "A member is unknown, missing or of the wrong type; `errors` tells each with a pointer.",
      REQUEST_UNREADABLE: "The body cannot be read.",
      REQUEST_MALFORMED: "This is not HTTP as a server may read it.",
      BODY_NOT_UTF8: "The body is not UTF-8.",
      JSON_AMBIGUOUS: "Reading the JSON would change it: a key stands there twice, or a number is too large.",
      JSON_NUL: "A text in JSON holds the character U+0000.",
      JSON_SURROGATE: "A text in JSON holds half of a surrogate pair.",
      JSON_TOO_DEEP: "JSON in the body nests too deeply.",
      CURSOR_UNKNOWN: "`after` is no cursor of this list.",
      TIME_INVALID: "A time is no RFC 3339 text.",
      DECISION_INVALID: "The decision is none that is offered.",
      PRECONDITION_INVALID: "`If-Match` is no single strong entity tag, or contradicts the body."
    }
  },
  unauthenticated: {
    status: 401,
    title: "The request carries no valid credential.",
    codes: {
      CREDENTIAL_MISSING: "The request shows no credential.",
      CREDENTIAL_INVALID: "The key or token is wrong, has expired, or was revoked."
    }
  },
  denied: {
    status: 403,
    title: "The credential does not allow this.",
    codes: {
      SCOPE_MISSING: "The credential has not the scope that the route needs.",
      CSRF_HEADER_MISSING: "A page's request lacks the header that only its own code can set.",
      HOST_DENIED: "The server does not answer to this host name.",
      ORIGIN_DENIED: "A page of another origin may not do this."
    }
  },
  "not-found": {
    status: 404,
    title: "There is no such thing.",
    codes: {
      ROUTE_NOT_FOUND: "No route has this path.",
      PROBLEM_KIND_UNKNOWN: "No problem is of this kind.",
      BLOB_MISSING: "This tenant has no stored value with this address.",
      LINK_NOT_FOUND: "The link is none.",
      METRICS_OFF: "Metrics are switched off."
    }
  },
  "method-not-allowed": {
    status: 405,
    title: "This cannot be done here.",
    codes: { METHOD_NOT_ALLOWED: "The path takes other methods; `Allow` tells them." }
  },
  "not-acceptable": {
    status: 406,
    title: "There is no form of it that the request takes.",
    codes: { NOT_ACCEPTABLE: "`Accept` takes neither JSON nor a stream of events." }
  },
  conflict: {
    status: 409,
    title: "The request does not fit the present state.",
    codes: {
      IDEMPOTENCY_KEY_REUSED: "The key came before with another request.",
      SESSIONS_MAX: "There are as many sessions as there may be."
    }
  },
  gone: {
    status: 410,
    title: "It was there and has been removed.",
    codes: {
      RUN_GONE: "The run that the link asks about is no longer there.",
      ALREADY_DECIDED: "Somebody has decided already.",
      LINK_OVER: "The link was used or has expired."
    }
  },
  stale: {
    status: 412,
    title: "It has changed since it was read.",
    codes: {
      PATCH_STALE: "The plan is at another revision than `If-Match` says.",
      APPROVAL_CHANGED: "The approval shows something else than `If-Match` says."
    }
  },
  "too-large": {
    status: 413,
    title: "The request is larger than the limit.",
    codes: { BODY_TOO_LARGE: "The body is larger than the limit." }
  },
  "unsupported-media": {
    status: 415,
    title: "The content type of the request is not understood.",
    codes: {
      CONTENT_TYPE_UNSUPPORTED: "Requests are JSON.",
      CONTENT_ENCODING_UNSUPPORTED: "Requests have no content encoding."
    }
  },
  limited: {
    status: 429,
    title: "Too many requests.",
    codes: {
      global_rate_limit_exceeded: "As many runs were started, by all, as may be.",
      user_rate_limit_exceeded: "As many runs were started by this person as may be.",
      rate_limit_exceeded: "As many runs of this tier were started by this person as may be.",
      CREDENTIALS_LIMITED: "Too many wrong credentials came from one address."
    }
  },
  internal: {
    status: 500,
    title: "This is a bug in Baton.",
    codes: { INTERNAL: "The request could not be answered." }
  },
  unavailable: {
    status: 503,
    title: "This cannot be served now.",
    codes: {
      OVERLOADED: "The server has no room for the request; nothing was done.",
      STARTING: "The server starts.",
      STOPPING: "The server stops.",
      STORE_UNWRITABLE: "Nothing can be written.",
      STORE_UNAVAILABLE: "The store does not serve.",
      AUDIT_UNAVAILABLE: "What was asked cannot be recorded; it may have been carried out.",
      ISSUER_UNREACHABLE: "The token issuer's keys cannot be read.",
      MODEL_MISSING: "The server has no model, and the request names none."
    }
  }
}

/** What a server answers before any endpoint is asked. */
export const earlyKinds: Kinds = {
  "too-slow": {
    status: 408,
    title: "The request took too long to arrive.",
    codes: { REQUEST_TOO_SLOW: "Headers, or all of it, took longer than the limit." }
  },
  "target-too-long": {
    status: 414,
    title: "The path and query of the request are too long.",
    codes: { URL_TOO_LONG: "Path and query have more characters than the limit." }
  },
  unexpected: {
    status: 417,
    title: "What the request expects is not done.",
    codes: { EXPECTATION_UNKNOWN: "The only expectation is 100-continue." }
  },
  "upgrade-required": {
    status: 426,
    title: "This is a WebSocket.",
    codes: { UPGRADE_REQUIRED: "The request does not ask to become a WebSocket." }
  },
  "headers-too-large": {
    status: 431,
    title: "The headers of the request are too large.",
    codes: {
      HEADERS_TOO_LARGE: "Request line and headers have more bytes than the limit.",
      HEADERS_TOO_MANY: "There are more headers than the limit."
    }
  }
}

export const allKinds: Kinds = { ...problemKinds, ...earlyKinds }
