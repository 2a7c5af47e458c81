/** Transitions worth a line, as the fold of a run's envelopes reports them. Texts in them are raw. */
import type { RunStatus } from "@baton/contract/RunDocument"
import type { Usage } from "@baton/kernel/Usage"

export interface MapView {
  readonly node: string
  readonly count: number
  readonly succeeded: number
  readonly failed: number
  readonly cancelled: number
  readonly since: number
}

export type Note =
  | { readonly kind: "started"; readonly at: number; readonly flow: string; readonly version: string }
  | {
    readonly kind: "succeeded"
    readonly at: number
    readonly path: string
    readonly ms: number | undefined
    readonly usage: Usage | undefined
    /** The run whose result was used again, instead of running the step. */
    readonly reused?: string
    /** Set when the step is a map. */
    readonly map: MapView | undefined
    /** The map that the step is an item of, as it stands now. */
    readonly of: MapView | undefined
  }
  | {
    readonly kind: "failed"
    readonly at: number
    readonly path: string
    readonly code: string
    readonly message: string
    readonly handled: "edge" | "continue" | "fallback" | "item" | "none"
    readonly attempt: number
    readonly of: MapView | undefined
  }
  | {
    readonly kind: "retrying"
    readonly at: number
    readonly path: string
    readonly attempt: number
    readonly dueAt: number
    readonly code: string
    readonly message: string
    readonly of: MapView | undefined
  }
  | {
    readonly kind: "waiting"
    readonly at: number
    readonly path: string
    readonly human: boolean
    readonly text: string
    readonly dueAt: number | undefined
    /** The command that ends the wait, where people are asked; `RUN` stands for the run's id. */
    readonly door?: string
    /** Of the approval. */
    readonly id?: string
  }
  | {
    readonly kind: "decided"
    readonly at: number
    readonly path: string
    readonly decision: string
    readonly by: string | undefined
    readonly comment: string | undefined
  }
  | { readonly kind: "skipped"; readonly at: number; readonly nodes: ReadonlyArray<string>; readonly reason: string }
  | { readonly kind: "expanded"; readonly at: number; readonly path: string; readonly count: number }
  | {
    readonly kind: "stopped"
    readonly at: number
    readonly path: string
    readonly failed: number
    readonly allowed: number
  }
  | {
    readonly kind: "plan"
    readonly at: number
    /** The patch. */
    readonly id: string
    readonly what: string
    readonly human: boolean
    readonly by: string | undefined
    readonly text: string | undefined
  }
  | { readonly kind: "reopened" | "lost"; readonly at: number; readonly path: string }
  | { readonly kind: "received"; readonly at: number; readonly name: string }
  | { readonly kind: "paused" | "resumed"; readonly at: number; readonly by: string | undefined }
  | { readonly kind: "adopted"; readonly at: number; readonly lost: number }
  | {
    readonly kind: "closing"
    readonly at: number
    readonly cause: string
    readonly code: string
    readonly message: string
    readonly path: string | undefined
  }
  | { readonly kind: "cancelled"; readonly at: number; readonly paths: ReadonlyArray<string> }
  | { readonly kind: "noted"; readonly at: number; readonly text: string }
  | {
    readonly kind: "finished"
    readonly at: number
    readonly status: RunStatus
    readonly code: string
    readonly message: string
  }
