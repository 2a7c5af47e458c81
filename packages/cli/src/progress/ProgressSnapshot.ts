/** The progress of a run that is under way, as far as its document tells; events after it are folded from there. */
import type { RunDocument } from "@baton/contract/RunDocument"
import * as HashMap from "effect/HashMap"
import type { MapView } from "./Note.ts"
import * as ProgressModel from "./ProgressModel.ts"

const settledStatuses: ReadonlySet<string> = new Set(["succeeded", "failed", "skipped", "cancelled", "reused"])

/** A run that is under way, as its document shows it: events after `document.seq` go on from here. */
export const fromDocument = (document: RunDocument): ProgressModel.ProgressModel => {
  let model: ProgressModel.ProgressModel = {
    ...ProgressModel.begin(document),
    seq: document.seq,
    total: document.stepsTotal,
    tokens: document.metrics.tokensTotal,
    costUsd: document.metrics.costUsd ?? 0,
    unpriced: document.metrics.costUsd === null
  }
  for (const step of document.steps) {
    const isItem = step.path !== step.node
    const since = ProgressModel.timeOf(step.startedAt ?? document.startedAt) ?? 0
    if (step.type === "map" && !isItem && settledStatuses.has(step.status) === false && step.status !== "pending") {
      model = { ...model, maps: HashMap.set(model.maps, step.node, ProgressModel.emptyMap(step.node, 0, since)) }
    } else if (
      step.status === "queued" || step.status === "running" || step.status === "retrying" || step.status === "waiting"
    ) {
      const active: ProgressModel.ActiveStep = {
        path: step.path,
        node: step.node,
        status: step.status,
        attempt: step.attempt,
        since
      }
      model = { ...model, active: HashMap.set(model.active, step.path, active) }
    }
    if (isItem) model = { ...model, maps: HashMap.modify(model.maps, step.node, (map) => withItem(map, step.status)) }
    if (settledStatuses.has(step.status)) {
      model = ProgressModel.settle(model, step.path, step.node, step.status === "failed")
    }
  }
  return ProgressModel.bounded(model)
}

const withItem = (map: MapView, status: string): MapView => ({
  ...map,
  count: map.count + 1,
  succeeded: map.succeeded + (status === "succeeded" || status === "reused" ? 1 : 0),
  failed: map.failed + (status === "failed" ? 1 : 0),
  cancelled: map.cancelled + (status === "cancelled" || status === "skipped" ? 1 : 0)
})
