/** Where a webhook may go, as far as its URL tells: the rest is asked again at each delivery, when the name is looked up. */
import { ClientError } from "@baton/contract/Client"
import * as NetLimits from "@baton/net/NetLimits"
import * as NetPolicy from "@baton/net/NetPolicy"
import * as UrlCheck from "@baton/net/UrlCheck"
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

/** What is wrong with a URL, by the operator's policy. */
export type UrlRule = (url: string) => ClientError | undefined

const refuse = (code: string, message: string): ClientError =>
  new ClientError({
    reason: "invalid",
    code,
    message: `the webhook's URL: ${message}`,
    hint: "give a public http or https URL; the operator may open others with BATON_NET_ALLOW"
  })

export const make: Effect.Effect<UrlRule, Config.ConfigError> = Effect.gen(function*() {
  const policy = yield* NetPolicy.NetPolicy
  const { urlLengthMax } = yield* NetLimits.NetLimits
  const compiled = NetPolicy.compile(policy)
  return (url: string) => {
    if (Result.isFailure(compiled)) return refuse("ALLOW_INVALID", compiled.failure.message)
    const checked = UrlCheck.check(compiled.success, url, urlLengthMax)
    if (Result.isFailure(checked)) return refuse(checked.failure.code, checked.failure.message)
    const { literal } = checked.success
    const admitted = literal === undefined
      ? undefined
      : NetPolicy.admit(compiled.success, checked.success, literal)
    return admitted === undefined || Result.isSuccess(admitted)
      ? undefined
      : refuse(admitted.failure, `${checked.success.host} is not reachable from here by policy.`)
  }
}).pipe(Effect.provide(NetPolicy.NetPolicy.layerFromEnv))
