/**
 * What operators do beyond the steps of a living run: make a new run from another one, and look after dead letters
 * (SEMANTICS 8.11e).
 */
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Actor, ClientError, StartRun } from "./Client.ts"
import type { RunDocument } from "./RunDocument.ts"

export interface ForkRun extends Actor {
  readonly run: string
  /** Id of the new run; absent: a new one. */
  readonly id?: string
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
  /** With a budget of money: models without a known price may be asked all the same. */
  readonly allowUnknownPrice?: boolean
  readonly note?: string
}

export interface RetryRun extends Actor {
  readonly run: string
  /** Id of the new run; absent: a new one. */
  readonly id?: string
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

const nullable = <S extends Schema.Constraint>(schema: S) => Schema.Union([schema, Schema.Null])

/** An attempt after which nothing went on by itself, and what became of it. Times are RFC 3339 UTC text. */
export const DeadLetterItem = Schema.Struct({
  /** `dl_` and a number. */
  id: Schema.String,
  run: Schema.String,
  path: Schema.String,
  attempt: Schema.Int,
  code: Schema.String,
  message: Schema.String,
  at: Schema.String,
  state: Schema.Literals(["open", "reprocessed", "discarded"]),
  settledAt: nullable(Schema.String),
  by: nullable(Schema.String),
  note: nullable(Schema.String),
  /** The run that it was reprocessed as. */
  into: nullable(Schema.String)
})
export type DeadLetterItem = typeof DeadLetterItem.Type

export interface LettersQuery {
  readonly state?: DeadLetterItem["state"]
  readonly run?: string
  /** Newest first; the page after this letter. */
  readonly after?: string
  readonly limit: number
}

/** What reprocessing a letter came to: the step of its own run is tried again, or a new run was made. */
export type Reprocessed =
  | { readonly kind: "step"; readonly letter: DeadLetterItem }
  | { readonly kind: "run"; readonly letter: DeadLetterItem; readonly made: MadeRun }

/** A step, or a run as a whole (`path` empty), that waits, over all runs. */
export const WaitItem = Schema.Struct({
  run: Schema.String,
  flow: Schema.String,
  path: Schema.String,
  /** One of the closed list of reasons. */
  reason: Schema.String,
  message: Schema.String,
  door: Schema.String,
  /** RFC 3339 UTC text; null where it is not known. */
  since: nullable(Schema.String)
})
export type WaitItem = typeof WaitItem.Type

export class OperatorClient extends Context.Service<OperatorClient, {
  /** A run of its own that goes on from an event of another one, which is left as it is. */
  readonly fork: (request: ForkRun) => Effect.Effect<MadeRun, ClientError>
  /** A finished run once more, as a new run: what succeeded is kept. */
  readonly retry: (request: RetryRun) => Effect.Effect<MadeRun, ClientError>
  /** What waits for this reason, over all unfinished runs, oldest first; at most `limit`. */
  readonly waits: (reason: string, limit: number) => Effect.Effect<ReadonlyArray<WaitItem>, ClientError>
  readonly letters: (query: LettersQuery) => Effect.Effect<ReadonlyArray<DeadLetterItem>, ClientError>
  readonly letter: (id: string) => Effect.Effect<DeadLetterItem, ClientError>
  /** Of a finished run: its step once more in a new run. Of a waiting step: a retry. Another letter: refused. */
  readonly reprocess: (
    id: string,
    options: Actor & { readonly modifications?: Json; readonly allowIrreversible?: boolean; readonly note?: string }
  ) => Effect.Effect<Reprocessed, ClientError>
  /** Lets a letter be; one whose step waits is refused: skip or abort decides that step. */
  readonly discard: (id: string, note?: string, by?: string) => Effect.Effect<DeadLetterItem, ClientError>
}>()("baton/contract/OperatorClient") {}
