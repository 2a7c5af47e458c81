import { assert, describe, it } from "@effect/vitest"
import * as Dns from "effect/net/Dns"
import { readFileSync } from "node:fs"
import { errors } from "undici"
import * as Failure from "../src/Failure.ts"

const progress = { host: "example.com", secure: true, started: false, answered: false, sent: false }
const started = { ...progress, started: true, sent: true }
const errno = (code: string) => Object.assign(new Error("a driver's text with /path?token=s3cret"), { code })
const codeOf = (error: unknown, at: Failure.Progress = progress) => Failure.fromDriver(error, at).code

describe("failures", () => {
  it("the reference names every code under its reason, and no other", () => {
    const page = readFileSync(new URL("../../../docs/reference/network.md", import.meta.url), "utf8")
    const named = page.split("\n").flatMap((line) => {
      const reason = /^\| (\w+) +\| `[A-Z_]+`/.exec(line)?.[1]
      return reason === undefined ? [] : [...line.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => `${code} ${reason}`)
    })
    assert.sameMembers(
      named,
      Object.entries(Failure.reasons).map((pair) => pair.join(" "))
    )
  })

  it("of a connection keep its cause apart from that of TLS", () => {
    const cases = {
      ECONNREFUSED: "CONNECT_REFUSED",
      EHOSTUNREACH: "CONNECT_UNREACHABLE",
      ENETUNREACH: "CONNECT_UNREACHABLE",
      ETIMEDOUT: "TIMEOUT_CONNECT",
      UND_ERR_CONNECT_TIMEOUT: "TIMEOUT_CONNECT",
      ECONNRESET: "CONNECT_FAILED",
      CERT_HAS_EXPIRED: "TLS_CERTIFICATE",
      DEPTH_ZERO_SELF_SIGNED_CERT: "TLS_CERTIFICATE",
      UNABLE_TO_VERIFY_LEAF_SIGNATURE: "TLS_CERTIFICATE",
      ERR_TLS_CERT_ALTNAME_INVALID: "TLS_CERTIFICATE",
      EPROTO: "TLS_FAILED",
      ERR_SSL_WRONG_VERSION_NUMBER: "TLS_FAILED"
    }
    for (const [code, expected] of Object.entries(cases)) {
      const error = Failure.fromDriver(errno(code), progress)
      assert.strictEqual(error.code, expected, code)
      assert.isFalse(error.sent)
      assert.notInclude(JSON.stringify(error) + error.message, "s3cret")
    }
  })

  it("after the request was begun say how far it came", () => {
    assert.strictEqual(codeOf(new errors.HeadersTimeoutError(), started), "TIMEOUT_HEADERS")
    assert.strictEqual(codeOf(new errors.HeadersOverflowError(), started), "HEADERS_TOO_LARGE")
    assert.strictEqual(codeOf(new errors.ResponseContentLengthMismatchError(), started), "RESPONSE_TRUNCATED")
    assert.strictEqual(codeOf(errno("ECONNRESET"), started), "CONNECTION_LOST")
    assert.strictEqual(codeOf(errno("ECONNRESET"), { ...started, answered: true }), "RESPONSE_TRUNCATED")
    assert.strictEqual(codeOf(new errors.ClientDestroyedError(), started), "DIALER_CLOSED")
    assert.strictEqual(codeOf("not an error", started), "CONNECTION_LOST")
  })

  it("of the resolver tell a name that is none from one that has no address and one that may have", () => {
    const codes = (["BadName", "NotFound", "Temporary", "Unknown"] as const).map((reason) =>
      Failure.fromDns("example.com", new Dns.DnsError({ reason, method: "lookup", hostname: "example.com" }), false)
        .code
    )
    assert.deepStrictEqual(codes, ["DNS_NAME_INVALID", "DNS_NOT_FOUND", "DNS_FAILED", "DNS_FAILED"])
  })
})
