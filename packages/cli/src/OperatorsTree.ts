/** What operators do, below `baton runs` and `baton deadletters`. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { unknownPriceFlag } from "./BudgetFlag.ts"
import { handlersFlag, inputFlag, leaf, runArgument, setFlag, waiting } from "./CommandLeaf.ts"
import * as GlobalFlags from "./GlobalFlags.ts"

const { duration, text, toggle } = GlobalFlags
const orUndefined = Option.getOrUndefined

const stepArgument = Argument.String("step").pipe(
  Argument.withDescription("The step's path, such as charge or research[3]")
)
const noteFlag = text("note", "TEXT", "Why; kept in the journal")
const asFlag = GlobalFlags.actor
const allowFlag = toggle(
  "allow-irreversible",
  "Irreversible steps that the run had started run again without asking"
)
const detachFlag = toggle("detach", "Do not wait").pipe(Flag.withAlias("d"))

export const runsRetry = leaf(
  "retry",
  "Try a waiting step again; or run a finished run once more as a new run, keeping what succeeded",
  {
    run: runArgument,
    step: stepArgument.pipe(Argument.optional),
    delay: duration("delay", "Wait this long first, at most 10m").pipe(Flag.optional),
    modify: text("modify", "JSON", "A JSON Merge Patch on the step's input"),
    note: noteFlag,
    as: asFlag,
    allowIrreversible: allowFlag,
    handlers: handlersFlag,
    detach: detachFlag,
    ...waiting
  },
  [
    ["baton runs retry @last charge --delay 30s", "try the waiting step again, in half a minute"],
    ["baton runs retry @last charge --modify '{\"amount\": 5}'", "with another input"],
    ["baton runs retry run_01K8", "a failed run once more, as a new run"]
  ],
  (input) => ({
    _tag: "RunsRetry",
    ...input,
    step: orUndefined(input.step),
    delay: orUndefined(input.delay),
    modify: orUndefined(input.modify),
    note: orUndefined(input.note),
    as: orUndefined(input.as),
    handlers: orUndefined(input.handlers),
    waitTimeout: orUndefined(input.waitTimeout)
  })
)

export const runsSkip = leaf(
  "skip",
  "Settle a waiting step with an output of yours, and go on",
  {
    run: runArgument,
    step: stepArgument,
    output: text("output", "JSON", "What it goes on with (default null)"),
    note: noteFlag,
    as: asFlag
  },
  [
    ["baton runs skip @last charge --output '{\"id\":\"ch_1\"}'", "it happened; go on with this"],
    ["baton runs skip @last notify --note \"told by phone\"", "go on without it"]
  ],
  (input) => ({
    _tag: "RunsSkip",
    ...input,
    output: orUndefined(input.output),
    note: orUndefined(input.note),
    as: orUndefined(input.as)
  })
)

export const runsAbort = leaf(
  "abort",
  "Fail a waiting step for good",
  { run: runArgument, step: stepArgument, note: noteFlag, as: asFlag },
  [["baton runs abort @last charge --note \"the customer withdrew\"", "the run ends, or goes its failure's way"]],
  (input) => ({ _tag: "RunsAbort", ...input, note: orUndefined(input.note), as: orUndefined(input.as) })
)

export const runsFork = leaf(
  "fork",
  "Branch a run: a new run that keeps what had settled, and runs what you change",
  {
    run: runArgument,
    at: Flag.Int("at").pipe(
      Flag.withMetavar("SEQ"),
      Flag.withDescription("As of this event (baton runs journal RUN); default its last"),
      Flag.optional
    ),
    set: setFlag,
    input: inputFlag,
    flow: text("flow", "FLOW", "Another flow: a file, or NAME[@VERSION]"),
    patch: text("patch", "FILE|-", "A JSON Patch (RFC 6902) on its canonical flow"),
    allowUnknownPrice: unknownPriceFlag,
    note: noteFlag,
    as: asFlag,
    allowIrreversible: allowFlag,
    handlers: handlersFlag,
    detach: detachFlag,
    ...waiting
  },
  [
    ["baton runs fork @last --flow better.yaml", "another prompt: what it changes runs again"],
    ["baton runs fork run_01K8 -i city=Rome", "one field of the input is another one"],
    ["baton runs fork run_01K8 --at 12 --detach", "from an event on; run it later"]
  ],
  (input) => ({
    _tag: "RunsFork",
    ...input,
    at: orUndefined(input.at),
    input: orUndefined(input.input),
    flow: orUndefined(input.flow),
    patch: orUndefined(input.patch),
    note: orUndefined(input.note),
    as: orUndefined(input.as),
    handlers: orUndefined(input.handlers),
    waitTimeout: orUndefined(input.waitTimeout)
  })
)

export const runsDiff = leaf(
  "diff",
  "Two runs side by side: steps, outputs, times, cost",
  {
    a: Argument.String("a").pipe(Argument.withDescription("A run id, a unique prefix of one, or @last")),
    b: Argument.String("b").pipe(Argument.withDescription("The run it is compared with"))
  },
  [
    ["baton runs diff run_01K8 @last", "a run and its fork"],
    ["baton runs diff run_01K8 run_01K9 --json", "for programs"]
  ],
  (input) => ({ _tag: "RunsDiff", ...input })
)

const letterArgument = Argument.String("id").pipe(Argument.withDescription("A dead letter, such as dl_12"))

const lettersList = leaf(
  "list",
  "List dead letters, newest first",
  {
    state: Flag.Literals("state", ["open", "reprocessed", "discarded", "all"]).pipe(
      Flag.withDescription("Only letters in this state"),
      Flag.withDefault("open" as const)
    ),
    run: text("run", "RUN", "Only letters of this run"),
    after: text("after", "ID", "The page after this letter"),
    limit: Flag.Int("limit").pipe(Flag.withDescription("Letters per page, 1 to 1000"), Flag.withDefault(20))
  },
  [
    ["baton deadletters list", "what waits to be looked at"],
    ["baton deadletters list --state all --json", "what became of each"]
  ],
  (input) => ({ _tag: "LettersList", ...input, run: orUndefined(input.run), after: orUndefined(input.after) })
)

export const deadletters = Command.make("deadletters").pipe(
  Command.withDescription("Attempts after which nothing went on by itself: look at them, reprocess or discard them"),
  Command.withSubcommands([
    lettersList,
    leaf("show", "Show a dead letter and what became of it", { id: letterArgument }, [
      ["baton deadletters show dl_12", "its error, its run, who settled it"]
    ], (input) => ({ _tag: "LettersShow", ...input })),
    leaf(
      "reprocess",
      "Try it again: the waiting step, or the step of a finished run in a new run",
      {
        id: letterArgument,
        modify: text("modify", "JSON", "A JSON Merge Patch on the step's input"),
        note: noteFlag,
        as: asFlag,
        allowIrreversible: allowFlag,
        handlers: handlersFlag,
        detach: detachFlag,
        ...waiting
      },
      [
        ["baton deadletters reprocess dl_12 --handlers ./handlers.ts", "and wait for the new run"],
        ["baton deadletters reprocess dl_12 --modify '{\"url\": \"https://b.example\"}' --detach", "with another input"]
      ],
      (input) => ({
        _tag: "LettersReprocess",
        ...input,
        modify: orUndefined(input.modify),
        note: orUndefined(input.note),
        as: orUndefined(input.as),
        handlers: orUndefined(input.handlers),
        waitTimeout: orUndefined(input.waitTimeout)
      })
    ),
    leaf("discard", "Let it be; it stays on record", { id: letterArgument, note: noteFlag, as: asFlag }, [
      ["baton deadletters discard dl_12 --note \"a test\"", "with a reason"]
    ], (input) => ({ _tag: "LettersDiscard", ...input, note: orUndefined(input.note), as: orUndefined(input.as) }))
  ])
)
