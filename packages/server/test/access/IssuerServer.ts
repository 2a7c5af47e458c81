/** An issuer of tokens on loopback, and a server that trusts it. */
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Jose from "jose"
import { createServer } from "node:http"
import { layer } from "./AccessServer.ts"

export const issuerName = "https://issuer.test"
export const audience = "https://baton.test"

/** An issuer on loopback: its keys, and how often they were asked for. */
export class Issuer extends Context.Service<Issuer, {
  readonly url: string
  readonly looks: () => number
  readonly sign: (
    claims: Jose.JWTPayload,
    header?: Partial<Jose.JWTHeaderParameters>,
    key?: Jose.CryptoKey
  ) => Effect.Effect<string>
  readonly publish: (keys: ReadonlyArray<Jose.JWK>) => void
  readonly pair: Jose.GenerateKeyPairResult
}>()("test/Issuer") {}

const issuer = Layer.effect(
  Issuer,
  Effect.gen(function*() {
    const pair = yield* Effect.promise(() => Jose.generateKeyPair("ES256", { extractable: true }))
    const jwk = {
      ...(yield* Effect.promise(() => Jose.exportJWK(pair.publicKey))),
      kid: "one",
      alg: "ES256",
      use: "sig"
    }
    let keys: ReadonlyArray<Jose.JWK> = [jwk]
    let looks = 0
    const server = createServer((_request, response) => {
      looks++
      response.setHeader("content-type", "application/json")
      response.end(JSON.stringify({ keys }))
    })
    yield* Effect.acquireRelease(
      Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
      () => Effect.sync(() => server.close())
    )
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    return Issuer.of({
      url: `http://127.0.0.1:${port}/jwks`,
      looks: () => looks,
      pair,
      publish: (more) => {
        keys = more
      },
      sign: (claims, header = {}, key = pair.privateKey) =>
        Effect.promise(() =>
          new Jose.SignJWT(claims).setProtectedHeader({ alg: "ES256", kid: "one", ...header }).sign(key)
        )
    })
  })
)

export const served = Layer.unwrap(Effect.map(Issuer, ({ url }) =>
  layer().pipe(Layer.provide(Layer.succeed(
    ConfigProvider.ConfigProvider,
    ConfigProvider.fromEnv({
      env: {
        BATON_JWT_ISSUER: issuerName,
        BATON_JWT_AUDIENCE: audience,
        BATON_JWT_JWKS_URL: url,
        BATON_JWT_SCOPE_CLAIM: "realm.scope"
      }
    })
  ))))).pipe(Layer.provideMerge(issuer))
