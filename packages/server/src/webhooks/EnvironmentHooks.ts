/**
 * Lifecycle and checkpoint hooks of the environment: `ORCHESTRATION_PROGRESS_WEBHOOK_URL` is told what happens to runs and
 * their steps, `ORCHESTRATION_CHECKPOINT_WEBHOOK_URL` what waits for people. With `BATON_WEBHOOK_SECRET` (`whsec_…`) both
 * are signed. They hold for every tenant: the operator sets them.
 */
import { ClientError } from "@baton/contract/Client"
import * as WebhookSignature from "@baton/contract/WebhookSignature"
import * as Wire from "@baton/contract/Wire"
import type { Webhook, WebhookSecret } from "@baton/engine/WebhookStore"
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { defaultTenant } from "../Parts.ts"

const hooks = [
  {
    id: "environment-progress",
    variable: "ORCHESTRATION_PROGRESS_WEBHOOK_URL",
    prefixes: ["orchestration.run.", "orchestration.step."]
  },
  {
    id: "environment-checkpoint",
    variable: "ORCHESTRATION_CHECKPOINT_WEBHOOK_URL",
    prefixes: ["orchestration.checkpoint."]
  }
] as const

export const ids = hooks.map(({ id }) => id)

export interface EnvironmentHook {
  readonly webhook: Webhook
  readonly secrets: ReadonlyArray<WebhookSecret>
}

const invalid = (variable: string, what: string) =>
  new ClientError({
    reason: "invalid",
    code: "CONFIG_INVALID",
    message: `${variable}: ${what}`,
    hint: `unset ${variable}, or give it another value`
  })

const secretVariable = "BATON_WEBHOOK_SECRET"

const readSecret = Effect.gen(function*() {
  const secret = yield* Config.option(Config.Redacted(secretVariable))
  if (Option.isNone(secret)) return undefined
  const problem = WebhookSignature.secretProblem("standard", secret.value)
  return problem === undefined ? secret.value : yield* Effect.fail(invalid(secretVariable, problem))
})

const isHttp = (text: string): boolean => {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === ""
}

/** What this process was configured with. */
export const read = (at: number) =>
  Effect.gen(function*() {
    const secret = yield* readSecret
    const found: Array<EnvironmentHook> = []
    for (const { id, prefixes, variable } of hooks) {
      const url = yield* Config.option(Config.String(variable))
      if (Option.isNone(url) || url.value === "") continue
      if (!isHttp(url.value)) {
        return yield* Effect.fail(invalid(variable, "must be an http or https URL without credentials"))
      }
      found.push({
        webhook: {
          tenant: defaultTenant,
          id,
          scope: "environment",
          run: undefined,
          url: url.value,
          events: Wire.journalTypes.filter((type) => prefixes.some((prefix) => type.startsWith(prefix))),
          flow: undefined,
          tags: {},
          body: "lifecycle",
          forms: secret === undefined ? [] : ["standard"],
          issuer: undefined,
          audience: undefined,
          state: "active",
          reason: undefined,
          createdAt: at,
          createdBy: variable,
          updatedAt: at
        },
        secrets: secret === undefined
          ? []
          : [{ id: "environment", form: "standard", value: secret, createdAt: at, expiresAt: undefined }]
      })
    }
    return found
  })

/** Who sets the variable may name a host inside: it is the operator's own. */
export const allowed = ({ scope, url }: Webhook): ReadonlyArray<string> => {
  const parsed = scope === "environment" ? URL.parse(url) : null
  if (parsed === null) return []
  return [`${parsed.hostname}:${parsed.port === "" ? (parsed.protocol === "https:" ? 443 : 80) : parsed.port}`]
}
