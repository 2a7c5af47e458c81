import { HttpDialer } from "@baton/engine/HttpDialer"
import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Address from "../src/Address.ts"
import * as AllowEntry from "../src/AllowEntry.ts"
import { NetLimits } from "../src/NetLimits.ts"
import * as NetPolicy from "../src/NetPolicy.ts"
import * as Request from "../src/Request.ts"
import * as UndiciDialer from "../src/UndiciDialer.ts"
import * as UrlCheck from "../src/UrlCheck.ts"
import { isForbidden } from "./ScriptedNet.ts"

const Byte = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 255 }))
const Octets = Schema.Tuple([Byte, Byte, Byte, Byte])
const Segment = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 0xffff }))
const Segments = Schema.Tuple([Segment, Segment, Segment, Segment, Segment, Segment, Segment, Segment])

const ip = (text: string) => Result.getOrThrow(NetAddress.ipFromString(text))
const rulesWith = (...allow: ReadonlyArray<string>) =>
  Result.getOrThrow(NetPolicy.compile({ ...NetPolicy.strict, allow }))
const codeOf = (rules: NetPolicy.Rules, url: string) => {
  const checked = UrlCheck.check(rules, url, 8192)
  return Result.isSuccess(checked) ? "ok" : checked.failure.code
}

describe("addresses", () => {
  it.prop("an IPv4 address is public exactly when no registry reserves it", [Octets], ([octets]) => {
    const text = octets.join(".")
    assert.strictEqual(Address.kindOf(ip(text)) === "public", !isForbidden(text), text)
  })

  it.prop("an IPv6 address outside 2000::/3 is never public", [Segments], ([segments]) => {
    const address = Result.getOrThrow(NetAddress.ipv6FromSegments(segments))
    if (Address.kindOf(address) === "public") assert.isFalse(isForbidden(NetAddress.formatIp(address)))
    const [first, ...rest] = segments
    const inside = Result.getOrThrow(
      NetAddress.ipv6FromSegments([0x2000 | (first & 0x1fff), ...rest] as typeof segments)
    )
    const text = NetAddress.formatIp(inside)
    assert.strictEqual(Address.kindOf(inside) === "public", !isForbidden(text), text)
  })

  it("the ranges of the registries end where they say", () => {
    const edges = {
      public: [
        ["1.0.0.0", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0"],
        ["169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0", "192.0.3.0"],
        ["192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0"],
        ["198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255"],
        ["2000::", "2001:200::", "2001:db7:ffff::", "2001:db9::", "2001:ffff::", "2003::", "3ffe:ffff::", "3fff:1000::"]
      ],
      local: [
        ["10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.0", "127.255.255.255", "172.16.0.0"],
        ["172.31.255.255", "192.168.0.0", "192.168.255.255", "::1", "fc00::", "fdff:ffff::"]
      ],
      special: [
        ["0.0.0.0", "0.255.255.255", "169.254.0.0", "169.254.255.255", "192.0.0.0", "192.0.0.255", "192.0.2.0"],
        [
          "192.88.99.1",
          "198.18.0.0",
          "198.19.255.255",
          "198.51.100.255",
          "203.0.113.0",
          "224.0.0.0",
          "255.255.255.255"
        ],
        ["::", "::2", "100::", "1fff:ffff::", "2001::", "2001:1ff:ffff::", "2001:db8::", "2001:db8:ffff::", "2002::"],
        ["2002:ffff::", "3fff::", "3fff:fff:ffff::", "4000::", "fbff:ffff::", "fe00::", "fe80::", "fec0::", "ff02::1"]
      ]
    }
    for (const [kind, lists] of Object.entries(edges)) {
      for (const text of lists.flat()) assert.strictEqual(Address.kindOf(ip(text)), kind, text)
    }
  })

  it("the metadata services of the clouds are known by their addresses, also wrapped", () => {
    const v4 = ["169.254.169.254", "169.254.170.2", "169.254.170.23", "168.63.129.16", "100.100.100.200", "192.0.0.192"]
    for (const text of [...v4, ...v4.map((text) => `::ffff:${text}`), ...v4.map((text) => `64:ff9b::${text}`)]) {
      assert.strictEqual(Address.kindOf(ip(text)), "metadata", text)
    }
    for (const text of ["fd00:ec2::254", "fd20:ce::254"]) assert.strictEqual(Address.kindOf(ip(text)), "metadata", text)
  })

  it.prop("an IPv4 address wrapped in IPv6 is never public", [Octets], ([[a, b, c, d]]) => {
    const [high, low] = [a * 256 + b, c * 256 + d].map((half) => half.toString(16))
    for (const prefix of ["::", "::ffff:", "64:ff9b::", "64:ff9b:1::"]) {
      assert.notStrictEqual(Address.kindOf(ip(`${prefix}${high}:${low}`)), "public")
    }
    assert.notStrictEqual(Address.kindOf(ip(`2002:${high}:${low}::1`)), "public")
  })
})

describe("spellings", () => {
  const spell = (octets: ReadonlyArray<number>, how: number): string => {
    const [a = 0, b = 0, c = 0, d = 0] = octets
    const number = ((a * 256 + b) * 256 + c) * 256 + d
    const forms = [
      String(number),
      `0x${number.toString(16)}`,
      `0${number.toString(8)}`,
      `${a}.${number % 0x1000000}`,
      `${a}.${b}.${c * 256 + d}`,
      octets.map((octet) => `0x${octet.toString(16)}`).join("."),
      octets.map((octet) => `0${octet.toString(8)}`).join("."),
      `${octets.join(".")}.`,
      [...octets.join(".")].map((digit) => digit === "." ? "。" : String.fromCodePoint(0xff10 + Number(digit))).join("")
    ]
    return forms[how % forms.length] ?? ""
  }

  it.prop("an IPv4 address is refused in every spelling but the plain one", [Octets, Byte], ([octets, how]) => {
    const plain = octets.join(".")
    const spelled = spell(octets, how)
    const rules = rulesWith(plain)
    assert.strictEqual(codeOf(rules, `http://${plain}/`), "ok")
    if (spelled !== plain) assert.strictEqual(codeOf(rules, `http://${spelled}/`), "URL_SPELLING", spelled)
  })

  it("takes an address in every plain form of a URL around it", () => {
    const rules = rulesWith("127.0.0.1:9000", "[::1]:9000")
    for (
      const url of ["HTTP://127.0.0.1:9000", " http://127.0.0.1/?a", "http://127.0.0.1:9000#a", "https://[::1]:9000/"]
    ) {
      assert.strictEqual(codeOf(rules, url), "ok", url)
    }
  })
})

describe("allow entries", () => {
  const admits = (entry: string, url: string, address: string) => {
    const checked = UrlCheck.check(rulesWith(entry), url, 8192)
    return Result.isSuccess(checked) &&
      Result.isSuccess(NetPolicy.admit(rulesWith(entry), checked.success, ip(address)))
  }

  it("open what they name and nothing beside it", () => {
    const cases: ReadonlyArray<readonly [entry: string, url: string, address: string, opens: boolean]> = [
      ["127.0.0.1:11434", "http://127.0.0.1:11434/", "127.0.0.1", true],
      ["127.0.0.1:11434", "http://127.0.0.1/", "127.0.0.1", false],
      ["127.0.0.1:11434", "http://127.0.0.2:11434/", "127.0.0.2", false],
      ["127.0.0.1:11434", "http://example.com:11434/", "93.184.215.14", false],
      ["127.0.0.1:11434", "http://ollama.lan:11434/", "127.0.0.1", true],
      ["10.0.0.0/8", "http://wiki.lan/", "10.1.2.3", true],
      ["10.0.0.0/8", "http://wiki.lan:9000/", "10.1.2.3", false],
      ["10.0.0.0/8:9000", "http://wiki.lan:9000/", "10.1.2.3", true],
      ["10.0.0.0/8", "http://wiki.lan/", "192.168.0.1", false],
      ["metrics.internal", "http://metrics.internal/", "10.0.0.5", true],
      ["metrics.internal", "http://METRICS.internal./", "fd00::5", true],
      ["metrics.internal", "http://evil.metrics.internal/", "10.0.0.5", false],
      ["metrics.internal", "http://metrics.internal:9090/", "10.0.0.5", false],
      ["metrics.internal:9090", "http://metrics.internal:9090/", "10.0.0.5", true],
      ["metrics.internal:9090", "http://metrics.internal/", "10.0.0.5", false],
      ["*.svc.cluster.local", "http://api.svc.cluster.local/", "10.96.0.7", true],
      ["*.svc.cluster.local", "http://svc.cluster.local/", "10.96.0.7", false],
      ["localhost", "http://localhost:8080/", "::1", true],
      ["127.0.0.1", "http://localhost/", "127.0.0.1", false],
      ["[::1]:8080", "http://[::1]:8080/", "::1", true],
      ["fd00::/8", "http://[fd00::5]/", "fd00::5", true],
      ["api.example.com:9443", "https://api.example.com:9443/", "93.184.215.14", true]
    ]
    for (const [entry, url, address, opens] of cases) {
      assert.strictEqual(admits(entry, url, address), opens, `${entry} ${url}`)
    }
  })

  it("open a metadata service only when they name its very address", () => {
    for (const entry of ["169.254.0.0/16", "metadata.internal", "*.internal", "100.64.0.0/10", "::/8"]) {
      assert.isFalse(admits(entry, "http://metadata.internal/", "169.254.169.254"), entry)
      assert.isFalse(admits(entry, "http://metadata.internal/", "100.100.100.200"), entry)
      assert.isFalse(admits(entry, "http://metadata.internal/", "::ffff:169.254.169.254"), entry)
      assert.isFalse(admits(entry, "http://metadata.internal/", "fd00:ec2::254"), entry)
    }
    assert.isTrue(admits("169.254.169.254", "http://169.254.169.254/", "169.254.169.254"))
  })

  it("by name never open what no service of a network uses", () => {
    for (
      const address of [
        "0.0.0.0",
        "169.254.1.1",
        "224.0.0.1",
        "255.255.255.255",
        "fe80::1",
        "ff02::1",
        "::",
        "64:ff9b::a00:1"
      ]
    ) {
      assert.isFalse(admits("metrics.internal", "http://metrics.internal/", address), address)
    }
  })

  it("are refused when they are too wide, too vague or cannot be read", () => {
    const bad = [
      "",
      "0.0.0.0/0",
      "10.0.0.0/7",
      "10.0.0.1/8",
      "::/0",
      "fc00::/6",
      "10.0.0.0/33",
      "http://localhost",
      "localhost:0",
      "localhost:70000",
      "*",
      "*.*.com",
      "a*.com",
      "0x7f.1",
      "127.1",
      "user@host",
      "host/path",
      "[::1",
      "::1%eth0",
      "host name"
    ]
    for (const entry of bad) assert.isTrue(Result.isFailure(AllowEntry.fromString(entry)), entry)
  })

  it.effect("stop the dialer from starting, or the call from being made, when one cannot be read", () =>
    Effect.gen(function*() {
      const policy = Layer.succeed(NetPolicy.NetPolicy, { ...NetPolicy.strict, allow: ["0.0.0.0/0"] })
      const error = yield* Effect.flip(Layer.build(UndiciDialer.layer.pipe(Layer.provide(policy))))
      assert.strictEqual(error._tag, "AllowEntryError")
      const call = HttpDialer.use((dialer) =>
        dialer.request({ method: "GET", url: "http://10.0.0.1/", allow: ["0.0.0.0/0"] })
      )
      const refused = yield* Effect.flip(call.pipe(Effect.provide(UndiciDialer.layer)))
      assert.deepInclude(refused, { reason: "refused", code: "ALLOW_INVALID", sent: false })
    }))

  it.effect("are read from the environment, with the default ports unless it names others", () =>
    Effect.gen(function*() {
      const read = (env: { readonly [name: string]: string }) =>
        NetPolicy.NetPolicy.pipe(
          Effect.provide(NetPolicy.NetPolicy.layerFromEnv),
          Effect.provideService(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env }))
        )
      assert.deepStrictEqual(yield* read({}), NetPolicy.strict)
      const policy = yield* read({ BATON_NET_ALLOW: "127.0.0.1:11434,*.internal", BATON_NET_PORTS: "443" })
      assert.deepStrictEqual([policy.allow, policy.ports], [["127.0.0.1:11434", "*.internal"], [443]])
      assert.strictEqual((yield* Effect.flip(read({ BATON_NET_ALLOW: "0.0.0.0/0" })))._tag, "ConfigError")
    }))
})

describe("URLs", () => {
  it("are refused by scheme, credentials, port and length, each with its code", () => {
    const rules = rulesWith()
    assert.strictEqual(codeOf(rules, "gopher://example.com/"), "URL_SCHEME")
    assert.strictEqual(codeOf(rules, "http://u@example.com/"), "URL_CREDENTIALS")
    assert.strictEqual(codeOf(rules, "http://:p@example.com/"), "URL_CREDENTIALS")
    assert.strictEqual(codeOf(rules, "http://example.com:25/"), "PORT_REFUSED")
    assert.strictEqual(codeOf(rules, "http://localhost/"), "ADDRESS_PRIVATE")
    assert.strictEqual(codeOf(rules, "http://a.localhost./"), "ADDRESS_PRIVATE")
    assert.strictEqual(codeOf(rules, `http://example.com/${"a".repeat(8192)}`), "URL_TOO_LONG")
    assert.strictEqual(codeOf(rules, "example.com"), "URL_INVALID")
    const https = Result.getOrThrow(NetPolicy.compile({ ...NetPolicy.strict, schemes: ["https"] }))
    assert.strictEqual(codeOf(https, "http://example.com/"), "URL_SCHEME")
  })

  it("are refused for paths that read a server's files, however they are encoded", () => {
    const bad = [
      "/../etc/passwd",
      "/a/..",
      "/a/../b",
      "/a/%2e%2e/b",
      "/a/..%2fb",
      "/a/..%5cb",
      "/a\\..\\b",
      "/a/%252e%252e%252fb",
      "/a/%25252e%25252e%25252fb",
      "/%c0%ae%c0%ae/b",
      "/a?file=../b",
      "/a?file=%2e%2e%2fb",
      "/etc/passwd",
      "//etc/passwd",
      "/%65tc/passwd",
      "/ETC/passwd",
      "/a?file=/etc/passwd",
      "/a?file=file:///proc/self/environ",
      "/a?b=c&file=%2Fsys%2Fkernel",
      "/C:/windows",
      "/a?file=c:\\windows",
      "/a?file=c%3A%5Cwindows",
      "/admin",
      "/admin/users",
      "/Admin?x",
      "/.env",
      "/.env.local",
      "/api/keys",
      "/api/keys/1"
    ]
    for (const path of bad) assert.strictEqual(codeOf(rulesWith(), `http://example.com${path}`), "PATH_REFUSED", path)
  })

  it("keep the paths that only look alike, and every path when the rules are off", () => {
    const good = [
      "/",
      "/administrator",
      "/api/keyset",
      "/v1/admin",
      "/etcetera",
      "/docs/etc",
      "/a..b",
      "/...",
      "/a?range=1..2",
      "/a?u=http://example.org/x",
      "/a?t=10:30",
      "/%E2%82%AC",
      "/%",
      "/repo/.envrc.d/x"
    ]
    for (const path of good) assert.strictEqual(codeOf(rulesWith(), `http://example.com${path}`), "ok", path)
    const paths = { traversal: false, drives: false, files: [], endpoints: [] }
    const off = Result.getOrThrow(NetPolicy.compile({ ...NetPolicy.strict, paths }))
    assert.strictEqual(codeOf(off, "http://example.com/admin/../etc/passwd?f=../c:/x"), "ok")
  })

  it.prop("never make the check throw", [Schema.String], ([text]) => {
    for (const url of [text, `http://${text}`, `http://example.com/${text}`]) UrlCheck.check(rulesWith(), url, 8192)
  })
})

describe("requests", () => {
  const codeOf = (request: Parameters<typeof Request.fromDial>[0]) => {
    const made = Request.fromDial(request)
    return Result.isSuccess(made) ? made.success.method : made.failure.code
  }
  const url = "http://example.com/"

  it("carry no header of the connection, no line break and no method that tunnels", () => {
    assert.strictEqual(codeOf({ method: "get", url }), "GET")
    assert.strictEqual(codeOf({ method: "query", url }), "query")
    for (const method of ["CONNECT", "trace", "G ET", "", "GET\r\n"]) {
      assert.strictEqual(codeOf({ method, url }), "METHOD_REFUSED")
    }
    for (const name of ["Host", "content-length", "Transfer-Encoding", "connection", "upgrade"]) {
      assert.strictEqual(codeOf({ method: "GET", url, headers: { [name]: "x" } }), "HEADER_REFUSED")
    }
    for (const value of ["a\r\nb: c", "a\nb", "\u0000", "€"]) {
      assert.strictEqual(codeOf({ method: "GET", url, headers: { a: Redacted.make(value) } }), "HEADER_INVALID")
    }
    assert.strictEqual(codeOf({ method: "GET", url, headers: { "a b": "x" } }), "HEADER_INVALID")
  })

  it.effect("never show a secret in the error they end in", () =>
    Effect.gen(function*() {
      const dialer = yield* HttpDialer
      const secret = Redacted.make("s3cret\nvalue")
      const error = yield* Effect.flip(dialer.request({ method: "GET", url, headers: { authorization: secret } }))
      assert.notInclude(JSON.stringify(error) + error.message + String(error), "s3cret")
      const inUrl = yield* Effect.flip(dialer.request({ method: "GET", url: "http://10.0.0.1/?token=s3cret" }))
      assert.notInclude(JSON.stringify(inUrl) + inUrl.message, "s3cret")
      assert.strictEqual((yield* NetLimits).redirectsMax, 5)
    }).pipe(Effect.provide(UndiciDialer.layer)))
})
