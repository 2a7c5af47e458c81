/** The endpoints of keys and of the audit log. */
import { AuditClient } from "@baton/contract/AuditClient"
import { Api } from "@baton/contract/http/Api"
import * as Paging from "@baton/contract/http/Paging"
import { KeysClient } from "@baton/contract/KeysClient"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { asked } from "./Asked.ts"
import * as Located from "./Located.ts"
import * as Queries from "./Queries.ts"

const of = (tenant: string | undefined) => tenant === undefined ? {} : { tenant }

export const KeysHandlers = HttpApiBuilder.group(
  Api,
  "keys",
  (handlers) =>
    handlers.handleAll({
      create: ({ payload }) => Located.told(asked(KeysClient, (keys) => keys.create(payload)), Located.key),
      list: ({ query: { after, limit = Paging.pageDefault, tenant } }) =>
        asked(KeysClient, (keys) =>
          Effect.gen(function*() {
            if (after !== undefined && !/^key_[0-9a-z]{26}$/.test(after)) return yield* Queries.cursorUnknown(after)
            const items = yield* keys.list({ limit, ...(after === undefined ? {} : { after }), ...of(tenant) })
            return { items, next: items.length < limit ? null : items.at(-1)!.id }
          })),
      rotate: ({ params, payload, query }) =>
        Located.told(
          asked(KeysClient, (keys) => keys.rotate(params.id, { ...payload, ...of(query.tenant) })),
          Located.key
        ),
      revoke: ({ params, query }) => asked(KeysClient, (keys) => keys.revoke(params.id, of(query.tenant)))
    })
)

export const AuditHandlers = HttpApiBuilder.group(
  Api,
  "audit",
  (handlers) =>
    handlers.handleAll({
      list: ({ query: { after, limit = Paging.pageDefault, tenant } }) =>
        asked(AuditClient, (audit) =>
          Effect.gen(function*() {
            const before = after === undefined ? undefined : yield* Queries.position(after)
            const items = yield* audit.list({ limit, ...(before === undefined ? {} : { before }), ...of(tenant) })
            return { items, next: items.length < limit ? null : String(items.at(-1)!.seq) }
          })),
      verify: ({ query: { expected, tenant } }) =>
        asked(AuditClient, (audit) => {
          const [seq, hash = ""] = expected?.split(":") ?? []
          return audit.verify({ ...(seq === undefined ? {} : { expected: { seq: Number(seq), hash } }), ...of(tenant) })
        })
    })
)
