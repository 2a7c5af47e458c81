/** A run that has ended against what the oracle says of its world: everything, or where order decides, all that is certain. */
import * as Invariants from "@baton/kernel/Invariants"
import type { RunState } from "@baton/kernel/RunState"
import type { BlobRef, Json, Value } from "@baton/kernel/Value"
import { none, resolve } from "@baton/kernel/Value"
import { isDeepStrictEqual } from "node:util"
import type { World } from "./FlowWorld.ts"
import type { Losses, Prediction } from "./Oracle.ts"
import { Oracle } from "./Oracle.ts"
import * as Outcomes from "./Outcomes.ts"

export interface Compared {
  readonly complaints: ReadonlyArray<string>
  /** Whether everything about the run was predicted, its end included. */
  readonly exact: boolean
}

type Blobs = ReadonlyMap<BlobRef, Json>

/** Messages of failures are free; which item failed and why is not. */
const plain = (json: Json): Json => {
  if (typeof json !== "object" || json === null) return json
  if (Array.isArray(json)) return json.map(plain)
  const members = Object.entries(json as { [key: string]: Json })
  const isFailure = members.length === 3 && "index" in json && "code" in json && "message" in json
  return Object.fromEntries(
    members.filter(([key]) => !(isFailure && key === "message")).map(([key, value]) => [key, plain(value)])
  )
}

const read = (value: Value | undefined, blobs: Blobs): Json => {
  const json = resolve(value ?? none, blobs)
  return json === undefined ? "unread" : plain(json)
}

const show = (json: unknown): string => JSON.stringify(json).slice(0, 160)

/** `losses`: attempts that ended otherwise than the world decides. */
export const compare = (
  world: World,
  state: RunState,
  blobs: Blobs = new Map(),
  losses: Losses = new Map()
): Compared => {
  const prediction = new Oracle(world, losses).predict()
  const complaints: Array<string> = [...Invariants.violations(state)]
  const exact = !prediction.loose && prediction.unhandled.length === 0 && state.closing === undefined
  const certain = !prediction.loose && prediction.unhandled.length === 0
  if (state.finished === undefined) return { complaints: [...complaints, "the run has not ended"], exact }
  if (certain && state.closing?.cause === "failure") complaints.push(`a failure closed the run: ${state.closing.code}`)
  for (const node of state.plan.nodes) complaints.push(...local(world, state, prediction, node.index, blobs))
  if (exact) {
    const status = prediction.warned ? "warned" : "succeeded"
    const { finished } = state
    if (finished.status !== status) {
      complaints.push(`the run ended ${finished.status}, not ${status}: ${finished.message}`)
    }
    const output = read(finished.output, blobs)
    if (!isDeepStrictEqual(output, plain(prediction.output))) {
      complaints.push(`the output is ${show(output)}, not ${show(prediction.output)}`)
    }
  }
  if (state.closing?.cause === "failure" && !prediction.loose) {
    if (!prediction.unhandled.includes(state.closing.path ?? "")) {
      complaints.push(`${state.closing.path} closed the run, not one of ${prediction.unhandled.join(", ")}`)
    }
  }
  return { complaints, exact }
}

/** One node, as far as its sources ended as predicted. */
const local = (
  world: World,
  state: RunState,
  prediction: Prediction,
  index: number,
  blobs: Blobs
): ReadonlyArray<string> => {
  const node = state.plan.nodes[index]
  const verdict = prediction.nodes.get(node?.id ?? "")
  if (node === undefined || verdict === undefined) return ["a node is unknown"]
  const at = state.nodes.get(index)
  const agree = node.incoming.every((edge) => {
    const source = state.plan.nodes[edge.from]
    return prediction.nodes.get(source?.id ?? "")?.status === state.nodes.get(edge.from).status
  })
  if (!agree || verdict.loose === "status") return []
  if (at.status !== verdict.status) {
    if (state.closing !== undefined) {
      if (at.status === "cancelled" || at.error?.code === "OUTCOME_UNKNOWN") return []
      const known = at.attempt > 0 && node.map === undefined && node.wait === undefined
      const failed = known && !Outcomes.attemptOutcome(world.outcomes, node.id, at.attempt).ok
      // A closing run starts no further attempt, and asks nobody; its maps stop.
      if (at.status === "failed" && (failed || node.map !== undefined)) return []
      if (at.status === "succeeded" && at.synthetic && failed) return []
    }
    return [`${node.id} ended ${at.status}, not ${verdict.status}`]
  }
  if (verdict.loose !== undefined || verdict.status === "skipped" || state.closing !== undefined) return []
  const found: Array<string> = []
  const output = read(at.output, blobs)
  if (!isDeepStrictEqual(output, plain(verdict.output))) {
    found.push(`${node.id} gave ${show(output)}, not ${show(verdict.output)}`)
  }
  if (at.error?.code !== verdict.code && verdict.status === "failed") {
    found.push(`${node.id} failed for ${at.error?.code}, not ${verdict.code}`)
  }
  if (
    node.wait === undefined && node.choice === undefined && node.map === undefined && at.attempt !== verdict.attempts
  ) {
    found.push(`${node.id} took ${at.attempt} attempts, not ${verdict.attempts}`)
  }
  return found
}
