/**
 * Every write of the store, by name. Arguments and results are plain data, so that the same call works on this thread and
 * on the commit thread.
 */
import type { AccessKey } from "@baton/engine/AccessKeys"
import type { AccessToken } from "@baton/engine/AccessTokens"
import type { AuditDraft } from "@baton/engine/AuditLog"
import type { LetterExpectation, LetterFate } from "@baton/engine/DeadLetter"
import type { Receipt, ReceiptQuery, ReceiptUse } from "@baton/engine/ReceiptStore"
import type { Commit } from "@baton/engine/RunStore"
import type { LogLine } from "@baton/engine/StepLog"
import type { Delivery, Progress, Webhook, WebhookChange } from "@baton/engine/WebhookStore"
import type { BlobRef } from "@baton/kernel/Value"
import * as AccessKeyTable from "./AccessKeyTable.ts"
import * as AccessTokenTable from "./AccessTokenTable.ts"
import * as AuditTable from "./AuditTable.ts"
import * as BlobTable from "./BlobTable.ts"
import type { Connection } from "./Connection.ts"
import * as DeliveryTable from "./DeliveryTable.ts"
import * as FlowTable from "./FlowTable.ts"
import * as IdempotencyTable from "./IdempotencyTable.ts"
import { JournalWriter } from "./JournalWriter.ts"
import * as LaneTable from "./LaneTable.ts"
import * as LetterTable from "./LetterTable.ts"
import * as LogTable from "./LogTable.ts"
import * as ReceiptTable from "./ReceiptTable.ts"
import * as RemovalTable from "./RemovalTable.ts"
import * as SecretTable from "./SecretTable.ts"
import * as SessionTable from "./SessionTable.ts"
import * as WebhookTable from "./WebhookTable.ts"

const access = (connection: Connection) => ({
  addAccessKey: (key: AccessKey) => AccessKeyTable.add(connection, key),
  replaceAccessKey: (key: AccessKey & { readonly replaces: string }, until: number) =>
    AccessKeyTable.replace(connection, key, until),
  revokeAccessKey: (tenant: string, id: string, at: number) => AccessKeyTable.revoke(connection, tenant, id, at),
  noteAccessKeyUse: (id: string, at: number) => AccessKeyTable.noteUse(connection, id, at),
  putAccessToken: (token: AccessToken) => AccessTokenTable.put(connection, token),
  claimAccessToken: (digest: string, at: number) => AccessTokenTable.claim(connection, digest, at),
  unclaimAccessToken: (digest: string) => AccessTokenTable.unclaim(connection, digest),
  removeAccessToken: (digest: string) => AccessTokenTable.remove(connection, digest),
  appendAudit: (drafts: ReadonlyArray<AuditDraft>) => AuditTable.append(connection, drafts)
})

/** Of requests that may come again. */
const keys = (connection: Connection) => ({
  changeKeys: (changes: ReadonlyArray<IdempotencyTable.Change>) => IdempotencyTable.change(connection, changes),
  sweepKeys: (now: number, keysMax: number) => IdempotencyTable.sweep(connection, now, keysMax)
})

export const make = (connection: Connection, version: number) => {
  const journal = new JournalWriter(connection, version)
  return {
    commit: (batch: ReadonlyArray<Commit>) => journal.commit(batch),
    remove: (tenant: string, runs: ReadonlyArray<string>) => {
      const removed = RemovalTable.remove(connection, tenant, runs)
      journal.forgetRuns(tenant, removed.flat())
      return removed.length
    },
    purge: (rows: number) => RemovalTable.purge(connection, rows),
    settleLetter: (tenant: string, id: number, expected: LetterExpectation, fate: LetterFate) =>
      LetterTable.settle(connection, tenant, id, expected, fate),
    adopt: (adoption: SessionTable.Adoption) => {
      journal.forget()
      return SessionTable.adopt(connection, adoption)
    },
    release: (session: string, runs: ReadonlyArray<{ tenant: string; run: string }>) => {
      journal.forget()
      SessionTable.release(connection, session, runs)
    },
    give: (tenant: string, run: string, command: string, now: number) =>
      SessionTable.give(connection, tenant, run, command, now),
    reply: (id: number, answer: string) => SessionTable.reply(connection, id, answer),
    putBlob: (tenant: string, ref: BlobRef, bytes: Uint8Array, now: number) =>
      BlobTable.put(connection, tenant, ref, bytes, now),
    collectFlows: (before: number) => FlowTable.collect(connection, before),
    collectBlobs: (before: number, after: number) => BlobTable.collect(connection, before, after),
    freeze: (tenant: string, text: string, now: number) => FlowTable.freeze(connection, tenant, text, now),
    publish: (tenant: string, flow: FlowTable.Named, text: string, at: number) =>
      FlowTable.publish(connection, tenant, flow, text, at),
    appendLog: (tenant: string, run: string, lines: ReadonlyArray<LogLine>) =>
      LogTable.append(connection, tenant, run, lines),
    putReceipt: (tenant: string, receipt: Receipt) => ReceiptTable.put(connection, tenant, receipt),
    useReceipt: (tenant: string, use: ReceiptUse) => ReceiptTable.use(connection, tenant, use),
    clearReceipts: (tenant: string, query: ReceiptQuery) => ReceiptTable.clear(connection, tenant, query),
    ...keys(connection),
    setSecret: (tenant: string, name: string, row: SecretTable.SealedRow) =>
      SecretTable.set(connection, tenant, name, row),
    removeSecret: (tenant: string, name: string) => SecretTable.remove(connection, tenant, name),
    ...access(connection),
    putWebhook: (webhook: Webhook, box: WebhookTable.Sealed) => WebhookTable.put(connection, webhook, box),
    changeWebhook: (
      tenant: string,
      id: string,
      change: WebhookChange & { readonly sealed?: WebhookTable.Sealed | undefined },
      now: number
    ) => WebhookTable.change(connection, tenant, id, change, now),
    sealWebhook: (webhook: Pick<Webhook, "tenant" | "id" | "url">, box: WebhookTable.Sealed, now: number) =>
      WebhookTable.seal(connection, webhook, box, now),
    removeWebhook: (tenant: string, id: string) => WebhookTable.remove(connection, tenant, id),
    takeSeat: (session: string, folder: string | undefined) => LaneTable.takeSeat(connection, session, folder),
    leaveSeat: (session: string) => LaneTable.leaveSeat(connection, session),
    relayWebhooks: (limit: number, now: number) => LaneTable.relay(connection, limit, now),
    webhookProgress: (progress: Progress) => LaneTable.progress(connection, progress),
    noteDelivery: (delivery: Delivery) => DeliveryTable.note(connection, delivery),
    resendDelivery: (tenant: string, id: string, now: number) => DeliveryTable.resend(connection, tenant, id, now)
  }
}

export type Writes = ReturnType<typeof make>

/** One type for the call and its answer, whatever its name. */
export const call = <K extends keyof Writes>(
  writes: Writes,
  name: K,
  args: Parameters<Writes[K]>
): ReturnType<Writes[K]> => {
  const write: unknown = writes[name]
  return (write as (...args: Parameters<Writes[K]>) => ReturnType<Writes[K]>)(...args)
}
