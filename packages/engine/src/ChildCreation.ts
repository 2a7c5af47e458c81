/** Creates a child run, or tells its parent why there is none. */
import type { FlowCall, ParentLink } from "@baton/kernel/Child"
import type { Command } from "@baton/kernel/Command"
import * as JsonSchema from "@baton/kernel/JsonSchema"
import type { Child } from "@baton/kernel/Outstanding"
import type { Plan } from "@baton/kernel/Plan"
import type { RunState } from "@baton/kernel/RunState"
import type { BlobRef, Json, JsonObject, Value } from "@baton/kernel/Value"
import { refs, resolve } from "@baton/kernel/Value"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { BlobStoreError } from "./BlobStore.ts"
import * as ChildFunds from "./ChildFunds.ts"
import type { Coordinator } from "./Coordinator.ts"
import type { Failpoint } from "./Failpoint.ts"
import type { FlowStoreError } from "./FlowStore.ts"
import type { Plans } from "./Plans.ts"

type EndChild = Extract<Command, { type: "EndChild" }>

export interface Parts {
  readonly coordinator: Coordinator["Service"]
  readonly plans: Plans["Service"]
  readonly clock: Clock.Clock
  readonly reach: (point: Failpoint) => Effect.Effect<void>
}

export interface Parent {
  readonly tenant: string
  readonly run: string
}

const end = (parts: Parts, parent: Parent, child: Child, told: Pick<EndChild, "status" | "code" | "message">): void =>
  parts.coordinator.post(parent.tenant, parent.run, {
    type: "EndChild",
    at: parts.clock.currentTimeMillisUnsafe(),
    path: child.path,
    attempt: child.attempt,
    run: child.wait.run,
    ...told
  }, [])

/** Reasons why a pinned document will never be read. */
const lasting: ReadonlySet<string> = new Set(["missing", "corrupt"])

/** The plan of the called flow, or why there is none. */
const planOf = (parts: Parts, tenant: string, call: FlowCall): Effect.Effect<Plan | string, FlowStoreError> =>
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
const misfit = Effect.fnUntraced(
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

/** Creates the child; true when it lives here now. */
export const create = Effect.fnUntraced(function*(
  parts: Parts,
  parent: Parent,
  state: RunState,
  child: Child
): Effect.fn.Return<boolean, FlowStoreError | BlobStoreError> {
  const { attempt, path, wait } = child
  if (child.want === "stop") {
    end(parts, parent, child, { status: "cancelled", code: "CANCELLED", message: "it was stopped before it began" })
    return false
  }
  const plan = yield* planOf(parts, parent.tenant, wait.flow)
  if (typeof plan === "string") {
    end(parts, parent, child, { status: "refused", code: "FLOW_MISSING", message: plan })
    return false
  }
  const problem = yield* misfit(parts, parent.tenant, plan, wait.input)
  if (problem !== undefined) {
    end(parts, parent, child, { status: "refused", code: "INPUT_INVALID", message: problem })
    return false
  }
  const ledger = ChildFunds.termsOf(state, path, plan)
  const link: ParentLink = { run: parent.run, path, attempt, depth: (state.parent?.depth ?? 0) + 1 }
  yield* parts.reach("child.before-create")
  const settled = yield* parts.coordinator.submit({
    tenant: parent.tenant,
    run: wait.run,
    plan,
    blobs: [],
    command: {
      type: "CreateRun",
      at: parts.clock.currentTimeMillisUnsafe(),
      run: wait.run,
      flow: wait.flow,
      input: wait.input,
      parent: link,
      ...(state.by === undefined ? {} : { by: state.by }),
      ...(Object.keys(state.tags).length === 0 ? {} : { tags: state.tags }),
      ...(ledger === undefined ? {} : { ledger })
    }
  })
  yield* parts.reach("child.after-create")
  return settled.kind === "accepted"
})
