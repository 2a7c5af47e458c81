/** Child runs: what a `flow` step calls, how its run is named, and how deep runs may call each other (SEMANTICS 8.7e). */
import * as Schema from "effect/Schema"
import * as Sha256 from "./Sha256.ts"
import type { Json } from "./Value.ts"

/**
 * A flow as a pinned document names it: by the address of its own pinned document, so that a run goes on with what it was
 * accepted with, whatever is published later. A document cannot hold its own address: pinned flows never call themselves.
 */
export const FlowCall = Schema.Struct({ name: Schema.String, version: Schema.String, hash: Schema.String })
export type FlowCall = typeof FlowCall.Type

/** Who started a run. `depth`: 1 for a child of a run that nobody started. */
export const ParentLink = Schema.Struct({
  run: Schema.String,
  path: Schema.String,
  attempt: Schema.Int,
  depth: Schema.Int
})
export type ParentLink = typeof ParentLink.Type

/** Runs below a run, one in the other. */
export const depthMax = 8

const isText = (value: Json | undefined): boolean => typeof value === "string" && value.length > 0

/** Whether the `flow` of a node is pinned; otherwise it is a name, or a flow written in place. */
export const isCall = (flow: Json | undefined): flow is FlowCall =>
  typeof flow === "object" && flow !== null && !Array.isArray(flow) && !Object.hasOwn(flow, "nodes") &&
  "name" in flow && isText(flow["name"]) && "version" in flow && isText(flow["version"]) && "hash" in flow &&
  isText(flow["hash"])

/** The id of the run that an attempt starts: the same whenever it is derived again. `createdAt` is the parent's. */
export const runOf = (parent: string, createdAt: number, path: string, attempt: number): string =>
  Sha256.timedId("run", createdAt, JSON.stringify([parent, path, attempt]))
