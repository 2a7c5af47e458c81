/** Compiled plans by the hash of their document: a run names its document, and most runs share a few. */
import * as Compile from "@baton/kernel/Compile"
import type * as Flow from "@baton/kernel/Flow"
import type { Plan } from "@baton/kernel/Plan"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as CanonicalJson from "./CanonicalJson.ts"
import type { FlowStoreError } from "./FlowStore.ts"
import { FlowStore } from "./FlowStore.ts"

/** Plans kept compiled; the longest unused goes first. */
export const plansMax = 200
/** A compiled plan that nobody has asked for this long goes too, in milliseconds. */
const plansMs = 5 * 60 * 1000

/** A document is frozen anew after this many milliseconds: the store collects what no run names after 24 hours. */
const refreezeMs = 60 * 60 * 1000

export class Plans extends Context.Service<Plans, {
  /** The plan of a frozen document. A document that compiled when it was frozen compiles again: anything else is a bug. */
  readonly get: (tenant: string, hash: string) => Effect.Effect<Plan, FlowStoreError>
  /** Freezes a checked document, so that runs may name it. */
  readonly freeze: (
    tenant: string,
    flow: Flow.Flow
  ) => Effect.Effect<{ readonly hash: string; readonly plan: Plan }, FlowStoreError>
}>()("baton/engine/Plans") {
  static readonly layer: Layer.Layer<Plans, never, FlowStore> = Layer.effect(
    Plans,
    Effect.gen(function*() {
      const flows = yield* FlowStore
      const plans = new Map<string, { readonly plan: Plan; readonly at: number }>()
      const clock = yield* Clock.Clock
      const hashes = new WeakMap<Flow.Flow, Map<string, { readonly hash: string; readonly at: number }>>()
      const keep = (key: string, plan: Plan): Plan => {
        const at = clock.currentTimeMillisUnsafe()
        plans.delete(key)
        plans.set(key, { plan, at })
        for (const [oldest, kept] of plans) {
          if (plans.size <= plansMax && kept.at + plansMs > at) break
          plans.delete(oldest)
        }
        return plan
      }
      const compile = (flow: Flow.Flow): Effect.Effect<Plan> => {
        const compiled = Compile.compile(flow)
        return Result.isSuccess(compiled)
          ? Effect.succeed(compiled.success)
          : Effect.die(new Error(`a frozen flow does not compile: ${compiled.failure[0]?.message ?? "unknown"}`))
      }
      const get = Effect.fnUntraced(function*(tenant: string, hash: string) {
        const key = `${tenant} ${hash}`
        const known = plans.get(key)
        if (known !== undefined) return keep(key, known.plan)
        return keep(key, yield* compile(yield* flows.frozen(tenant, hash)))
      })
      const freeze = Effect.fnUntraced(function*(tenant: string, flow: Flow.Flow) {
        const byTenant = hashes.get(flow) ?? new Map<string, { readonly hash: string; readonly at: number }>()
        hashes.set(flow, byTenant)
        const frozen = byTenant.get(tenant)
        const now = clock.currentTimeMillisUnsafe()
        if (frozen !== undefined && now - frozen.at < refreezeMs) {
          return { hash: frozen.hash, plan: yield* get(tenant, frozen.hash) }
        }
        const known = plans.get(`${tenant} ${CanonicalJson.address(CanonicalJson.text(flow))}`)
        const plan = known === undefined ? yield* compile(flow) : known.plan
        const hash = yield* flows.freeze(tenant, flow)
        byTenant.set(tenant, { hash, at: now })
        return { hash, plan: keep(`${tenant} ${hash}`, plan) }
      })
      return { get, freeze }
    })
  )
}
