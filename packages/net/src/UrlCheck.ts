/**
 * The check of a URL's text: scheme, credentials, spelling, port, path. The text is parsed once, by the WHATWG parser, and
 * the socket goes where that parse says; nothing here reads the host a second way.
 */
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as AllowEntry from "./AllowEntry.ts"
import type * as Failure from "./Failure.ts"
import * as NetPolicy from "./NetPolicy.ts"

export interface Destination extends NetPolicy.Endpoint {
  readonly url: URL
  readonly secure: boolean
  /** The address that the URL holds. No resolver is asked about it, so it is checked by hand at each hop. */
  readonly literal: NetAddress.IpAddress | undefined
  /** For messages and spans. */
  readonly host: string
}

export interface Problem {
  readonly code: Failure.Code
  readonly message: string
}

/** `base` is the URL of the answer whose Location is checked. */
export const check = (
  rules: NetPolicy.Rules,
  text: string,
  lengthMax: number,
  base?: URL
): Result.Result<Destination, Problem> =>
  Result.gen(function*() {
    const refuse = (code: Failure.Code, message: string) => Result.fail({ code, message })
    if (text.length > lengthMax) return yield* refuse("URL_TOO_LONG", `The URL is longer than ${lengthMax} characters.`)
    const url = URL.parse(text, base)
    if (url === null) return yield* refuse("URL_INVALID", "The URL cannot be read. Write scheme://host/path.")
    if (!rules.schemes.has(url.protocol)) {
      return yield* refuse("URL_SCHEME", `The scheme ${url.protocol} is not allowed.`)
    }
    if (url.username !== "" || url.password !== "") {
      return yield* refuse("URL_CREDENTIALS", "The URL holds credentials. Put them into a secret and a header.")
    }
    const destination = destinationOf(url)
    if (destination.literal !== undefined && !isPlainlySpelled(text, url, base)) {
      return yield* refuse(
        "URL_SPELLING",
        `The address is spelled so that others may read another one. Write ${url.hostname}.`
      )
    }
    const { host, name, port } = destination
    if (name !== undefined && loopbackName.test(name) && !NetPolicy.namesHost(rules, name)) {
      return yield* refuse(
        "ADDRESS_PRIVATE",
        `${host} is this machine. The operator may allow it: BATON_NET_ALLOW=${name}:${port}`
      )
    }
    if (!NetPolicy.mayOpenPort(rules, destination)) {
      return yield* refuse(
        "PORT_REFUSED",
        `Port ${port} is not open. The operator may allow it: BATON_NET_ALLOW=${host}:${port}`
      )
    }
    const problem = rules.pathProblem(url, base === undefined ? text : url.pathname + url.search)
    if (problem !== undefined) return yield* refuse("PATH_REFUSED", `The URL ${problem}.`)
    return destination
  })

const destinationOf = (url: URL): Destination => {
  const secure = url.protocol === "https:"
  const bare = url.hostname.startsWith("[") ? url.hostname.slice(1, -1) : url.hostname
  const literal = Result.getOrUndefined(NetAddress.ipFromString(bare))
  return {
    url,
    secure,
    literal,
    host: url.hostname,
    name: literal === undefined ? AllowEntry.nameOf(bare) : undefined,
    port: url.port === "" ? (secure ? 443 : 80) : Number(url.port)
  }
}

/** RFC 6761 §6.3, and the aliases that hosts files carry. */
const loopbackName =
  /(?:^|\.)localhost$|^localhost\.localdomain$|^localhost6(?:\.localdomain6)?$|^ip6-(?:localhost|loopback)$/

/**
 * Whether an IPv4 address stands in the text as the parser prints it: `0x7f.1`, `2130706433`, `010.0.0.1` and full-width
 * digits mean one address to this parser and another to the next. IPv6 has no such spellings.
 */
const isPlainlySpelled = (text: string, url: URL, base: URL | undefined): boolean => {
  if (url.hostname.startsWith("[")) return true
  const plain = text.trimStart().toLowerCase()
  return [`${url.protocol}//${url.hostname}`, `//${url.hostname}`].some((start) =>
    plain.startsWith(start) && /^(?:$|[:/?#\\])/.test(plain.slice(start.length))
  ) || inheritsHost(text, base)
}

/** A Location without an authority of its own keeps the host of its base, which was checked. */
const inheritsHost = (text: string, base: URL | undefined): boolean =>
  base !== undefined && URL.parse(text, `${base.protocol}//base.invalid/`)?.hostname === "base.invalid"
