/** What the operator says about who may reach the server, and how. Read once, when the server starts. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as IpNetwork from "effect/net/IpNetwork"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

const text = (problem: (text: string) => string | undefined) => Schema.String.check(Schema.makeFilter(problem))

const Origin = text((text) =>
  URL.canParse(text) && new URL(text).origin === text
    ? undefined
    : `${JSON.stringify(text)} is no origin such as https://app.example.com (* is not allowed)`
)

const HostName = text((text) =>
  /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)$/.test(text) ? undefined : `${JSON.stringify(text)} is no host name without a port`
)

const Url = text((text) =>
  URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)
    ? undefined
    : `${JSON.stringify(text)} is no http(s) URL`
)

/** `10.0.0.0/8`, or one address. */
const networkOf = (text: string): Result.Result<IpNetwork.IpNetwork, unknown> =>
  text.includes("/")
    ? IpNetwork.fromString(text)
    : Result.map(NetAddress.ipFromString(text), (address) =>
      IpNetwork.fromAddressUnsafe(address, NetAddress.width(address)))

const Network = text((text) =>
  Result.isSuccess(networkOf(text))
    ? undefined
    : `${JSON.stringify(text)} is no address, and no network such as 10.0.0.0/8`
)

/** Signatures that an issuer may use: asymmetric ones only, since a shared secret would let any reader sign. */
export const algorithms = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519"
] as const
export type Algorithm = typeof algorithms[number]

export interface Issuer {
  /** `iss` of its tokens, character by character. */
  readonly issuer: string
  /** One of the `aud` of its tokens. */
  readonly audience: string
  readonly jwksUrl: string
  readonly algorithms: ReadonlyArray<Algorithm>
  /** Names of claims; dots lead into objects. */
  readonly claims: { readonly tenant: string; readonly scopes: string; readonly groups: string }
  /** The tenant of tokens without the claim; absent: they prove nobody. */
  readonly tenant: string | undefined
}

export interface AccessSettings {
  /** `Host` headers that are answered; in `dev` besides the names of this machine, elsewhere instead of all. */
  readonly hosts: ReadonlyArray<string>
  /** Pages of other origins that may read answers and change things. */
  readonly origins: ReadonlyArray<string>
  readonly issuers: ReadonlyArray<Issuer>
  /** Peers whose `X-Forwarded-For` is believed; from others it is nothing. */
  readonly proxies: ReadonlyArray<IpNetwork.IpNetwork>
}

const string = (name: string, fallback: string) => Config.String(name).pipe(Config.withDefault(fallback))

/** The issuer of bearer tokens; without `BATON_JWT_ISSUER` none is accepted, and with it the other two must be there. */
const issuer: Config.Config<ReadonlyArray<Issuer>> = Config.option(Config.schema(Url, "BATON_JWT_ISSUER")).pipe(
  Config.flatMap(Option.match({
    onNone: () => Config.succeed<ReadonlyArray<Issuer>>([]),
    onSome: (issuer) =>
      Config.all({
        issuer: Config.succeed(issuer),
        audience: Config.String("BATON_JWT_AUDIENCE"),
        jwksUrl: Config.schema(Url, "BATON_JWT_JWKS_URL"),
        algorithms: Config.Array(Schema.Literals(algorithms), "BATON_JWT_ALGORITHMS").pipe(
          Config.withDefault<ReadonlyArray<Algorithm>>(algorithms)
        ),
        claims: Config.all({
          tenant: string("BATON_JWT_TENANT_CLAIM", "tenant"),
          scopes: string("BATON_JWT_SCOPE_CLAIM", "scope"),
          groups: string("BATON_JWT_GROUPS_CLAIM", "groups")
        }),
        tenant: Config.map(Config.option(Config.String("BATON_JWT_TENANT")), Option.getOrUndefined)
      }).pipe(Config.map((issuer) => [issuer]))
  }))
)

const settings: Config.Config<AccessSettings> = Config.all({
  hosts: Config.Array(HostName, "BATON_HOSTS").pipe(Config.withDefault<ReadonlyArray<string>>([])),
  origins: Config.Array(Origin, "BATON_CORS_ORIGINS").pipe(Config.withDefault<ReadonlyArray<string>>([])),
  issuers: issuer,
  proxies: Config.Array(Network, "BATON_TRUSTED_PROXIES").pipe(
    Config.withDefault<ReadonlyArray<string>>([]),
    Config.map((networks) => networks.map((network) => Result.getOrThrow(networkOf(network))))
  )
})

export const load: Effect.Effect<AccessSettings, Config.ConfigError> = Effect.gen(function*() {
  return yield* settings
})
