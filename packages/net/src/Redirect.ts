/**
 * What the next hop of a redirect looks like (Fetch standard, HTTP-redirect fetch): which method and body it has and which
 * headers it still carries. The address of the hop is checked elsewhere, like that of any other request.
 */

export interface Hop {
  readonly method: string
  readonly body: Uint8Array | string | undefined
  readonly headers: ReadonlyArray<Header>
}

export interface Header {
  readonly name: string
  readonly value: string
  /** Came redacted: it is a secret of the origin it was meant for. */
  readonly secret: boolean
}

export const isRedirect = (status: number): boolean =>
  status === 301 || status === 302 || status === 303 || status === 307 || status === 308

export const next = (hop: Hop, status: number, from: URL, to: URL): Hop => {
  const stripped = losesBody(hop.method, status)
  const leaves = from.origin !== to.origin
  return {
    method: stripped ? "GET" : hop.method,
    body: stripped ? undefined : hop.body,
    headers: hop.headers.filter((header) =>
      !(stripped && header.name.startsWith("content-")) && !(leaves && (header.secret || credentials.has(header.name)))
    )
  }
}

const losesBody = (method: string, status: number): boolean =>
  status === 303 ? method !== "GET" && method !== "HEAD" : (status === 301 || status === 302) && method === "POST"

/** Headers that carry credentials by their meaning or by wide use. */
const credentials: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "cookie2",
  "proxy-authorization",
  "api-key",
  "x-api-key",
  "x-auth-token",
  "x-goog-api-key"
])
