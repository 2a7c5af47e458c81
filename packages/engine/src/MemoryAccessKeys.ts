/** Access keys in memory, one store per layer. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { type AccessKey, AccessKeys, AccessKeysError, keysMax } from "./AccessKeys.ts"

const refuse = (reason: AccessKeysError["reason"], message: string) =>
  Effect.fail(new AccessKeysError({ reason, message }))

export const layer: Layer.Layer<AccessKeys> = Layer.sync(AccessKeys, () => {
  const keys = new Map<string, AccessKey>()
  const add = (key: AccessKey) =>
    Effect.suspend(() => {
      const all = [...keys.values()]
      if (keys.has(key.id)) return refuse("exists", `There is a key ${key.id} already.`)
      if (key.replaces !== undefined && all.some(({ replaces }) => replaces === key.replaces)) {
        return refuse("exists", `Key ${key.replaces} has been replaced already.`)
      }
      if (all.filter(({ tenant }) => tenant === key.tenant).length >= keysMax) {
        return refuse("full", `Tenant ${key.tenant} has ${keysMax} keys.`)
      }
      keys.set(key.id, key)
      return Effect.void
    })
  const change = (id: string, more: Partial<AccessKey>) => {
    const key = keys.get(id)
    if (key !== undefined) keys.set(id, { ...key, ...more })
  }
  return AccessKeys.of({
    add,
    replace: (key, until) =>
      Effect.map(add(key), () => {
        const { expiresAt = until } = keys.get(key.replaces) ?? {}
        change(key.replaces, { expiresAt: Math.min(expiresAt, until) })
      }),
    find: (id) => Effect.sync(() => keys.get(id)),
    list: (tenant, { after = "", limit }) =>
      Effect.sync(() =>
        [...keys.values()]
          .filter((key) => key.tenant === tenant && key.id > after)
          .sort((a, b) => a.id < b.id ? -1 : 1)
          .slice(0, limit)
      ),
    revoke: (tenant, id, at) =>
      Effect.sync(() => {
        const key = keys.get(id)
        if (key === undefined || key.tenant !== tenant) return false
        change(id, { revokedAt: key.revokedAt ?? at })
        return true
      }),
    noteUse: (id, at) => Effect.sync(() => change(id, { lastUsedAt: at }))
  })
})
