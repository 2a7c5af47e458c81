/**
 * Secrets of one attempt.
 *
 * Promise. An expression never sees a secret: it sees a token, which is replaced in the finished text by the secret,
 * resolved for one host, inside a `Redacted`. So a secret can be joined with other text but neither measured, compared
 * nor transformed. Whatever the attempt says afterwards (output, log, error) is scrubbed of every secret it has used.
 */
import type { Scope, Template } from "@baton/kernel/Expression"
import type { StepError } from "@baton/kernel/StepError"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import * as AttemptOutput from "./AttemptOutput.ts"
import type { Secrets, SecretsError } from "./Secrets.ts"

/** Shorter secrets cannot be told from ordinary text and are not scrubbed from what comes back. */
export const scrubLengthMin = 6

export interface AttemptSecrets {
  readonly reveal: (name: string, host: string) => Effect.Effect<Redacted.Redacted<string>, StepError>
  /** A field's value with its secrets in place; redacted as a whole when one is inside. */
  readonly fill: (
    template: Template,
    field: string,
    host: string,
    json: (template: Template, field: string, extra: Scope) => Effect.Effect<Json, StepError>
  ) => Effect.Effect<Json | Redacted.Redacted<Json>, StepError>
  /** The same text without any secret this attempt has used. */
  readonly scrub: (text: string) => string
  /** True once a secret has been revealed: only then is there anything to scrub. */
  readonly used: () => boolean
}

export const make = (tenant: string, secrets: Secrets["Service"]): AttemptSecrets => {
  const state: State = { tenant, secrets, nonce: undefined, needles: [] }
  return {
    reveal: (name, host) => reveal(state, name, host),
    fill: (template, field, host, json) => fill(state, template, field, host, json),
    scrub: (text) => state.needles.reduce((rest, needle) => rest.replaceAll(needle.text, needle.name), text),
    used: () => state.needles.length > 0
  }
}

interface State {
  readonly tenant: string
  readonly secrets: Secrets["Service"]
  /** Made once per attempt, so that no input can hold a token. */
  nonce: string | undefined
  /** Longest first: one needle may hold another. */
  needles: Array<{ readonly text: string; readonly name: string }>
}

const reveal = (state: State, name: string, host: string): Effect.Effect<Redacted.Redacted<string>, StepError> =>
  state.secrets.reveal(state.tenant, name, host).pipe(
    Effect.mapError((error) => secretError(error, name, host)),
    Effect.tap((secret) => Effect.sync(() => remember(state, name, Redacted.value(secret))))
  )

const remember = (state: State, name: string, secret: string): void => {
  if (secret.length < scrubLengthMin) return
  const label = `[secret ${name}]`
  for (const text of spellings(secret)) {
    if (!state.needles.some((needle) => needle.text === text)) state.needles.push({ text, name: label })
  }
  state.needles.sort((a, b) => b.text.length - a.text.length)
}

/** The forms in which a server or an error message may give a secret back. */
const spellings = (secret: string): ReadonlyArray<string> => [
  secret,
  JSON.stringify(secret).slice(1, -1),
  encodeURIComponent(secret.toWellFormed()),
  new URLSearchParams([["", secret]]).toString().slice(1),
  Buffer.from(secret).toString("base64")
]

const fill = (
  state: State,
  template: Template,
  field: string,
  host: string,
  json: (template: Template, field: string, extra: Scope) => Effect.Effect<Json, StepError>
): Effect.Effect<Json | Redacted.Redacted<Json>, StepError> => {
  if (template.references.secrets.size === 0) return json(template, field, {})
  return fillTokens(state, template, field, host, json)
}

const fillTokens = Effect.fnUntraced(function*(
  state: State,
  template: Template,
  field: string,
  host: string,
  json: (template: Template, field: string, extra: Scope) => Effect.Effect<Json, StepError>
) {
  const nonce = state.nonce ??= randomBytes(16).toString("hex")
  const tokens = Array.from(template.references.secrets, (name) => ({ name, token: `\uE000${name}:${nonce}\uE001` }))
  const evaluated = yield* json(template, field, {
    secrets: Object.fromEntries(tokens.map(({ name, token }) => [name, token]))
  }).pipe(Effect.mapError((error) => ({ ...error, message: withoutTokens(error.message, tokens) })))
  const text = JSON.stringify(evaluated)
  if (!text.toLowerCase().includes(nonce)) return evaluated
  const values = new Map<string, string>()
  for (const { name, token } of tokens) {
    if (text.includes(token)) values.set(token, Redacted.value(yield* reveal(state, name, host)))
  }
  const filled = substitute(evaluated, values, nonce)
  return filled === undefined ? yield* Effect.fail(misused(field)) : Redacted.make(filled)
})

const withoutTokens = (
  text: string,
  tokens: ReadonlyArray<{ readonly name: string; readonly token: string }>
): string => tokens.reduce((rest, { name, token }) => rest.replaceAll(token, `[secret ${name}]`), text)

/** `undefined` when a token is in a name, or was taken apart. */
const substitute = (value: Json, values: ReadonlyMap<string, string>, nonce: string): Json | undefined => {
  let misuse = false
  const replace = (text: string): string => {
    if (!text.toLowerCase().includes(nonce)) return text
    let rest = text
    for (const [token, secret] of values) rest = rest.replaceAll(token, () => secret)
    if (rest.toLowerCase().includes(nonce)) misuse = true
    return rest
  }
  const inside = (part: Json): Json => {
    if (typeof part === "string") return replace(part)
    if (typeof part !== "object" || part === null) return part
    if (Array.isArray(part)) return part.map(inside)
    return Object.fromEntries(
      Object.entries(part).map(([key, member]) => {
        if (key.toLowerCase().includes(nonce)) misuse = true
        return [key, inside(member)]
      })
    )
  }
  const filled = inside(value)
  return misuse ? undefined : filled
}

const misused = (field: string): StepError => ({
  code: "SECRET_TRANSFORMED",
  kind: "configuration",
  message:
    `${field}: a secret can only be joined with other text, in a value; it cannot be changed, split or used as a name.`,
  retryable: false,
  sent: false
})

const secretError = (error: SecretsError, name: string, host: string): StepError => ({
  code: error.reason === "host_not_allowed" ? "SECRET_HOST_NOT_ALLOWED" : `SECRET_${error.reason.toUpperCase()}`,
  kind: error.reason === "host_not_allowed" ? "policy" : "configuration",
  message: error.reason === "host_not_allowed"
    ? `The secret ${name} is not bound to the host ${host}. Bind it with its hosts, or call another host.`
    : `The secret ${name} cannot be used: ${error.message}`,
  retryable: error.reason === "unavailable",
  sent: false
})

/** For fields in which secrets have no place. */
export const notAllowed = (field: string): StepError => ({
  code: "SECRET_NOT_ALLOWED",
  kind: "configuration",
  message:
    `${field}: secrets may only be used in the headers, query and body of an http step and in agent configuration.`,
  retryable: false,
  sent: false
})

/** Scrubs everything in a document, names included. */
export const scrubJson = (secrets: AttemptSecrets, value: Json): Json => AttemptOutput.mapText(value, secrets.scrub)
