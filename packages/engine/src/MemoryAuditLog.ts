/** The audit log in memory, one per layer. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { AuditDraft, AuditLog, bodyOf, ChainCheck, hashOf, type StoredEntry } from "./AuditLog.ts"

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(AuditDraft))

export const layer: Layer.Layer<AuditLog> = Layer.sync(AuditLog, () => {
  const chains = new Map<string, Array<StoredEntry>>()
  const chain = (tenant: string): Array<StoredEntry> => {
    const known = chains.get(tenant) ?? []
    chains.set(tenant, known)
    return known
  }
  return AuditLog.of({
    append: (drafts) =>
      Effect.sync(() => {
        for (const draft of drafts) {
          const entries = chain(draft.tenant)
          const seq = entries.length + 1
          const body = bodyOf(draft)
          entries.push({ seq, body, hash: hashOf(entries.at(-1)?.hash ?? "", seq, body) })
        }
      }),
    list: (tenant, { before = Number.MAX_SAFE_INTEGER, limit }) =>
      Effect.sync(() =>
        chain(tenant).filter(({ seq }) => seq < before).reverse().slice(0, limit)
          .map(({ body, hash, seq }) => ({ ...decode(body), seq, hash }))
      ),
    verify: (tenant, expected) =>
      Effect.sync(() => {
        const check = new ChainCheck(expected)
        for (const entry of chain(tenant)) check.add(entry)
        return check.verdict
      })
  })
})
