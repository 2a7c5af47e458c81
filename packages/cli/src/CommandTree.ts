/** Every command, its arguments and flags: one table for parsing, help and completion. Handlers only say what was asked. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Completions from "effect/cli/Completions"
import * as Flag from "effect/cli/Flag"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Failure from "./Failure.ts"
import * as GlobalFlags from "./GlobalFlags.ts"
import type { Globals, Request } from "./Invocation.ts"

/** Takes what was asked for. */
export class Sink extends Context.Service<Sink, {
  readonly accept: (request: Request, globals: Globals | Failure.Failure) => void
}>()("baton/cli/Sink") {}

const { duration, text, texts, toggle } = GlobalFlags
const orUndefined = Option.getOrUndefined

const leaf = <const Name extends string, const Config extends Command.Command.Config>(
  name: Name,
  description: string,
  config: Config,
  examples: ReadonlyArray<readonly [command: string, description: string]>,
  request: (input: Command.Command.Config.Infer<Config>) => Request
) =>
  Command.make(name, config, (input: Command.Command.Config.Infer<Config>) =>
    Effect.gen(function*() {
      const globals = yield* GlobalFlags.root
      const sink = yield* Sink
      sink.accept(request(input), GlobalFlags.resolve(globals))
    })).pipe(
      Command.withDescription(description),
      Command.withExamples(examples.map(([command, description]) => ({ command, description })))
    )

const runArgument = Argument.String("run").pipe(
  Argument.withDescription("A run id, a unique prefix of one, or @last")
)
const fileArgument = Argument.String("file").pipe(Argument.withDescription("A flow document, YAML or JSON; - is stdin"))

const waiting = {
  strict: toggle("strict", "Warnings count: exit 10 when the run ends with some"),
  waitTimeout: duration("wait-timeout", "Stop waiting after this long (exit 6)").pipe(Flag.optional)
}
const setFlag = texts("set", "KEY=VALUE", "One field of the input; JSON where it parses as such, else text").pipe(
  Flag.withAlias("i")
)
const inputFlag = text("input", "FILE|-", "The whole input as JSON, from a file or stdin")
const handlersFlag = text("handlers", "FILE", "Module whose exports are the flow's functions")

const run = leaf(
  "run",
  "Run a flow and wait for its end",
  {
    flow: Argument.String("flow").pipe(
      Argument.withDescription("A flow file (YAML or JSON), - for stdin, or NAME[@VERSION]")
    ),
    set: setFlag,
    input: inputFlag,
    detach: toggle("detach", "Only submit; do not execute or wait").pipe(Flag.withAlias("d")),
    handlers: handlersFlag,
    agent: texts("agent", "NAME=AGENT", "Bind an agent of the flow to a registered one"),
    tag: texts("tag", "KEY=VALUE", "Label the run"),
    ...waiting
  },
  [
    ["baton run hello.yaml -i name=Ada", "run a file with one input field"],
    ["baton run report.yaml --input in.json --json | jq .output", "the run as one JSON document"],
    ["baton run enrich.yaml --handlers ./handlers.ts --strict", "own functions; warnings fail the command"]
  ],
  (input) => ({
    _tag: "RunFlow",
    ...input,
    input: orUndefined(input.input),
    handlers: orUndefined(input.handlers),
    waitTimeout: orUndefined(input.waitTimeout)
  })
)

const research = leaf(
  "research",
  "Research a question over documents and write a cited report",
  {
    question: Argument.String("question").pipe(Argument.withDescription("What to find out")),
    files: texts("files", "DIR|GLOB", "Documents to read (default: the shipped ones)"),
    out: text("out", "FILE", "Write the report here instead of stdout").pipe(Flag.withAlias("o")),
    engine: Flag.Literals("engine", ["extractive", "llm"]).pipe(
      Flag.withDescription("extractive needs no model; llm needs a key"),
      Flag.withDefault("extractive" as const)
    ),
    model: text("model", "REF", "Model of the llm engine, as provider/name"),
    ...waiting
  },
  [
    ["baton research \"What limits solid-state batteries?\"", "over the shipped documents"],
    ["baton research \"What changed in v3?\" --files docs/ -o report.md", "over your own files"],
    ["baton research \"…\" --engine llm --model anthropic/claude-sonnet-4-5", "with a model"]
  ],
  (input) => ({
    _tag: "Research",
    ...input,
    out: orUndefined(input.out),
    model: orUndefined(input.model),
    waitTimeout: orUndefined(input.waitTimeout)
  })
)

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
    ]).pipe(Flag.withDescription("Only runs in this state; may be repeated"), Flag.atLeast(0)),
    flow: text("flow", "NAME", "Only runs of this flow"),
    since: duration("since", "Only runs started at most this long ago").pipe(Flag.optional),
    after: text("after", "RUN", "The page after this run"),
    limit: Flag.Int("limit").pipe(Flag.withDescription("Runs per page, 1 to 1000"), Flag.withDefault(20))
  },
  [
    ["baton runs list --status failed --since 24h", "what failed today"],
    ["baton runs list --json | jq -r '.runs[].id'", "ids only"],
    ["baton runs list --after run_01K8 --limit 100", "the next page"]
  ],
  (input) => ({
    _tag: "RunsList",
    ...input,
    flow: orUndefined(input.flow),
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
  { run: runArgument, reason: text("reason", "TEXT", "Kept in the journal") },
  [
    ["baton runs cancel @last", "the newest run"],
    ["baton runs cancel run_01K8 --reason \"wrong input\"", "with a reason"],
    ["baton runs cancel @last --json", "for programs"]
  ],
  (input) => ({ _tag: "RunsCancel", ...input, reason: orUndefined(input.reason) })
)

const runsPause = leaf("pause", "Start no new steps until the run is resumed", { run: runArgument }, [
  ["baton runs pause @last", "running steps finish"]
], (input) => ({ _tag: "RunsPause", ...input }))

const runsResume = leaf(
  "resume",
  "Take up a paused run, or one whose process died, and wait for its end",
  {
    run: runArgument,
    handlers: handlersFlag,
    detach: toggle("detach", "Do not wait").pipe(Flag.withAlias("d")),
    ...waiting
  },
  [
    ["baton runs resume @last", "after Ctrl-C or a crash"],
    ["baton runs resume @last --handlers ./handlers.ts", "when the flow calls functions"],
    ["baton runs resume run_01K8 --detach", "only lift a pause"]
  ],
  (input) => ({
    _tag: "RunsResume",
    ...input,
    handlers: orUndefined(input.handlers),
    waitTimeout: orUndefined(input.waitTimeout)
  })
)

const runsResolve = leaf(
  "resolve",
  "Decide a step that waits for an operator",
  {
    run: runArgument,
    step: Argument.String("step").pipe(Argument.withDescription("The step's path")),
    action: Flag.Literals("action", ["retry", "skip", "abort"]).pipe(Flag.withDescription("What to do with it")),
    output: text("output", "JSON", "With skip: the output to go on with"),
    note: text("note", "TEXT", "Kept in the journal")
  },
  [
    ["baton runs resolve @last charge --action retry", "try again"],
    ["baton runs resolve @last charge --action skip --output '{\"id\":\"ch_1\"}'", "it happened; go on with this"],
    ["baton runs resolve @last charge --action abort", "fail the step"]
  ],
  (input) => ({ _tag: "RunsResolve", ...input, output: orUndefined(input.output), note: orUndefined(input.note) })
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

const runs = Command.make("runs").pipe(
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
    runsResolve,
    runsDelete,
    runsPrune
  ])
)

const secretName = Argument.String("name").pipe(Argument.withDescription("Such as GITHUB_TOKEN"))

const secrets = Command.make("secrets").pipe(
  Command.withDescription("Secrets for http steps, agents and tools; values are never shown"),
  Command.withSubcommands([
    leaf(
      "set",
      "Store a secret; its value comes from stdin or a hidden prompt",
      {
        name: secretName,
        host: texts("host", "HOST", "A host it may be sent to; may be repeated, *.example.com works")
      },
      [
        ["baton secrets set GITHUB_TOKEN --host api.github.com", "asks for the value"],
        ["printf %s \"$TOKEN\" | baton secrets set GITHUB_TOKEN --host api.github.com", "from a pipe"]
      ],
      (input) => ({ _tag: "SecretsSet", ...input })
    ),
    leaf(
      "list",
      "Names, hosts and sources",
      {},
      [["baton secrets list", "never a value"]],
      () => ({ _tag: "SecretsList" })
    ),
    leaf("remove", "Forget a secret", { name: secretName }, [
      ["baton secrets remove GITHUB_TOKEN", "asks first"]
    ], (input) => ({ _tag: "SecretsRemove", ...input }))
  ])
)

const flows = Command.make("flows").pipe(
  Command.withDescription("Check and draw flow documents"),
  Command.withSubcommands([
    leaf(
      "check",
      "Find everything that is wrong with flow documents (exit 11 when something is)",
      {
        files: Argument.String("file").pipe(
          Argument.withDescription("Flow documents; - is stdin"),
          Argument.variadic({ min: 1 })
        ),
        strict: toggle("strict", "Warnings count: exit 10")
      },
      [
        ["baton flows check flow.yaml", "every problem at once, with its line"],
        ["baton flows check flows/*.yaml --strict", "for CI"],
        ["baton flows check flow.yaml --json | jq .problems", "for programs"]
      ],
      (input) => ({ _tag: "FlowsCheck", ...input })
    ),
    leaf(
      "show",
      "Show a flow document",
      {
        file: fileArgument,
        canonical: toggle("canonical", "The canonical form that Baton stores, hashes and patches")
      },
      [
        ["baton flows show flow.yaml", "its nodes and what they need"],
        ["baton flows show flow.yaml --canonical", "the canonical JSON"]
      ],
      (input) => ({ _tag: "FlowsShow", ...input })
    ),
    leaf("graph", "Draw a flow", { file: fileArgument }, [
      ["baton flows graph flow.yaml", "as text"],
      ["baton flows graph flow.yaml --format mermaid > flow.mmd", "as a Mermaid diagram"]
    ], (input) => ({ _tag: "FlowsGraph", ...input }))
  ])
)

const backup = leaf(
  "backup",
  "Copy the store into one new file while runs go on",
  { file: Argument.String("file").pipe(Argument.withDescription("Where to; it must not exist")) },
  [["baton backup baton-2026-11-21.db", "restore by using it as a store"]],
  (input) => ({ _tag: "Backup", ...input })
)

const doctor = leaf("doctor", "Check this machine and the store; every finding has a fix", {}, [
  ["baton doctor", "exit 11 when something is wrong"],
  ["baton doctor --json", "for a report"]
], () => ({ _tag: "Doctor" }))

const commands = [run, research, runs, flows, secrets, backup, doctor] as const

const described = GlobalFlags.root.pipe(
  Command.withDescription("Durable agent workflows: flows that survive anything"),
  Command.withExamples([
    { command: "baton run hello.yaml -i name=Ada", description: "run a flow and wait for it" },
    { command: "baton research \"What limits solid-state batteries?\" -o report.md", description: "a cited report" },
    { command: "baton runs explain @last", description: "why is it not moving?" }
  ])
)

const completion = leaf(
  "completion",
  "Print a completion script for your shell",
  { shell: Argument.Literals("shell", ["bash", "zsh", "fish"]) },
  [
    ["source <(baton completion bash)", "bash, this session"],
    ["baton completion zsh > ~/.zfunc/_baton", "zsh"],
    ["baton completion fish > ~/.config/fish/completions/baton.fish", "fish"]
  ],
  (input) => ({
    _tag: "Completion",
    script: Completions.generate(
      "baton",
      input.shell,
      Completions.fromCommand(described.pipe(Command.withSubcommands(commands)))
    )
  })
)

export const cli = described.pipe(Command.withSubcommands([...commands, completion]))
