/**
 * From a name to addresses that may be connected to. A name is looked up once per hop; if one of its answers is forbidden
 * the name is refused, since whoever mixes public and private answers is trying something. What comes out is what the
 * socket goes to: nothing looks the name up again. The seam for tests is effect's `Dns`.
 */
import type { DialError } from "@baton/engine/HttpDialer"
import * as Array from "effect/Array"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Dns from "effect/net/Dns"
import * as NetAddress from "effect/net/NetAddress"
import * as Result from "effect/Result"
import { lookup } from "node:dns"
import type { CheckedAddress } from "./Address.ts"
import * as Failure from "./Failure.ts"
import * as NetPolicy from "./NetPolicy.ts"
import type { Destination } from "./UrlCheck.ts"

/** The system's resolver, hosts file included, in the system's order of addresses. */
export const layer: Layer.Layer<Dns.Dns> = Layer.succeed(
  Dns.Dns,
  Dns.make({
    lookup: (host) =>
      Effect.callback((resume) => {
        lookup(host, { all: true, order: "verbatim" }, (error, answers) => {
          resume(
            error === null ? parse(host, answers.map((answer) => answer.address)) : Effect.fail(fromNode(host, error))
          )
        })
      })
  })
)

/** An answer that cannot be read (an address with a zone) fails the look-up: what cannot be checked is not skipped. */
const parse = (host: string, answers: ReadonlyArray<string>) =>
  Effect.fromResult(Result.all(answers.map(NetAddress.ipFromString))).pipe(
    Effect.mapError((cause) => new Dns.DnsError({ reason: "InvalidResponse", method: "lookup", hostname: host, cause }))
  )

const fromNode = (hostname: string, cause: NodeJS.ErrnoException) =>
  new Dns.DnsError({
    reason: cause.code === "ENOTFOUND" || cause.code === "ENODATA" ?
      "NotFound" :
      cause.code === "EAI_AGAIN" ?
      "Temporary" :
      "Unknown",
    method: "lookup",
    hostname,
    cause
  })

/** At most `addressesMax` addresses in the resolver's order, all of them admitted. */
export const admit = Effect.fnUntraced(function*(
  dns: Dns.Dns["Service"],
  rules: NetPolicy.Rules,
  destination: Destination,
  addressesMax: number,
  sent: boolean
): Effect.fn.Return<Array.NonEmptyReadonlyArray<CheckedAddress>, DialError> {
  const { literal, name, url } = destination
  const answers = literal !== undefined
    ? Array.of(literal)
    : yield* dns.lookup(url.hostname).pipe(
      Effect.mapError((error) => Failure.fromDns(name ?? url.hostname, error, sent))
    )
  const checked: Array<CheckedAddress> = []
  for (const answer of answers) {
    const address = NetPolicy.admit(rules, destination, answer)
    if (Result.isFailure(address)) return yield* denied(address.failure, destination, answer, sent)
    checked.push(address.success)
  }
  return Array.take(checked, addressesMax) as unknown as Array.NonEmptyReadonlyArray<CheckedAddress>
})

/** The answer of a resolver stays out of the message: it would tell a flow what the inner network looks like. */
const denied = (
  denial: NetPolicy.Denial,
  { host, literal, port }: Destination,
  answer: NetAddress.IpAddress,
  sent: boolean
) =>
  Failure.failure(
    denial,
    denial === "PORT_REFUSED" ?
      `Port ${port} is not open. The operator may allow it: BATON_NET_ALLOW=${host}:${port}` :
      literal === undefined ?
      `${host} leads to an address that is not public. The operator may allow it: BATON_NET_ALLOW=${host}:${port}` :
      `${
        NetAddress.formatIp(answer)
      } is not a public address. The operator may allow it: BATON_NET_ALLOW=${host}:${port}`,
    sent
  )
