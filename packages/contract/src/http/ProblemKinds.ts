/** What each kind of problem means, and the codes that the HTTP surface itself gives. */

export interface ProblemKind {
  readonly status: number
  readonly title: string
  /** Code → meaning. */
  readonly codes: { readonly [code: string]: string }
}

/** By the last segment of a problem's `type`. */
export const problemKinds: { readonly [kind: string]: ProblemKind } = {
  invalid: {
    status: 400,
    title: "The request is wrong.",
    codes: {
      REQUEST_INVALID: "A member is unknown, missing or of the wrong type; `errors` tells each with a pointer.",
      REQUEST_UNREADABLE: "The body cannot be read.",
      CURSOR_UNKNOWN: "`after` is no cursor of this list.",
      TIME_INVALID: "A time is no RFC 3339 text.",
      PRECONDITION_INVALID: "`If-Match` is no single strong entity tag, or contradicts the body."
    }
  },
  unauthenticated: { status: 401, title: "The request carries no valid credential.", codes: {} },
  denied: { status: 403, title: "The credential does not allow this.", codes: {} },
  "not-found": {
    status: 404,
    title: "There is no such thing.",
    codes: {
      ROUTE_NOT_FOUND: "No route has this path.",
      PROBLEM_KIND_UNKNOWN: "No problem is of this kind.",
      BLOB_MISSING: "This tenant has no stored value with this address."
    }
  },
  "method-not-allowed": {
    status: 405,
    title: "This cannot be done here.",
    codes: { METHOD_NOT_ALLOWED: "The path takes other methods; `Allow` tells them." }
  },
  conflict: {
    status: 409,
    title: "The request does not fit the present state.",
    codes: { IDEMPOTENCY_KEY_REUSED: "The key came before with another request." }
  },
  gone: { status: 410, title: "It was there and has been removed.", codes: {} },
  stale: {
    status: 412,
    title: "It has changed since it was read.",
    codes: {
      PATCH_STALE: "The plan is at another revision than `If-Match` says.",
      APPROVAL_CHANGED: "The approval shows something else than `If-Match` says."
    }
  },
  "too-large": { status: 413, title: "The request is larger than the limit.", codes: {} },
  "unsupported-media": {
    status: 415,
    title: "The content type of the request is not understood.",
    codes: { CONTENT_TYPE_UNSUPPORTED: "Requests are JSON." }
  },
  limited: { status: 429, title: "Too many requests.", codes: {} },
  internal: {
    status: 500,
    title: "This is a bug in Baton.",
    codes: { INTERNAL: "The request could not be answered." }
  },
  unavailable: { status: 503, title: "This cannot be served now.", codes: {} }
}
