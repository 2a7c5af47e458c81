/** What a child run is made from: the plan of the flow it is pinned to, and an input that fits it. */
import type { FlowCall } from "@baton/kernel/Child"
import * as JsonSchema from "@baton/kernel/JsonSchema"
import type { Plan } from "@baton/kernel/Plan"
import type { BlobRef, Json, JsonObject, Value } from "@baton/kernel/Value"
import { refs, resolve } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import type { BlobStoreError } from "./BlobStore.ts"
import type { Coordinator } from "./Coordinator.ts"
import type { FlowStoreError } from "./FlowStore.ts"
import type { Plans } from "./Plans.ts"

interface Parts {
  readonly coordinator: Coordinator["Service"]
  readonly plans: Plans["Service"]
}

/** Reasons why a pinned document will never be read. */
const lasting: ReadonlySet<string> = new Set(["missing", "corrupt"])

/** The plan of the called flow, or why there is none. */
export const planOf = (parts: Parts, tenant: string, call: FlowCall): Effect.Effect<Plan | string, FlowStoreError> =>
  parts.plans.get(tenant, call.hash).pipe(
    Effect.catchDefect((defect) => Effect.succeed(defect instanceof Error ? defect.message : "it does not compile")),
    Effect.catch((error) => lasting.has(error.reason) ? Effect.succeed(error.message) : Effect.fail(error))
  )

const read = Effect.fnUntraced(function*(parts: Parts, tenant: string, value: Value) {
  const loaded = new Map<BlobRef, Json>()
  for (const ref of refs(value)) loaded.set(ref, yield* parts.coordinator.json(tenant, ref))
  return resolve(value, loaded) ?? null
})

/** Why the input does not fit the flow's schema; `undefined` when it does. */
export const misfit = Effect.fnUntraced(
  function*(
    parts: Parts,
    tenant: string,
    plan: Plan,
    input: Value
  ): Effect.fn.Return<string | undefined, BlobStoreError> {
    const schema = plan.document.input
    if (schema === undefined) return undefined
    const [first] = JsonSchema.validate(schema as JsonObject, yield* read(parts, tenant, input))
    return first === undefined
      ? undefined
      : `the input does not fit ${plan.name}@${plan.version}: input${first.pointer}: ${first.message}`
  }
)
