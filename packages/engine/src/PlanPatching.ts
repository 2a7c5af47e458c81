/**
 * How the agent or function of a running attempt changes the plan of its own run.
 *
 * Promise. A patch is durable before the answer is given, and so before the attempt's completion; it stays when the attempt
 * fails. The key makes it count once: the same key again gives what became of the patch, whatever has happened since.
 * A refusal changes nothing and says, problem by problem, what to mend, and which revision the plan is at.
 */
import type { Command } from "@baton/kernel/Command"
import type { PatchRecord } from "@baton/kernel/PatchRecord"
import type { Problem } from "@baton/kernel/Problem"
import type { RunState } from "@baton/kernel/RunState"
import { publicStatus } from "@baton/kernel/Scope"
import * as Sha256 from "@baton/kernel/Sha256"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import type { Settled } from "./RunSlot.ts"

export interface PatchRequest {
  /** JSON Patch (RFC 6902) on the canonical plan; whatever it is, the kernel reads it strictly. */
  readonly operations: Json
  /** The revision it was made for; absent: the one the plan is at now. */
  readonly base?: number
  readonly reason?: string
  /** Of the call that makes it; unique within the run. */
  readonly key: string
}

export type PatchAnswer =
  | {
    readonly status: PatchRecord["status"]
    readonly patch: string
    /** The plan's revision now. */
    readonly revision: number
    readonly comment?: string
  }
  | {
    readonly status: "refused"
    readonly code: string
    readonly message: string
    readonly revision: number
    readonly problems: ReadonlyArray<Problem>
  }

/** What is asked of the run, and how the run is seen. */
export interface Machine {
  readonly command: (command: Command) => Effect.Effect<Settled>
  readonly state: Effect.Effect<RunState | undefined>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

export interface Author {
  readonly path: string
  readonly attempt: number
}

/** Problems that are shown to a model or function; what is left out is counted by the message. */
export const problemsMax = 20

/** The id that a key gives its patch, for ever the same. */
export const idOf = (state: RunState, key: string): string =>
  Sha256.timedId("pat", state.createdAt, JSON.stringify([state.run, key]))

const refused = (
  code: string,
  message: string,
  revision: number,
  problems: ReadonlyArray<Problem> = []
): PatchAnswer => ({
  status: "refused",
  code,
  message,
  revision,
  problems: problems.slice(0, problemsMax)
})

const known = (state: RunState, id: string): PatchAnswer | undefined => {
  const record = state.patches?.find((patch) => patch.id === id)
  return record === undefined ? undefined : {
    status: record.status,
    patch: id,
    revision: state.plan.revision,
    ...(record.comment === undefined ? {} : { comment: record.comment })
  }
}

/** There is no run whose plan could be changed. */
export const gone = refused("RUN_NOT_FOUND", "the run is not at hand", 0)

export const propose = Effect.fnUntraced(function*(
  machine: Machine,
  author: Author,
  request: PatchRequest
): Effect.fn.Return<PatchAnswer> {
  const before = yield* machine.state
  if (before === undefined) return gone
  const id = idOf(before, request.key)
  const earlier = known(before, id)
  if (earlier !== undefined) return earlier
  const settled = yield* machine.command({
    type: "ProposePatch",
    at: machine.now(),
    id,
    base: request.base ?? before.plan.revision,
    operations: request.operations,
    author,
    ...(request.reason === undefined ? {} : { reason: request.reason })
  })
  const after = yield* machine.state
  const revision = after?.plan.revision ?? before.plan.revision
  if (settled.kind === "refused") return refused(settled.code, settled.message, revision, settled.problems)
  if (settled.kind === "lost") return refused("RUN_LOST", settled.message, revision)
  return (after === undefined ? undefined : known(after, id)) ?? gone
})

/** Nodes of a plan that are shown; a plan may have thousands. */
const nodesMax = 200

/** The plan as its own agents see it: enough to write a patch for it. */
export const outline = (state: RunState): JsonObject => ({
  revision: state.plan.revision,
  nodes: state.plan.nodes.slice(0, nodesMax).map((node) => ({
    id: node.id,
    type: node.type,
    status: publicStatus(state.nodes.get(node.index).status),
    needs: node.incoming.map((edge) => state.plan.nodes[edge.from]?.id ?? "")
  })),
  nodesTotal: state.plan.nodes.length,
  limits: { agents: state.plan.limits.agents, patches: state.plan.limits.patches },
  policy: (state.plan.document.policy?.patches ?? null) as Json
})
