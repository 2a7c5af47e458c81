import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CommandLine from "../src/CommandLine.ts"
import * as CommandTree from "../src/CommandTree.ts"

const parse = (line: string) => Effect.runSync(CommandLine.parse(line === "" ? [] : line.split(" ")))

const request = (line: string) => {
  const parsed = parse(line)
  return parsed._tag === "Invocation" ? parsed.invocation : assert.fail(JSON.stringify(parsed))
}

const refusal = (line: string) => {
  const parsed = parse(line)
  return parsed._tag === "Refused" ? parsed.failures[0]! : assert.fail(JSON.stringify(parsed))
}

describe("CommandLine", () => {
  it("reads a full run line, flags before and after the command alike", () => {
    const line =
      "--json run flow.yaml -i a=1 -i b=x=y --agent r=s --tag team=x --handlers h.ts --strict --wait-timeout 10m -q"
    assert.deepStrictEqual(request(line), {
      request: {
        _tag: "RunFlow",
        flow: "flow.yaml",
        set: ["a=1", "b=x=y"],
        input: undefined,
        detach: false,
        handlers: "h.ts",
        agent: ["r=s"],
        tag: ["team=x"],
        budget: undefined,
        allowUnknownPrice: false,
        as: undefined,
        strict: true,
        waitTimeout: 600_000
      },
      globals: {
        data: undefined,
        server: undefined,
        log: undefined,
        format: "json",
        progress: "auto",
        color: "auto",
        noInput: false,
        yes: false,
        quiet: true,
        verbose: false
      }
    })
  })

  it("takes a lone dash for stdin, and what follows -- as it is", () => {
    assert.deepInclude(request("run - --input in.json").request, { flow: "-", input: "in.json" })
    assert.deepInclude(request("runs skip @last -- -odd").request, { run: "@last", step: "-odd" })
  })

  for (
    const [line, code, hint] of [
      ["rnus list", "UNKNOWN_COMMAND", "baton runs"],
      ["reserach x", "UNKNOWN_COMMAND", "baton research"],
      ["runs shwo", "UNKNOWN_COMMAND", "baton runs show"],
      ["frobnicate", "UNKNOWN_COMMAND", "baton --help"],
      ["run x --detahc", "UNKNOWN_FLAG", "--detach"],
      ["run x --jsno", "UNKNOWN_FLAG", "--json"],
      ["run x --xyzzy", "UNKNOWN_FLAG", "baton run --help"],
      ["runs show", "MISSING_ARGUMENT", "baton runs show --help"],
      ["runs skip r", "MISSING_ARGUMENT", "baton runs skip --help"],
      ["runs list --limit many", "INVALID_VALUE", "baton runs list --help"],
      ["run x --wait-timeout soon", "INVALID_VALUE", "baton run --help"],
      ["runs show a b", "UNEXPECTED_ARGUMENT", "baton runs show --help"],
      ["runs list --json --format tsv", "FLAGS_CONFLICT", undefined]
    ] as const
  ) {
    it(`${line}: ${code}, try ${hint}`, () => {
      const failure = refusal(line)
      assert.deepStrictEqual([failure.code, failure.hint, failure.exit], [code, hint, 2])
    })
  }

  it("does not repeat a secret that was typed on the command line", () => {
    assert.notInclude(JSON.stringify(parse("secrets set TOKEN hunter2")), "hunter2")
    assert.notInclude(JSON.stringify(parse("secrets set TOKEN --value hunter2")), "hunter2")
  })

  it("every command has a description and an example of itself", () => {
    const visit = (command: typeof CommandTree.cli.subcommands[number]["commands"][number], path: string): void => {
      const full = `${path} ${command.name}`
      assert.isNotEmpty(command.description ?? "", full)
      for (const group of command.subcommands) for (const sub of group.commands) visit(sub, full)
      if (command.subcommands.length > 0) return
      assert.isNotEmpty(command.examples, full)
      for (const example of command.examples) assert.include(example.command, full, full)
    }
    for (const group of CommandTree.cli.subcommands) for (const command of group.commands) visit(command, "baton")
  })
})
