/** Every command, its arguments and flags: one table for parsing, help and completion. */
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Completions from "effect/cli/Completions"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { approvals } from "./ApprovalsTree.ts"
import { budgetFlag, unknownPriceFlag } from "./BudgetFlag.ts"
import { handlersFlag, inputFlag, leaf, setFlag, waiting } from "./CommandLeaf.ts"
import * as GlobalFlags from "./GlobalFlags.ts"
import { audit, keys } from "./KeysTree.ts"
import { deadletters } from "./OperatorsTree.ts"
import { patches } from "./PatchesTree.ts"
import { receipts } from "./ReceiptsTree.ts"
import { runs } from "./RunsTree.ts"
import { config, dev, serve } from "./ServeTree.ts"
import { usage } from "./UsageTree.ts"
import { webhooks } from "./WebhooksTree.ts"

const { text, texts, toggle } = GlobalFlags
const orUndefined = Option.getOrUndefined

const fileArgument = Argument.String("file").pipe(Argument.withDescription("A flow document, YAML or JSON; - is stdin"))

const flowArgument = Argument.String("flow").pipe(
  Argument.withDescription("A flow file (YAML or JSON), - for stdin, or NAME[@VERSION]")
)

const run = leaf(
  "run",
  "Run a flow and wait for its end",
  {
    flow: flowArgument,
    set: setFlag,
    input: inputFlag,
    detach: toggle("detach", "Only submit; do not execute or wait").pipe(Flag.withAlias("d")),
    handlers: handlersFlag,
    agent: texts("agent", "NAME=AGENT", "Bind an agent of the flow to a registered one"),
    tag: texts("tag", "KEY=VALUE", "Label the run"),
    budget: budgetFlag,
    allowUnknownPrice: unknownPriceFlag,
    as: text("as", "NAME", "Who starts it (default local): an approval may be closed to that person"),
    ...waiting
  },
  [
    ["baton run hello.yaml -i name=Ada", "run a file with one input field"],
    ["baton run report.yaml --input in.json --json | jq .output", "the run as one JSON document"],
    ["baton run report.yaml --budget 0.50", "spends at most half a dollar; then it waits and asks"],
    ["baton run enrich.yaml --handlers ./handlers.ts --strict", "own functions; warnings fail the command"]
  ],
  (input) => ({
    _tag: "RunFlow",
    ...input,
    input: orUndefined(input.input),
    handlers: orUndefined(input.handlers),
    budget: orUndefined(input.budget),
    as: orUndefined(input.as),
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

const secretName = Argument.String("name").pipe(Argument.withDescription("Such as GITHUB_TOKEN"))

const secrets = Command.make("secrets").pipe(
  Command.withDescription("Secrets for http steps, agents and tools; values are never shown"),
  Command.withSubcommands([
    leaf(
      "set",
      "Store a secret; its value comes from stdin or a hidden prompt",
      {
        name: secretName,
        host: texts("host", "HOST", "A host it may be sent to, such as *.example.com")
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
  Command.withDescription("Check, publish, compare and draw flow documents"),
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
        flow: flowArgument,
        canonical: toggle("canonical", "The canonical form that Baton stores, hashes and patches")
      },
      [
        ["baton flows show flow.yaml", "its nodes and what they need"],
        ["baton flows show flow.yaml --canonical", "the canonical JSON"],
        ["baton flows show report@1.2.0", "a published version"]
      ],
      (input) => ({ _tag: "FlowsShow", ...input })
    ),
    leaf("publish", "Publish a flow document under its name and version, which never changes", { file: fileArgument }, [
      ["baton flows publish report.yaml", "then: baton run report"],
      ["baton flows publish report.yaml --json | jq -r .hash", "its address"]
    ], (input) => ({ _tag: "FlowsPublish", ...input })),
    leaf("list", "Published flows, the newest version of each", {
      name: Argument.String("name").pipe(
        Argument.withDescription("All versions of this flow, newest first"),
        Argument.optional
      )
    }, [
      ["baton flows list", "names and newest versions"],
      ["baton flows list report", "its versions"]
    ], (input) => ({ _tag: "FlowsList", name: orUndefined(input.name) })),
    leaf("diff", "What one flow has that the other has not", {
      before: Argument.String("a").pipe(Argument.withDescription("A flow file, or NAME[@VERSION]")),
      after: Argument.String("b").pipe(Argument.withDescription("A flow file, or NAME[@VERSION]"))
    }, [
      ["baton flows diff report@1.0.0 report.yaml", "what publishing would change"],
      ["baton flows diff report@1.0.0 report@1.1.0 --json", "for programs"]
    ], (input) => ({ _tag: "FlowsDiff", ...input })),
    leaf("graph", "Draw a flow", { flow: flowArgument }, [
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

const commands = [
  run,
  research,
  dev,
  serve,
  config,
  runs,
  approvals,
  patches,
  deadletters,
  flows,
  receipts,
  usage,
  secrets,
  keys,
  audit,
  webhooks,
  backup,
  doctor
] as const

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
