/** `keys create|list|rotate|revoke`. A key's text goes to stdout once, and nowhere else. */
import { Scope, systemScopes } from "@baton/contract/http/Scope"
import { type KeyItem, KeysClient, type NewKey } from "@baton/contract/KeysClient"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import type { KeysCreate, KeysList, KeysRevoke, KeysRotate } from "../KeysTree.ts"
import { Printer } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"
import * as Confirmation from "./Confirmation.ts"

/** Keys in one page, at most. */
const limitMax = 500

const tell = Effect.fnUntraced(function*({ item, key }: NewKey, hint: string) {
  const printer = yield* Printer
  if (printer.isJson) yield* printer.document({ schema: "baton.key/1", key, item: item as Json })
  else {
    yield* printer.answer(key)
    yield* printer.note(TerminalText.line(`${item.id} for ${item.name}, tenant ${item.tenant}: ${hint}`))
  }
  return exitCodes.done
})

export const keysCreate = Effect.fnUntraced(function*(request: KeysCreate) {
  const { all, env, expires, forever, group, name, owner, scope, tenant } = request
  if (all && scope.length > 0) return yield* Failure.usage("FLAGS_CONFLICT", "--all and --scope exclude each other")
  if (forever && expires !== undefined) {
    return yield* Failure.usage("FLAGS_CONFLICT", "--forever and --expires exclude each other")
  }
  const scopes = all ? Scope.literals.filter((one) => !systemScopes.includes(one)) : scope
  if (scopes.length === 0) {
    return yield* Failure.usage("MISSING_FLAG", "a key needs a --scope", `--scope ${Scope.literals.join(" | ")}`)
  }
  const lifetimeMs = forever ? null : expires
  const made = yield* Backend.withPorts(
    { beside: true },
    Effect.flatMap(KeysClient, (keys) =>
      keys.create({
        name,
        scopes,
        groups: group,
        ...(owner === undefined ? {} : { owner }),
        ...(lifetimeMs === undefined ? {} : { lifetimeMs }),
        ...(env === undefined ? {} : { env }),
        ...(tenant === undefined ? {} : { tenant })
      }))
  )
  return yield* tell(made, "keep it now, it is not shown again")
})

const row = (item: KeyItem): ReadonlyArray<string> => [
  item.id,
  item.name,
  item.owner ?? "",
  item.status,
  item.expiresAt ?? "never",
  item.lastUsedAt ?? "never",
  item.scopes.join(" ")
]

export const keysList = Effect.fnUntraced(function*({ after, limit, tenant }: KeysList) {
  if (limit < 1 || limit > limitMax) {
    return yield* Failure.usage("INVALID_VALUE", `--limit ${limit}: expected 1 to ${limitMax}`)
  }
  const printer = yield* Printer
  const items = yield* Backend.withPorts(
    { beside: true },
    Effect.flatMap(
      KeysClient,
      (keys) =>
        keys.list({ limit, ...(after === undefined ? {} : { after }), ...(tenant === undefined ? {} : { tenant }) })
    )
  )
  yield* printer.listing({
    document: { schema: "baton.keys/1", keys: items as ReadonlyArray<Json> },
    items: items as ReadonlyArray<Json>,
    empty: "no keys",
    table: { header: ["id", "name", "owner", "status", "expires", "last used", "scopes"], rows: items.map(row) }
  })
  return exitCodes.done
})

export const keysRotate = Effect.fnUntraced(function*({ grace, id, tenant }: KeysRotate) {
  const made = yield* Backend.withPorts(
    { beside: true },
    Effect.flatMap(KeysClient, (keys) =>
      keys.rotate(id, {
        ...(grace === undefined ? {} : { graceMs: grace }),
        ...(tenant === undefined ? {} : { tenant })
      }))
  )
  return yield* tell(made, `takes the place of ${id}, which lives on for the grace period`)
})

export const keysRevoke = Effect.fnUntraced(function*({ id, tenant }: KeysRevoke) {
  const printer = yield* Printer
  yield* Confirmation.require(`end the key ${id}`)
  const item = yield* Backend.withPorts(
    { beside: true },
    Effect.flatMap(KeysClient, (keys) => keys.revoke(id, tenant === undefined ? {} : { tenant }))
  )
  yield* printer.isJson
    ? printer.document({ schema: "baton.receipt/1", action: "revoked", key: item as Json })
    : printer.answer(TerminalText.line(`${item.id} revoked`))
  return exitCodes.done
})
