/** Bearer tokens of other issuers: whom they prove. Without a configured issuer, nobody. */
import type { Principal } from "@baton/contract/http/Access"
import type { Problem } from "@baton/contract/http/Problems"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

export class TokenVerifier extends Context.Service<TokenVerifier, {
  /** Undefined when the text proves nobody. */
  readonly verify: (text: string) => Effect.Effect<Principal | undefined, Problem>
}>()("baton/server/access/TokenVerifier") {}

export const none: Layer.Layer<TokenVerifier> = Layer.succeed(TokenVerifier, {
  verify: () => Effect.succeed(undefined)
})
