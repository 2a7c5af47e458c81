/** How what the engine says becomes what a client is told. */
import { ClientError } from "@baton/contract/Client"
import type { BlobStoreError } from "@baton/engine/BlobStore"
import type { FlowStoreError } from "@baton/engine/FlowStore"
import type { Settled } from "@baton/engine/RunSlot"
import type { RunStoreError } from "@baton/engine/RunStore"
import type { Refusal } from "@baton/kernel/Command"
import * as Recipes from "@baton/recipes/Recipes"
import * as Effect from "effect/Effect"

/** The stable code of each way a store fails. */
export const storeCodes: { readonly [reason in RunStoreError["reason"]]: string } = {
  unavailable: "STORE_UNAVAILABLE",
  busy: "STORE_BUSY",
  full: "STORE_FULL",
  read_only: "STORE_READ_ONLY",
  newer: "STORE_NEWER",
  corrupt: "STORE_CORRUPT",
  gone: "STORE_GONE"
}

const storeHints: { readonly [reason in RunStoreError["reason"]]: string } = {
  unavailable: "check the disk, then try again",
  busy: "another process holds the store; try again",
  full: "free some space; everything accepted so far is safe",
  read_only: "make the data folder writable, or choose another with --data",
  newer: "use the newer version of Baton, or another folder with --data",
  corrupt: "restore a backup, or choose another folder with --data",
  gone: "put the data folder back where it was, or start the server again"
}

export const fromStore = (error: RunStoreError): ClientError =>
  new ClientError({
    reason: "unavailable",
    code: storeCodes[error.reason],
    message: error.message,
    hint: storeHints[error.reason]
  })

export const fromBlobs = (error: BlobStoreError): ClientError =>
  new ClientError({ reason: "unavailable", code: `BLOB_${error.reason.toUpperCase()}`, message: error.message })

export const fromFlows = (error: FlowStoreError): ClientError =>
  new ClientError({
    reason: error.reason === "missing" ? "not_found" : error.reason === "exists" ? "conflict" : "unavailable",
    code: `FLOW_${error.reason.toUpperCase()}`,
    message: error.message,
    ...(error.reason === "missing"
      ? {
        hint: `give a flow file such as ./flow.yaml, or a shipped flow: ${
          Recipes.flows.map(({ name }) => name).join(", ")
        }`
      }
      : {})
  })

export const runNotFound = (run: string): ClientError =>
  new ClientError({
    reason: "not_found",
    code: "RUN_NOT_FOUND",
    message: `there is no run ${run}`,
    hint: "baton runs list"
  })

const refusedReasons: { readonly [code: string]: ClientError["reason"] } = {
  RUN_NOT_FOUND: "not_found",
  STEP_NOT_FOUND: "not_found",
  COMMAND_INVALID: "invalid",
  PATCH_MALFORMED: "invalid",
  PATCH_TOO_LARGE: "invalid",
  PATCH_PATH: "invalid",
  PATCH_TARGET: "invalid",
  PATCH_EMPTY: "invalid",
  PATCH_INVALID: "invalid",
  PATCH_ORPHANS: "invalid",
  PATCH_AGENTS_MAX: "invalid",
  PATCH_STEPS_MAX: "invalid",
  PATCH_BUDGET: "invalid",
  PATCH_NOT_FOUND: "not_found",
  PATCH_DENIED: "denied",
  PATCH_OFF: "denied",
  PATCH_POLICY: "denied",
  APPROVAL_NOT_FOUND: "not_found",
  NOT_AN_APPROVER: "denied",
  REQUESTER_MAY_NOT_APPROVE: "denied",
  DECISION_INVALID: "invalid",
  FORM_INVALID: "invalid",
  DELAY_INVALID: "invalid",
  MODIFICATIONS_INVALID: "invalid",
  OUTPUT_INVALID: "invalid",
  NOTE_TOO_LONG: "invalid",
  SKIP_NOT_ALLOWED: "denied",
  CONCURRENCY_KEY_INVALID: "invalid",
  RUN_SEALED: "unavailable",
  SEMANTICS_UNKNOWN: "unavailable"
}

export const fromRefusal = (run: string, { code, message, problems }: Refusal): ClientError => {
  const door = code === "RUN_FINISHED" ? "show" : "explain"
  return new ClientError({
    reason: refusedReasons[code] ?? "conflict",
    code,
    // A run that was refused its place is not there: its name would send people looking for it.
    message: code.startsWith("CONCURRENCY_") ? message : `${run}: ${message}`,
    hint: code === "CONCURRENCY_FULL"
      ? "start it again when one of them has ended, or let the flow queue its runs: whenFull: queue"
      : code === "CONCURRENCY_KEY_INVALID"
      ? "see the flow's limits.concurrency.key, and the input and tags that it reads"
      : code.startsWith("PATCH_")
      ? `baton patches list --run ${run}`
      : `baton runs ${door} ${run}`,
    ...(problems === undefined ? {} : { problems: [...problems] })
  })
}

/** Accepted is nothing to tell; a refusal or a lost run is an error. */
export const fromSettled = (run: string, settled: Settled): Effect.Effect<Settled, ClientError> => {
  if (settled.kind === "accepted") return Effect.succeed(settled)
  if (settled.kind === "refused") return Effect.fail(fromRefusal(run, settled))
  if (settled.reason === "missing") return Effect.fail(runNotFound(run))
  return Effect.fail(
    new ClientError({
      reason: settled.reason === "unavailable" ? "unavailable" : "conflict",
      code: settled.reason === "unavailable" ? "STORE_UNAVAILABLE" : "RUN_OWNED_ELSEWHERE",
      message: settled.message
    })
  )
}
