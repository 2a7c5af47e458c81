/** Keys, for people who administer a tenant. A key gives no more than its maker has. */
import { ClientError } from "@baton/contract/Client"
import { Scope } from "@baton/contract/http/Scope"
import { type CreateKey, type KeyItem, KeysClient, type NewKey } from "@baton/contract/KeysClient"
import { timeText } from "@baton/contract/Wire"
import { type AccessKey, type AccessKeysError, isLive, keysMax } from "@baton/engine/AccessKeys"
import { systemTenant } from "@baton/engine/AuditLog"
import * as Effect from "effect/Effect"
import type { Parts } from "../Parts.ts"
import * as RunId from "../RunId.ts"
import * as KeyText from "./KeyText.ts"
import * as LocalNote from "./LocalNote.ts"

/** How long a key lives when nobody says, in milliseconds. */
const lifetimeDefaultMs = 365 * 24 * 60 * 60 * 1000
/** Longest lifetime that is not `never`, in milliseconds. */
const lifetimeMaxMs = 10 * lifetimeDefaultMs
/** How long a replaced key lives on when nobody says, in milliseconds. */
const graceDefaultMs = 24 * 60 * 60 * 1000
const graceMaxMs = 30 * graceDefaultMs
/** Longest name of a key, an owner or a group, in characters. */
const nameLengthMax = 128
const groupsMax = 100

const refuse = (reason: ClientError["reason"], code: string, message: string, hint?: string) =>
  Effect.fail(new ClientError({ reason, code, message, ...(hint === undefined ? {} : { hint }) }))
const invalid = (message: string) => refuse("invalid", "KEY_INVALID", message)

const fromKeys = ({ message, reason }: AccessKeysError): ClientError =>
  reason === "unavailable"
    ? new ClientError({ reason: "unavailable", code: "STORE_UNAVAILABLE", message })
    : reason === "full"
    ? new ClientError({
      reason: "conflict",
      code: "KEYS_MAX",
      message: `a tenant has at most ${keysMax} keys, revoked ones included`
    })
    : new ClientError({ reason: "conflict", code: "KEY_REPLACED", message })

/** Lower-case letters, digits and `-`, beginning with a letter or digit. */
export const isTenant = (text: string): boolean => /^[a-z0-9][a-z0-9-]{0,62}$/.test(text) && text !== systemTenant

/** Text that a journal and a table can show: no control characters, not empty. */
const isName = (text: string): boolean =>
  text.length <= nameLengthMax && text.trim() !== "" && !/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u.test(text)

const textOrNull = (at: number | undefined): string | null => at === undefined ? null : timeText(at)

const item = (key: AccessKey, now: number): KeyItem => ({
  id: key.id,
  tenant: key.tenant,
  name: key.name,
  owner: key.owner ?? null,
  groups: [...key.groups],
  scopes: [...key.scopes],
  status: key.revokedAt !== undefined ? "revoked" : isLive(key, now) ? "live" : "expired",
  createdAt: timeText(key.createdAt),
  createdBy: key.createdBy,
  expiresAt: textOrNull(key.expiresAt),
  revokedAt: textOrNull(key.revokedAt),
  lastUsedAt: textOrNull(key.lastUsedAt),
  replaces: key.replaces ?? null
})

/** In this process nobody stands between the caller and the store; elsewhere the caller's scopes count. */
const mayAll = ({ scopes }: Parts): boolean => scopes === undefined || scopes.has("system:admin")

/** The tenant that is meant: the caller's own, or another one for who may. */
export const tenantOf = (parts: Parts, asked: string | undefined): Effect.Effect<string, ClientError> =>
  asked === undefined || asked === parts.tenant
    ? Effect.succeed(parts.tenant)
    : mayAll(parts)
    ? Effect.succeed(asked)
    : refuse("denied", "TENANT_NOT_YOURS", "another tenant is reached with the scope system:admin only")

const requireScopes = (parts: Parts, scopes: ReadonlyArray<string>): Effect.Effect<void, ClientError> => {
  const missing = mayAll(parts) ? undefined : scopes.find((scope) => parts.scopes?.has(scope as Scope) !== true)
  return missing === undefined
    ? Effect.void
    : refuse("denied", "SCOPE_NOT_YOURS", `you do not have the scope ${missing}, so you cannot give it`)
}

const lifetimeOf = (asked: number | null | undefined): Effect.Effect<number | undefined, ClientError> => {
  if (asked === null) return Effect.succeed(undefined)
  const lifetime = asked ?? lifetimeDefaultMs
  return lifetime > 0 && lifetime <= lifetimeMaxMs
    ? Effect.succeed(lifetime)
    : invalid("a key lives for up to ten years, or null for ever")
}

const store = Effect.fnUntraced(function*(
  parts: Parts,
  env: string,
  key: Omit<AccessKey, "id" | "digest" | "createdAt" | "createdBy">,
  until?: number
): Effect.fn.Return<NewKey, ClientError> {
  const now = parts.clock.currentTimeMillisUnsafe()
  const id = RunId.make("key", now)
  const text = KeyText.make(env, id)
  const made = { ...key, id, digest: KeyText.digestOf(text), createdAt: now, createdBy: parts.by }
  const { replaces } = made
  yield* Effect.mapError(
    replaces === undefined || until === undefined
      ? parts.keys.add(made)
      : parts.keys.replace({ ...made, replaces }, until),
    fromKeys
  )
  yield* LocalNote.note(parts, made.tenant, replaces === undefined ? "keys create" : "keys rotate", id)
  return { item: item(made, now), key: text }
})

const create = Effect.fnUntraced(function*(parts: Parts, request: CreateKey): Effect.fn.Return<NewKey, ClientError> {
  const { env = KeyText.envDefault, groups = [], name, owner, scopes } = request
  const tenant = yield* tenantOf(parts, request.tenant)
  if (!isTenant(tenant)) {
    return yield* invalid(`tenant ${JSON.stringify(tenant)}: up to 63 of a-z, 0-9 and -; "${systemTenant}" is taken`)
  }
  if (!isName(name)) return yield* invalid(`a key has a name of up to ${nameLengthMax} visible characters`)
  if (owner !== undefined && !isName(owner)) return yield* invalid("the owner's name cannot be shown")
  if (groups.length > groupsMax || !groups.every(isName)) return yield* invalid("a group's name cannot be shown")
  if (!KeyText.isEnv(env)) return yield* invalid("env: 1 to 16 of a-z and 0-9")
  if (scopes.length === 0) return yield* invalid(`a key has at least one scope of: ${Scope.literals.join(", ")}`)
  yield* requireScopes(parts, scopes)
  const lifetime = yield* lifetimeOf(request.lifetimeMs)
  const now = parts.clock.currentTimeMillisUnsafe()
  return yield* store(parts, env, {
    tenant,
    name,
    groups: [...new Set(groups)],
    scopes: [...new Set(scopes)],
    ...(owner === undefined ? {} : { owner }),
    ...(lifetime === undefined ? {} : { expiresAt: now + lifetime })
  })
})

const find = Effect.fnUntraced(function*(parts: Parts, tenant: string, id: string): Effect.fn.Return<
  AccessKey,
  ClientError
> {
  const key = yield* Effect.mapError(parts.keys.find(id), fromKeys)
  if (key !== undefined && key.tenant === tenant) return key
  return yield* refuse("not_found", "KEY_NOT_FOUND", `there is no key ${id}`, "baton keys list")
})

const rotate = Effect.fnUntraced(function*(
  parts: Parts,
  id: string,
  { graceMs = graceDefaultMs, tenant: asked }: { readonly graceMs?: number; readonly tenant?: string }
): Effect.fn.Return<NewKey, ClientError> {
  const old = yield* find(parts, yield* tenantOf(parts, asked), id)
  const now = parts.clock.currentTimeMillisUnsafe()
  if (graceMs < 0 || graceMs > graceMaxMs) return yield* invalid("a replaced key lives on for up to 30 days")
  if (!isLive(old, now)) return yield* refuse("conflict", "KEY_ENDED", `${id} has ended; make a new key`)
  const before = old.replaces === undefined
    ? undefined
    : yield* Effect.mapError(parts.keys.find(old.replaces), fromKeys)
  if (before !== undefined && isLive(before, now)) {
    const hint = `baton keys revoke ${before.id}`
    return yield* refuse("conflict", "KEY_ROTATING", `${before.id}, which ${id} replaces, is still live`, hint)
  }
  yield* requireScopes(parts, old.scopes)
  return yield* store(
    parts,
    KeyText.envDefault,
    {
      tenant: old.tenant,
      name: old.name,
      groups: old.groups,
      scopes: old.scopes,
      replaces: old.id,
      ...(old.owner === undefined ? {} : { owner: old.owner }),
      ...(old.expiresAt === undefined ? {} : { expiresAt: now + (old.expiresAt - old.createdAt) })
    },
    now + graceMs
  )
})

export const make = (parts: Parts): KeysClient["Service"] =>
  KeysClient.of({
    create: (request) => create(parts, request),
    list: Effect.fnUntraced(function*({ tenant: asked, ...query }) {
      const tenant = yield* tenantOf(parts, asked)
      const keys = yield* Effect.mapError(parts.keys.list(tenant, query), fromKeys)
      const now = parts.clock.currentTimeMillisUnsafe()
      return keys.map((key) => item(key, now))
    }),
    rotate: (id, options) => rotate(parts, id, options),
    revoke: Effect.fnUntraced(function*(id, { tenant: asked }) {
      const tenant = yield* tenantOf(parts, asked)
      yield* find(parts, tenant, id)
      const now = parts.clock.currentTimeMillisUnsafe()
      yield* Effect.mapError(parts.keys.revoke(tenant, id, now), fromKeys)
      yield* LocalNote.note(parts, tenant, "keys revoke", id)
      return item(yield* find(parts, tenant, id), now)
    })
  })
