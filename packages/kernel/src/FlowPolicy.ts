/** The `policy` of a flow: what may be changed while it runs, by whom, and who looks at it first (SEMANTICS 8.9d). */
import * as Schema from "effect/Schema"
import { pattern as durationPattern } from "./DurationText.ts"

const Names = Schema.Array(Schema.String)
const Duration = Schema.String.check(
  Schema.isPattern(durationPattern, { expected: "a duration such as 500ms, 10s, 5m, 48h or 7d" })
)

/** What an agent's patch may bring into the plan. A list that is absent allows nothing new of its kind. */
export const Additions = Schema.Struct({
  /** Types of nodes, and of the bodies of maps and repeats. */
  types: Names,
  /** Names of agents; absent: those that the flow defines. An agent written in place is never allowed. */
  agents: Schema.optionalKey(Names),
  /** Names of functions; absent: those that the flow calls already. */
  functions: Schema.optionalKey(Names),
  /** Names of saved flows; absent: those that the flow runs already. */
  flows: Schema.optionalKey(Names),
  /** Host names of http nodes, `*.example.com` for all below one. */
  hosts: Schema.optionalKey(Names),
  secrets: Schema.optionalKey(Names),
  /** Effect classes; absent: all but `irreversible`. */
  effects: Schema.optionalKey(Schema.Array(Schema.Literals(["pure", "idempotent", "keyed", "irreversible"])))
}).annotate({ identifier: "PatchAdditions" })
export type Additions = typeof Additions.Type

/** Patches that agents propose: off without this. Agents only ever add. */
export const PatchPolicy = Schema.Struct({
  /** The nodes whose agent or function may patch; absent: none. */
  by: Schema.optionalKey(Names),
  /** Absent: edges only. */
  add: Schema.optionalKey(Additions),
  /** Authored nodes that may gain an edge; nothing else of them changes. */
  into: Schema.optionalKey(Names),
  /**
   * `required` (default): every patch of an agent waits for people · `whenItGrows`: one that adds an agent, a host, a
   * secret, a function, a flow or an irreversible effect does · `off`.
   */
  review: Schema.optionalKey(Schema.Literals(["required", "whenItGrows", "off"])),
  /** Who may decide; absent: anybody. */
  approvers: Schema.optionalKey(Names),
  /** How long a patch may wait for its review. */
  timeout: Schema.optionalKey(Duration),
  onTimeout: Schema.optionalKey(Schema.Literals(["approve", "reject"]))
}).annotate({ identifier: "PatchPolicy" })
export type PatchPolicy = typeof PatchPolicy.Type

/** What happens to a run that stands still for longer than `limits.stall`. */
export const StallPolicy = Schema.Literals(["flag", "fail"])
export type StallPolicy = typeof StallPolicy.Type

export const Policy = Schema.Struct({
  patches: Schema.optionalKey(PatchPolicy),
  /** A patched-in node of a type that this program does not know: `skip` (default) skips its step with a warning. */
  unknownTypes: Schema.optionalKey(Schema.Literals(["skip", "refuse"])),
  /** `flag` (default): a warning, shown wherever the run is · `fail`: the run is stopped and ends as failed. */
  stall: Schema.optionalKey(StallPolicy)
}).annotate({ identifier: "Policy" })
export type Policy = typeof Policy.Type
