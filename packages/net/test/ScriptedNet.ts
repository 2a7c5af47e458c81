/**
 * A network that exists only on paper: names answer as scripted, and a socket that the dialer opens is recorded and led to
 * a server on loopback. A socket to an address that no call may reach is recorded and refused, so that a guard that fails
 * fails the test and reaches nobody.
 */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import * as http from "node:http"
import { type AddressInfo, BlockList, connect } from "node:net"
import { Connector } from "../src/Connector.ts"
import * as NetPolicy from "../src/NetPolicy.ts"
import * as UndiciDialer from "../src/UndiciDialer.ts"

export interface Recorded {
  readonly address: string
  readonly port: number
  readonly name: string | undefined
  readonly forbidden: boolean
}

export interface Script {
  /** Per name, the answers to each look-up in turn; the last one repeats. */
  readonly dns?: { readonly [name: string]: ReadonlyArray<ReadonlyArray<string>> }
  readonly answer?: (request: http.IncomingMessage, response: http.ServerResponse, nth: number) => void
}

export class ScriptedNet {
  script: Script = {}
  readonly connects: Array<Recorded> = []
  readonly lookups: Array<string> = []
  readonly requests: Array<{ readonly host: string | undefined; readonly url: string | undefined }> = []

  readonly #server = http.createServer((request, response) => {
    const { answer } = this.script
    this.requests.push({ host: request.headers.host, url: request.url })
    if (answer === undefined) response.end("ok")
    else answer(request, response, this.requests.length - 1)
  })

  reset(script: Script): void {
    this.script = script
    this.connects.length = 0
    this.lookups.length = 0
    this.requests.length = 0
  }

  readonly dns = Dns.make({
    lookup: (host) =>
      Effect.sync(() => {
        const name = host.replace(/\.$/, "")
        const turn = this.lookups.filter((seen) => seen === name).length
        this.lookups.push(name)
        const answers = this.script.dns?.[name] ?? []
        const answer = answers[Math.min(turn, answers.length - 1)] ?? []
        return answer.map((text) => Result.getOrThrow(NetAddress.ipFromString(text)))
      })
  })

  readonly connector: Connector["Service"] = {
    open: ({ address: { text: address }, name, port }, opened) => {
      const forbidden = isForbidden(address)
      this.connects.push({ address, port, name, forbidden })
      if (forbidden) return opened(new Error("forbidden"), null)
      const { port: local } = this.#server.address() as AddressInfo
      const socket = connect(local, "127.0.0.1")
      socket.once("connect", () => opened(null, socket)).once("error", (error) => opened(error, null))
    }
  }

  readonly layer = (policy: NetPolicy.PolicyDocument = NetPolicy.strict) =>
    UndiciDialer.layerNoDeps.pipe(
      Layer.provide([
        Layer.succeed(NetPolicy.NetPolicy, policy),
        Layer.succeed(Dns.Dns, this.dns),
        Layer.succeed(Connector, this.connector)
      ])
    )

  static readonly make = Effect.acquireRelease(
    Effect.promise(async () => {
      const net = new ScriptedNet()
      await new Promise<void>((resolve) => net.#server.listen(0, "127.0.0.1", resolve))
      return net
    }),
    (net) =>
      Effect.promise(() => {
        net.#server.closeAllConnections()
        return new Promise((resolve) => net.#server.close(resolve))
      })
  )
}

/** A judge of its own, so that a mistake in the dialer's lists is not repeated here. */
export const isForbidden = (address: string): boolean =>
  address.includes(":") ? !open6.check(address, "ipv6") || closed6.check(address, "ipv6") : closed4.check(address)

const closed4 = new BlockList()
closed4.addAddress("168.63.129.16")
for (const range of ["0/8", "10/8", "127/8", "224/4", "240/4"]) {
  const [first = "", bits] = range.split("/")
  closed4.addSubnet(`${first}.0.0.0`, Number(bits))
}
closed4.addRange("100.64.0.0", "100.127.255.255")
closed4.addRange("169.254.0.0", "169.254.255.255")
closed4.addRange("172.16.0.0", "172.31.255.255")
closed4.addRange("192.0.0.0", "192.0.0.255")
closed4.addRange("192.0.2.0", "192.0.2.255")
closed4.addRange("192.88.99.0", "192.88.99.255")
closed4.addRange("192.168.0.0", "192.168.255.255")
closed4.addRange("198.18.0.0", "198.19.255.255")
closed4.addRange("198.51.100.0", "198.51.100.255")
closed4.addRange("203.0.113.0", "203.0.113.255")

const open6 = new BlockList()
open6.addRange("2000::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ipv6")
const closed6 = new BlockList()
closed6.addRange("2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", "ipv6")
closed6.addRange("2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", "ipv6")
closed6.addRange("2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ipv6")
closed6.addRange("3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", "ipv6")
