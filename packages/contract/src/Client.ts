/**
 * Everything a program (the command line, a test, later the web) may ask of Baton. In-process (`server/Local`) and, once
 * there is a server, over HTTP: the same verbs, answers and errors.
 */
import type { Budget } from "@baton/kernel/Amounts"
import type { Problem } from "@baton/kernel/Problem"
import type { Json } from "@baton/kernel/Value"
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Stream from "effect/Stream"
import type { EventEnvelope } from "./EventEnvelope.ts"
import type { Reason, RunDocument, RunListItem, RunStatus, StepDocument } from "./RunDocument.ts"
import type { RunHook } from "./WebhooksClient.ts"

/**
 * `invalid`: the request is wrong (exit 2) · `not_found` and `conflict` (7) · `denied` (8) · `unreachable` (9) ·
 * `unavailable`: the store cannot serve now (full, locked, read-only, from a newer version) (2) · `internal` (1).
 */
export class ClientError extends Schema.TaggedError<ClientError>()("ClientError", {
  reason: Schema.Literals(["invalid", "not_found", "conflict", "denied", "unreachable", "unavailable", "internal"]),
  /** Stable, such as `FLOW_INVALID`, `RUN_NOT_FOUND`, `STORE_NEWER`. */
  code: Schema.String,
  message: Schema.String,
  /** What to do about it. */
  hint: Schema.optionalKey(Schema.String),
  problems: Schema.optionalKey(Schema.Array(Schema.Json))
}) {}

export interface StartRun {
  /** The text of a flow document (YAML or JSON, short or canonical), or the name of a published flow. */
  readonly flow: { readonly text: string; readonly file: string } | { readonly name: string; readonly version?: string }
  readonly input: Json
  readonly tags?: { readonly [key: string]: string }
  /** Agent names of the flow bound to other agents. */
  readonly agents?: { readonly [name: string]: string }
  /** The model of every agent that names none itself, such as `anthropic/claude-sonnet-4-5`. */
  readonly model?: string
  /** What the run may cost at most; what it says wins over the flow's `limits.budget`. */
  readonly budget?: Budget
  /** With a budget of money: models without a known price may be asked all the same. */
  readonly allowUnknownPrice?: boolean
  /** Who starts it; the person at this machine when absent. */
  readonly by?: string
  /** A hook that hears of this run alone. */
  readonly webhook?: RunHook
  /** Accept and store, do not execute here. */
  readonly submitOnly?: boolean
  /** Id of the run; absent: a new one. A run that is there already is refused. */
  readonly id?: string
}

/** Who acts; the person at this machine when absent. */
export interface Actor {
  readonly by?: string
}

export interface StepResolution extends Actor {
  /** With `skip`: what the run goes on with; null when absent. */
  readonly output?: Json
  readonly note?: string
  /** With `retry`: milliseconds before the next attempt, 0 to 600,000. */
  readonly delayMs?: number
  /** With `retry`: a JSON Merge Patch (RFC 7396) on the step's input. */
  readonly modifications?: Json
}

/** A line that a step printed; `at` is RFC 3339 UTC text. */
export const LogLine = Schema.Struct({
  /** Numbers the lines of a run from 1. */
  n: Schema.Int,
  at: Schema.String,
  path: Schema.String,
  attempt: Schema.Int,
  line: Schema.String
})
export type LogEntry = typeof LogLine.Type

export class Client extends Context.Service<Client, {
  /** Answers when the run is durable. */
  readonly start: (request: StartRun) => Effect.Effect<RunDocument, ClientError>
  /** A run id, a unique prefix of one, or `@last`. */
  readonly resolve: (text: string) => Effect.Effect<string, ClientError>
  readonly show: (run: string) => Effect.Effect<RunDocument, ClientError>
  readonly steps: (run: string, after: number, limit: number) => Effect.Effect<ReadonlyArray<StepDocument>, ClientError>
  readonly list: (query: {
    readonly status?: ReadonlyArray<RunStatus>
    readonly flow?: string
    /** Only runs that this run started. */
    readonly parent?: string
    /** Only runs that no run started. */
    readonly roots?: boolean
    readonly since?: number
    readonly after?: string
    readonly limit: number
  }) => Effect.Effect<ReadonlyArray<RunListItem>, ClientError>
  /** The run's events after `after`; with `follow`, goes on until the run has ended, live events in between. */
  readonly events: (
    run: string,
    options: { readonly after: number; readonly follow: boolean }
  ) => Stream.Stream<EventEnvelope, ClientError>
  readonly explain: (run: string) => Effect.Effect<ReadonlyArray<Reason>, ClientError>
  readonly logs: (
    run: string,
    options: {
      readonly path?: string
      readonly follow: boolean
      /** The number of the last line seen. */
      readonly after?: number
    }
  ) => Stream.Stream<LogEntry, ClientError>
  readonly send: (run: string, name: string, data: Json, id?: string) => Effect.Effect<void, ClientError>
  readonly cancel: (run: string, reason?: string, by?: string) => Effect.Effect<void, ClientError>
  readonly pause: (run: string, by?: string) => Effect.Effect<void, ClientError>
  /** Takes a paused run up again, adopts a run whose process died, and adds to its budget what `budget` says. */
  readonly resume: (
    run: string,
    options?: Actor & { readonly budget?: Budget; readonly allowUnknownPrice?: boolean; readonly note?: string }
  ) => Effect.Effect<void, ClientError>
  /** The operator's doors of a step that waits for one. */
  readonly resolveStep: (
    run: string,
    path: string,
    action: "retry" | "skip" | "abort",
    options: StepResolution
  ) => Effect.Effect<void, ClientError>
  readonly remove: (run: string) => Effect.Effect<void, ClientError>
  /** Removes runs that ended before `before` (milliseconds since 1970); returns how many. */
  readonly prune: (before: number) => Effect.Effect<number, ClientError>
  readonly checkFlow: (text: string, file: string) => Effect.Effect<
    { readonly problems: ReadonlyArray<Problem>; readonly canonical: Json | undefined },
    ClientError
  >
}>()("baton/contract/Client") {}
