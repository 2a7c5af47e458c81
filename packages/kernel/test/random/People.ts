/**
 * What people do about a run whose plan has people in it: decide, vote, decide again and too late, review and propose
 * patches, right and wrong ones. Whether something that waits is approved depends on the place alone; when, on chance.
 */
import type { Command } from "@baton/kernel/Command"
import type { PlanNode } from "@baton/kernel/Plan"
import type { RunState } from "@baton/kernel/RunState"
import * as StepPath from "@baton/kernel/StepPath"
import { inline } from "@baton/kernel/Value"
import type { ApprovalWait, Wait } from "@baton/kernel/Wait"
import type { Chance } from "./Chance.ts"
import { fractionOf } from "./Chance.ts"
import { groupsOf, people } from "./MixedWorld.ts"

export interface Waiting {
  readonly path: string
  readonly attempt: number
  readonly node: PlanNode
  readonly wait: Wait
}

/** Everything that waits, steps and items. */
export const waiting = (state: RunState): ReadonlyArray<Waiting> => {
  const found: Array<Waiting> = []
  for (const node of state.plan.nodes) {
    const at = state.nodes.get(node.index)
    if (at.status === "waiting" && at.wait !== undefined) {
      found.push({ path: node.id, attempt: at.attempt, node, wait: at.wait })
    }
    const table = state.maps.get(node.index)
    for (let item = 0; table !== undefined && item < table.count; item++) {
      const wait = table.status(item) === "waiting" ? table.note(item)?.wait : undefined
      if (wait !== undefined) {
        found.push({ path: StepPath.item(node.id, item), attempt: table.attempt(item), node, wait })
      }
    }
  }
  return found
}

type Decide = Extract<Command, { readonly type: "DecideApproval" }>

const wordFor = (seed: number, { attempt, path }: Waiting, wait: ApprovalWait): string => {
  const place = fractionOf(`${seed} decides ${path} ${attempt}`)
  if (wait.options !== undefined && place < 0.3) return place < 0.15 ? "ship" : "drop"
  const yes = wait.ask === "checkpoint" ? "continue" : wait.ask === "question" ? "answer" : "approve"
  if (place < 0.7 || (attempt > 4 && wait.ask === "checkpoint")) return yes
  if (wait.ask === "checkpoint") return place < 0.85 ? "retry" : "abort"
  return "reject"
}

/** Who has not voted yet and may. */
const voter = (wait: ApprovalWait): string =>
  people.find((person) => {
    const listed = wait.approvers === undefined || wait.approvers.includes(person) ||
      groupsOf(person).some((group) => wait.approvers?.includes(`group:${group}`))
    return listed && person !== "ann" && !(wait.votes ?? []).some((vote) => vote.by === person)
  }) ?? "ann"

/** The decision about what waits, by somebody who may. */
export const decision = (seed: number, at: number, found: Waiting, wait: ApprovalWait): Decide => {
  const by = voter(wait)
  return {
    type: "DecideApproval",
    at,
    path: found.path,
    id: wait.id,
    hash: wait.hash,
    by,
    groups: groupsOf(by),
    decision: wordFor(seed, found, wait),
    ...(wait.ask === "question" ? { data: inline("so") } : {})
  }
}

/** Decisions that must change nothing: by the wrong person, about something else than what is shown, with a wrong word. */
export const wrongDecision = (chance: Chance, seed: number, at: number, found: Waiting, wait: ApprovalWait): Decide => {
  const right = decision(seed, at, found, wait)
  return chance.pick<Decide>([
    { ...right, hash: "0".repeat(64) },
    { ...right, id: "apr_00000000000000000000000000" },
    { ...right, by: "stranger", groups: [], hash: "1".repeat(64) },
    { ...right, decision: "perhaps" }
  ])
}

/** The review of a patch. */
export const review = (seed: number, at: number, state: RunState): Command | undefined =>
  state.review === undefined
    ? undefined
    : {
      type: "DecidePatch",
      at,
      by: "bob",
      patch: state.review.id,
      action: fractionOf(`${seed} reviews ${state.review.id}`) < 0.6 ? "approve" : "reject"
    }
