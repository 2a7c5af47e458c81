/** `baton patches …`, `baton runs patch` and `baton runs graph`. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { leaf, runArgument } from "./CommandLeaf.ts"
import * as GlobalFlags from "./GlobalFlags.ts"

const { text, texts, toggle } = GlobalFlags
const orUndefined = Option.getOrUndefined

const patchArgument = Argument.String("patch").pipe(
  Argument.withDescription("A patch id, a unique beginning of one, or its number in the run")
)
const runFlag = text("run", "RUN", "The run it belongs to (default: the one it waits in, else the newest)")

export const runsPatch = leaf(
  "patch",
  "Change the plan of a running run by a JSON Patch (RFC 6902) on its nodes and edges",
  {
    run: runArgument,
    file: Argument.String("file").pipe(
      Argument.withDescription("Operations as JSON or YAML, or {base, reason, operations}; - is stdin")
    ),
    base: Flag.Int("base").pipe(
      Flag.withMetavar("N"),
      Flag.withDescription("Refuse unless the plan is at this revision"),
      Flag.optional
    ),
    reason: text("reason", "TEXT", "Why; kept in the journal"),
    dryRun: toggle("dry-run", "Only say what would become of it")
  },
  [
    ["baton runs patch @last add-check.yaml --dry-run", "what it would change, add and cost"],
    ["baton runs patch @last add-check.yaml --base 0", "only if nobody has patched it before"],
    ["echo '[{\"op\":\"remove\",\"path\":\"/nodes/notify\"}]' | baton runs patch @last -", "from a pipe"]
  ],
  (input) => ({ _tag: "RunsPatch", ...input, base: orUndefined(input.base), reason: orUndefined(input.reason) })
)

export const runsGraph = leaf("graph", "Draw the plan of a run as it is now, patches included", { run: runArgument }, [
  ["baton runs graph @last", "as text"],
  ["baton runs graph @last --format mermaid", "as a Mermaid diagram"]
], (input) => ({ _tag: "RunsGraph", ...input }))

const decision = (action: "approve" | "reject", description: string) =>
  leaf(
    action,
    description,
    {
      patch: patchArgument,
      run: runFlag,
      comment: text("comment", "TEXT", "Kept in the journal"),
      by: text("as", "NAME", "Who decides (default local)"),
      group: texts("group", "GROUP", "A group you decide for")
    },
    [
      [`baton patches ${action} pat_01K8`, "the one that waits"],
      [`baton patches ${action} 2 --run @last --comment "looks right"`, "by its number"]
    ],
    (input) => ({
      _tag: "PatchesDecide",
      action,
      patch: input.patch,
      group: input.group,
      run: orUndefined(input.run),
      comment: orUndefined(input.comment),
      by: orUndefined(input.by)
    })
  )

const named = { patch: patchArgument, run: runFlag }

export const patches = Command.make("patches").pipe(
  Command.withDescription("Changes of running plans: look at them, decide, take them back"),
  Command.withSubcommands([
    leaf("list", "Patches that wait for a review; with --run all of that run", { run: runFlag }, [
      ["baton patches list", "what waits for people, over all runs"],
      ["baton patches list --run @last", "the story of one plan"]
    ], (input) => ({ _tag: "PatchesList", run: orUndefined(input.run) })),
    leaf("show", "What a patch does: words, plan before and after, what it may do and cost", named, [
      ["baton patches show pat_01K8", "the one that waits"],
      ["baton patches show 1 --run @last --json", "with its operations"]
    ], (input) => ({ _tag: "PatchesShow", ...input, run: orUndefined(input.run) })),
    leaf("diff", "The canonical plan before and after a patch, line by line", named, [
      ["baton patches diff 1 --run @last", "removed lines with -, new ones with +"]
    ], (input) => ({ _tag: "PatchesDiff", ...input, run: orUndefined(input.run) })),
    decision("approve", "Let a patch into the plan; the rules are checked again"),
    decision("reject", "Keep a patch out of the plan"),
    leaf(
      "revert",
      "Take an applied patch back, while nothing of it has started",
      { ...named, reason: text("reason", "TEXT", "Why; kept in the journal") },
      [["baton patches revert 1 --run @last", "as an inverse patch"]],
      (input) => ({ _tag: "PatchesRevert", ...input, run: orUndefined(input.run), reason: orUndefined(input.reason) })
    )
  ])
)
