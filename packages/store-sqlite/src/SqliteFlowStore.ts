/** Flows in the store file. */
import * as CanonicalJson from "@baton/engine/CanonicalJson"
import { FlowStore, FlowStoreError } from "@baton/engine/FlowStore"
import type { RunStoreError } from "@baton/engine/RunStore"
import * as Flow from "@baton/kernel/Flow"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as FlowTable from "./FlowTable.ts"
import type { StoreAccess } from "./StoreAccess.ts"

const refail = ({ message, reason }: RunStoreError): FlowStoreError =>
  new FlowStoreError({ reason: reason === "corrupt" ? "corrupt" : "unavailable", message })

const decode = Schema.decodeUnknownEffect(Schema.fromJsonString(Flow.Flow))

/** The document of a text whose hash is its own; one that is no flow was written by a program with another schema. */
const parse = (hash: string, text: string | undefined): Effect.Effect<Flow.Flow, FlowStoreError> => {
  if (text === undefined) {
    return Effect.fail(new FlowStoreError({ reason: "missing", message: `No flow document ${hash} is stored.` }))
  }
  const message = `The flow document ${hash} is damaged. Restore the store from a backup.`
  const damaged = new FlowStoreError({ reason: "corrupt", message })
  if (CanonicalJson.address(text) !== hash) return Effect.fail(damaged)
  return Effect.mapError(decode(text), () => damaged)
}

export const make = ({ read, write }: StoreAccess) =>
  FlowStore.of({
    freeze: Effect.fnUntraced(function*(tenant, flow) {
      const now = yield* Clock.currentTimeMillis
      return yield* write("freeze", tenant, CanonicalJson.text(flow), now)
    }, Effect.mapError(refail)),
    frozen: (tenant, hash) =>
      read((connection) => FlowTable.frozen(connection, tenant, hash)).pipe(
        Effect.mapError(refail),
        Effect.flatMap((text) => parse(hash, text))
      ),
    publish: Effect.fnUntraced(function*(tenant, flow, at) {
      const { name, version } = flow
      const named = version === undefined ? { name } : { name, version }
      const published = yield* Effect.mapError(
        write("publish", tenant, named, CanonicalJson.text(flow), at),
        refail
      )
      if (published !== undefined) return published
      return yield* new FlowStoreError({
        reason: "exists",
        message: `${name} ${version} is published with other content. Give the changed flow a new version.`
      })
    }),
    find: Effect.fnUntraced(function*(tenant, name, version) {
      const found = yield* Effect.mapError(
        read((connection) => FlowTable.find(connection, tenant, name, version)),
        refail
      )
      if (found === undefined) {
        const wanted = version === undefined ? name : `${name} ${version}`
        return yield* new FlowStoreError({ reason: "missing", message: `No flow ${wanted} is published.` })
      }
      return { flow: yield* parse(found.published.hash, found.text), published: found.published }
    }),
    list: (tenant) => Effect.mapError(read((connection) => FlowTable.list(connection, tenant)), refail)
  })
