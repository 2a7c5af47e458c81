/**
 * Whether a step's result is there already (SEMANTICS 8.11d), and the receipt of one that is made.
 *
 * Promise. A result is used again only when everything that determined it is the same, by SHA-256 of canonical JSON (RFC
 * 8785): tenant, flow name, node id, node definition, model, prompt, tool schemas, handler version, canonical input. Secrets
 * are no part of it. A store that does not serve costs a run of the step and nothing else.
 */
import type * as Plan from "@baton/kernel/Plan"
import type { PartName, ReceiptNote } from "@baton/kernel/Receipt"
import { describe, partNames } from "@baton/kernel/Receipt"
import type { StepError } from "@baton/kernel/StepError"
import type { Json, JsonObject, Value } from "@baton/kernel/Value"
import { refs } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import type { AttemptContext } from "./AttemptContext.ts"
import type { BlobStore } from "./BlobStore.ts"
import * as CanonicalJson from "./CanonicalJson.ts"
import type { Receipt, ReceiptStore } from "./ReceiptStore.ts"
import type { Determinants, StepType } from "./StepType.ts"

/** Steps without a receipt that are told so in their log, once each. */
export const toldMax = 1000

/** What one attempt needs to look for its receipt. */
export interface ReceiptDesk {
  readonly store: ReceiptStore["Service"]
  readonly flow: string
  /** The node's id, without index. */
  readonly node: string
  readonly now: () => number
  /** Nodes that were told that they have none. */
  readonly told: Set<string>
}

export interface Hit {
  readonly note: Extract<ReceiptNote, { readonly kind: "hit" }>
  readonly output: Value
  readonly agent: string | undefined
}

export interface Miss {
  readonly note: Exclude<ReceiptNote, { readonly kind: "hit" }>
  /** The receipt of an output, once it is durable; absent where the step can have none. */
  readonly receipt: ((output: Value, agent: string | undefined) => Receipt) | undefined
}

/** Fields of a definition that say when and how often a step runs, and not what comes out. */
const irrelevant: ReadonlySet<string> = new Set([
  "id",
  "needs",
  "when",
  "join",
  "branch",
  "retry",
  "timeout",
  "onFailure",
  "receipt",
  "checkpointAfter",
  "description",
  "effect"
])

type Material = { readonly [part in PartName]: Json }

export const look = Effect.fnUntraced(
  function*(
    desk: ReceiptDesk,
    attempt: AttemptContext,
    stepType: StepType,
    ttlMs: number,
    blobs: BlobStore["Service"]
  ): Effect.fn.Return<Hit | Miss, StepError> {
    const determined: Determinants = stepType.determinants === undefined ? {} : yield* stepType.determinants(attempt)
    const none = reasonForNone(determined, attempt.work)
    if (none !== undefined) return yield* without(desk, attempt, none)
    const material: Material = {
      definition: definitionOf(attempt.work),
      model: determined.model ?? null,
      prompt: determined.prompt ?? null,
      tools: determined.tools ?? null,
      version: determined.version ?? null,
      input: yield* inputOf(attempt)
    }
    const key = keyOf(attempt.tenant, desk, material)
    const isAsked = attempt.generation > 0
    const found = isAsked ? undefined : yield* quietly(desk.store.find(attempt.tenant, key))
    const why = found === undefined ? undefined : yield* faultOf(desk, attempt.tenant, found, ttlMs, blobs)
    yield* quietly(
      desk.store.use(attempt.tenant, {
        flow: desk.flow,
        node: desk.node,
        key,
        hit: found !== undefined && why === undefined
      })
    )
    if (found !== undefined && why === undefined) {
      const { agent, at, output, path, run } = found
      const note = { kind: "hit" as const, key, run, path, at, expiresAt: expiryOf(found, ttlMs) }
      yield* attempt.log(describe(note, desk.now()))
      return { note, output, agent }
    }
    const note = isAsked
      ? { kind: "miss" as const, key, why: "asked" as const }
      : found !== undefined && why !== undefined
      ? missOf(key, why, found)
      : yield* compare(desk, attempt.tenant, key, material)
    yield* attempt.log(describe(note, desk.now()))
    return {
      note,
      receipt: (output, agent) => {
        const at = desk.now()
        const { flow, node } = desk
        const { path, run } = attempt
        const made = { key, flow, node, parts: partsOf(material), output, run, path, at, expiresAt: at + ttlMs }
        return agent === undefined ? made : { ...made, agent }
      }
    }
  }
)

const reasonForNone = ({ effect, unversioned }: Determinants, work: Plan.Work): string | undefined => {
  if (unversioned !== undefined) return unversioned
  // Whoever asks for another answer must not be given the same, and what people refuse is no result.
  const { checkpointAfter = false } = work.definition as { readonly checkpointAfter?: unknown }
  if (checkpointAfter !== false) return "people decide about its answer"
  const worst = effect ?? work.effect
  return worst === "pure" || worst === "idempotent" ? undefined : `its tools are ${worst}`
}

/** Said once per node and process: it is no fault of the run. */
const without = (desk: ReceiptDesk, attempt: AttemptContext, why: string): Effect.Effect<Miss> => {
  const miss: Miss = { note: { kind: "none", why }, receipt: undefined }
  const told = `${desk.flow} ${desk.node}`
  if (desk.told.has(told) || desk.told.size >= toldMax) return Effect.succeed(miss)
  desk.told.add(told)
  return Effect.as(attempt.log(`warning: receipts are asked for, but there is none: ${why}`), miss)
}

const missOf = (key: string, why: "expired" | "gone", { path, run }: Receipt): Miss["note"] => ({
  kind: "miss",
  key,
  why,
  run,
  path
})

/** A flow that trusts results for a shorter time than the one that made this counts its own. */
const expiryOf = ({ at, expiresAt }: Receipt, ttlMs: number): number => Math.min(expiresAt, at + ttlMs)

/** Why a receipt does not serve; `undefined` when it does. */
const faultOf = Effect.fnUntraced(function*(
  desk: ReceiptDesk,
  tenant: string,
  found: Receipt,
  ttlMs: number,
  blobs: BlobStore["Service"]
): Effect.fn.Return<"expired" | "gone" | undefined> {
  if (expiryOf(found, ttlMs) <= desk.now()) return "expired"
  for (const ref of refs(found.output)) {
    if ((yield* quietly(blobs.has(tenant, ref))) !== true) return "gone"
  }
  return undefined
})

const compare = Effect.fnUntraced(function*(desk: ReceiptDesk, tenant: string, key: string, material: Material) {
  const last = yield* quietly(desk.store.last(tenant, desk.flow, desk.node))
  if (last === undefined) return { kind: "miss" as const, key, why: "first" as const }
  const parts = partsOf(material)
  const changed = partNames.filter((part) => parts[part] !== last.parts[part])
  return { kind: "miss" as const, key, why: "changed" as const, changed, run: last.run, path: last.path }
})

const quietly = <A, E extends { readonly message: string }>(
  effect: Effect.Effect<A, E>
): Effect.Effect<A | undefined> =>
  Effect.catch(
    effect,
    (error) => Effect.as(Effect.logDebug("Receipts are not served", { reason: error.message }), undefined)
  )

const definitionOf = ({ definition }: Plan.Work): JsonObject =>
  Object.fromEntries(
    Object.entries(definition as unknown as JsonObject).filter(([name]) => !irrelevant.has(name))
  )

const partsOf = (material: Material): Receipt["parts"] =>
  Object.fromEntries(
    partNames.map((part) => [part, CanonicalJson.address(CanonicalJson.text(material[part]))])
  ) as Receipt["parts"]

const keyOf = (tenant: string, { flow, node }: ReceiptDesk, material: Material): string =>
  CanonicalJson.address(CanonicalJson.text({ tenant, flow, node, ...material }))

/** The step's fields as they are evaluated; a large value by its address, a secret by its name. */
const inputOf = (attempt: AttemptContext): Effect.Effect<Json, StepError> =>
  Effect.map(
    Effect.forEach(
      Object.keys(attempt.work.fields).filter((name) => name !== "select"),
      (name) => Effect.map(attempt.hashable(name), (value): [string, Json] => [name, value])
    ),
    (entries): Json => Object.fromEntries(entries)
  )
