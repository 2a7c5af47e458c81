/** `baton usage`. */
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { leaf } from "./CommandLeaf.ts"
import * as GlobalFlags from "./GlobalFlags.ts"

export const usage = leaf(
  "usage",
  "What runs have used and cost",
  {
    by: Flag.Literals("by", ["flow", "model", "run", "day", "agent"]).pipe(
      Flag.withDescription("What it is added up by (default flow)"),
      Flag.withDefault("flow" as const)
    ),
    since: GlobalFlags.duration("since", "Only what was settled at most this long ago").pipe(Flag.optional),
    limit: Flag.Int("limit").pipe(Flag.withDescription("Lines, 1 to 1000"), Flag.withDefault(50))
  },
  [
    ["baton usage", "by flow, the dearest first"],
    ["baton usage --by model --since 24h", "which model cost what since yesterday"],
    ["baton usage --by day --json | jq .total.costUsd", "for programs; null when a price is unknown"]
  ],
  (input) => ({ _tag: "Usage", ...input, since: Option.getOrUndefined(input.since) })
)
