/** The commands below `baton runs`. */
import type { RunStatus } from "@baton/contract/RunDocument"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { raiseFlag, unknownPriceFlag } from "./BudgetFlag.ts"
import { handlersFlag, inputFlag, leaf, runArgument, setFlag, waiting } from "./CommandLeaf.ts"
import * as GlobalFlags from "./GlobalFlags.ts"
import * as OperatorsTree from "./OperatorsTree.ts"
import * as PatchesTree from "./PatchesTree.ts"

const { duration, text, toggle } = GlobalFlags
const orUndefined = Option.getOrUndefined

const runsList = leaf(
  "list",
  "List runs, newest first",
  {
    status: Flag.Literals("status", [
      "pending",
      "planning",
      "running",
      "waiting",
      "succeeded",
      "warned",
      "failed",
      "cancelled"
    ]).pipe(
      Flag.withDescription("Only runs in this state; may be repeated"),
      Flag.atLeast(0),
      Flag.withDefault<ReadonlyArray<RunStatus>>([])
    ),
    flow: text("flow", "NAME", "Only runs of this flow"),
    waiting: toggle("waiting", "Only runs in which all that is open waits"),
    unknown: toggle("unknown", "Instead of runs: the steps whose call's outcome nobody knows, over all runs"),
    reason: text("reason", "NAME", "Instead of runs: the steps that wait for this reason, over all runs"),
    parent: text("parent", "RUN", "Only runs that this run has started"),
    roots: toggle("roots", "Only runs that no other run has started"),
    since: duration("since", "Only runs started at most this long ago").pipe(Flag.optional),
    after: text("after", "RUN", "The page after this run"),
    limit: Flag.Int("limit").pipe(Flag.withDescription("Runs per page, 1 to 1000"), Flag.withDefault(20))
  },
  [
    ["baton runs list --status failed --since 24h", "what failed today"],
    ["baton runs list --json | jq -r '.runs[].id'", "ids only"],
    ["baton runs list --unknown", "calls that may or may not have happened"],
    ["baton runs list --after run_01K8 --limit 100", "the next page"],
    ["baton runs list --parent @last", "the runs that its steps have started"]
  ],
  (input) => ({
    _tag: "RunsList",
    ...input,
    reason: orUndefined(input.reason),
    flow: orUndefined(input.flow),
    parent: orUndefined(input.parent),
    since: orUndefined(input.since),
    after: orUndefined(input.after)
  })
)

const runsShow = leaf("show", "Show a run: state, steps, output", { run: runArgument }, [
  ["baton runs show @last", "the newest run"],
  ["baton runs show run_01K8 --json", "a unique prefix is enough"],
  ["baton runs show @last --json | jq .metrics", "its numbers"]
], (input) => ({ _tag: "RunsShow", ...input }))

const runsWatch = leaf(
  "watch",
  "Follow a run until it ends; its outcome is the exit code",
  { run: runArgument, ...waiting },
  [
    ["baton runs watch @last", "the newest run"],
    ["baton runs watch @last --wait-timeout 10m", "at most ten minutes"],
    ["baton runs watch @last --progress jsonl", "events as JSON lines on stdout"]
  ],
  (input) => ({ _tag: "RunsWatch", ...input, waitTimeout: orUndefined(input.waitTimeout) })
)

const runsJournal = leaf(
  "journal",
  "The run's events, in order: the only truth about it",
  {
    run: runArgument,
    after: Flag.Int("after").pipe(Flag.withDescription("Only events after this sequence"), Flag.withDefault(0)),
    follow: toggle("follow", "Go on until the run ends").pipe(Flag.withAlias("f"))
  },
  [
    ["baton runs journal @last", "one line per event"],
    ["baton runs journal @last --format jsonl", "CloudEvents, one per line"],
    ["baton runs journal @last --after 120 --follow", "from a sequence on, live"]
  ],
  (input) => ({ _tag: "RunsJournal", ...input })
)

const runsExplain = leaf("explain", "Why is it not finished, and what would end the wait", { run: runArgument }, [
  ["baton runs explain @last", "every reason with its door"],
  ["baton runs explain @last --json", "for programs"],
  ["baton runs explain run_01K8", "any run"]
], (input) => ({ _tag: "RunsExplain", ...input }))

const runsLogs = leaf(
  "logs",
  "What the steps wrote",
  {
    run: runArgument,
    step: text("step", "PATH", "Only this step, such as fetch or research[3]"),
    follow: toggle("follow", "Go on until the run ends").pipe(Flag.withAlias("f"))
  },
  [
    ["baton runs logs @last", "all steps"],
    ["baton runs logs @last --step 'research[3]'", "one item"],
    ["baton runs logs @last -f", "live"]
  ],
  (input) => ({ _tag: "RunsLogs", ...input, step: orUndefined(input.step) })
)

const runsSend = leaf(
  "send",
  "Send an event to a run that waits for it, or will",
  {
    run: runArgument,
    name: Argument.String("name").pipe(Argument.withDescription("The event's name")),
    set: setFlag,
    input: inputFlag,
    id: text("id", "ID", "Event id: sent twice, it counts once")
  },
  [
    ["baton runs send @last acknowledged -i by=ana", "with one field"],
    ["baton runs send @last payload --input data.json", "with a document"],
    ["baton runs send @last paid --id inv-17", "safe to repeat"]
  ],
  (input) => ({ _tag: "RunsSend", ...input, input: orUndefined(input.input), id: orUndefined(input.id) })
)

const runsCancel = leaf(
  "cancel",
  "Cancel a run; running steps are told to stop",
  { run: runArgument, reason: text("reason", "TEXT", "Kept in the journal"), as: GlobalFlags.actor },
  [
    ["baton runs cancel @last", "the newest run"],
    ["baton runs cancel run_01K8 --reason \"wrong input\"", "with a reason"],
    ["baton runs cancel @last --json", "for programs"]
  ],
  (input) => ({ _tag: "RunsCancel", ...input, reason: orUndefined(input.reason), as: orUndefined(input.as) })
)

const runsPause = leaf("pause", "Start no new steps until the run is resumed", {
  run: runArgument,
  as: GlobalFlags.actor
}, [
  ["baton runs pause @last", "running steps finish"]
], (input) => ({ _tag: "RunsPause", ...input, as: orUndefined(input.as) }))

const runsResume = leaf(
  "resume",
  "Take up a paused run, or one whose process died, and wait for its end",
  {
    run: runArgument,
    handlers: handlersFlag,
    detach: toggle("detach", "Do not wait").pipe(Flag.withAlias("d")),
    budget: raiseFlag,
    allowUnknownPrice: unknownPriceFlag,
    as: GlobalFlags.actor,
    ...waiting
  },
  [
    ["baton runs resume @last", "after Ctrl-C or a crash"],
    ["baton runs resume @last --handlers ./handlers.ts", "when the flow calls functions"],
    ["baton runs resume @last --budget +0.50", "add to its budget; what waited for it goes on"],
    ["baton runs resume run_01K8 --detach", "only lift a pause"]
  ],
  (input) => ({
    _tag: "RunsResume",
    ...input,
    as: orUndefined(input.as),
    budget: orUndefined(input.budget),
    handlers: orUndefined(input.handlers),
    waitTimeout: orUndefined(input.waitTimeout)
  })
)

const runsDelete = leaf("delete", "Delete a finished run and everything that belongs to it", { run: runArgument }, [
  ["baton runs delete run_01K8", "asks first"],
  ["baton runs delete run_01K8 -y", "does not ask"]
], (input) => ({ _tag: "RunsDelete", ...input }))

const runsPrune = leaf(
  "prune",
  "Delete runs that ended long ago",
  {
    olderThan: duration("older-than", "Ended at least this long ago (default 30d)").pipe(
      Flag.withDefault(2_592_000_000)
    )
  },
  [["baton runs prune --older-than 7d -y", "without asking"]],
  (input) => ({ _tag: "RunsPrune", ...input })
)

export const runs = Command.make("runs").pipe(
  Command.withDescription("Look at runs and steer them"),
  Command.withSubcommands([
    runsList,
    runsShow,
    runsWatch,
    runsJournal,
    runsExplain,
    runsLogs,
    runsSend,
    runsCancel,
    runsPause,
    runsResume,
    PatchesTree.runsPatch,
    PatchesTree.runsGraph,
    OperatorsTree.runsRetry,
    OperatorsTree.runsSkip,
    OperatorsTree.runsAbort,
    OperatorsTree.runsFork,
    OperatorsTree.runsDiff,
    runsDelete,
    runsPrune
  ])
)
