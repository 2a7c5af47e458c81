/**
 * Named places between two durable writes. In production they do nothing; crash tests kill the process at one of them,
 * the simulator interrupts the machine there.
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"

export const failpoints = [
  "coordinator.before-commit",
  "coordinator.after-commit-before-reply",
  "coordinator.after-reply-before-offer",
  "coordinator.before-adopt",
  "coordinator.after-adopt-before-commit",
  "worker.before-attempt",
  "worker.after-attempt-before-completion",
  "agent.after-turn-recorded",
  "agent.after-call-announced",
  "agent.after-call-before-result",
  "agent.after-result-recorded",
  "gather.after-blobs-before-completion",
  "flow.after-freeze-before-create",
  "child.before-create",
  "child.after-create",
  "child.before-end",
  "place.before-take"
] as const
export type Failpoint = (typeof failpoints)[number]

export const Failpoints = Context.Reference<((point: Failpoint) => Effect.Effect<void>) | undefined>(
  "baton/engine/Failpoints",
  { defaultValue: () => undefined }
)
