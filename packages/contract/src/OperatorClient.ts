/**
 * What operators do beyond the steps of a living run: make a new run from another one, and look after dead letters
 * (SEMANTICS 8.11e).
 */
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { ClientError, StartRun } from "./Client.ts"
import type { RunDocument } from "./RunDocument.ts"

export interface ForkRun {
  readonly run: string
  /** The last event of the source that counts; absent: all of them. */
  readonly at?: number
  /** Instead of the source's input. */
  readonly input?: Json
  /** Members laid over the input. */
  readonly set?: JsonObject
  /** Instead of the source's flow. */
  readonly flow?: StartRun["flow"]
  /** A JSON Patch (RFC 6902) on the flow's canonical document. */
  readonly patch?: Json
  /** Irreversible steps that the source had started run again without asking. */
  readonly allowIrreversible?: boolean
  readonly note?: string
}

export interface RetryRun {
  readonly run: string
  /** Runs again whatever it came to; without it, whatever did not succeed. */
  readonly step?: string
  /** A JSON Merge Patch (RFC 7396) on the step's input. */
  readonly modifications?: Json
  readonly allowIrreversible?: boolean
  readonly note?: string
}

/** A new run, and what became of the source's steps in it. */
export interface MadeRun {
  readonly document: RunDocument
  /** Steps kept, items of maps included. */
  readonly reused: number
  /** Nodes that run, in plan order. */
  readonly running: ReadonlyArray<string>
  /** Steps that wait for a person before they run: their irreversible call had been started. */
  readonly guarded: ReadonlyArray<string>
}

export class OperatorClient extends Context.Service<OperatorClient, {
  /** A run of its own that goes on from an event of another one, which is left as it is. */
  readonly fork: (request: ForkRun) => Effect.Effect<MadeRun, ClientError>
  /** A finished run once more, as a new run: what succeeded is kept. */
  readonly retry: (request: RetryRun) => Effect.Effect<MadeRun, ClientError>
}>()("baton/contract/OperatorClient") {}
