/** The audit log in memory. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import { AuditDraft, AuditLog, bodyOf, ChainCheck, hashOf, type StoredEntry } from "./AuditLog.ts"
import { MemoryState } from "./MemoryState.ts"

const decode = Schema.decodeUnknownSync(Schema.fromJsonString(AuditDraft))

type State = typeof MemoryState.Service

const chain = ({ audit }: State, tenant: string): Array<StoredEntry> => {
  const known = audit.get(tenant) ?? []
  audit.set(tenant, known)
  return known
}

export const write = (state: State, drafts: ReadonlyArray<AuditDraft>): void => {
  for (const draft of drafts) {
    const entries = chain(state, draft.tenant)
    const seq = entries.length + 1
    const body = bodyOf(draft)
    entries.push({ seq, body, hash: hashOf(entries.at(-1)?.hash ?? "", seq, body) })
  }
}

export const layer: Layer.Layer<AuditLog, never, MemoryState> = Layer.effect(
  AuditLog,
  Effect.map(MemoryState, (state) =>
    AuditLog.of({
      append: (drafts) => Effect.sync(() => write(state, drafts)),
      list: (tenant, { before = Number.MAX_SAFE_INTEGER, limit }) =>
        Effect.sync(() =>
          chain(state, tenant).filter(({ seq }) => seq < before).reverse().slice(0, limit)
            .map(({ body, hash, seq }) => ({ ...decode(body), seq, hash }))
        ),
      verify: (tenant, expected) =>
        Effect.sync(() => {
          const check = new ChainCheck(expected)
          for (const entry of chain(state, tenant)) check.add(entry)
          return check.verdict
        })
    }))
)
