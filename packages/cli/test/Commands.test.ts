import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import { createHash } from "node:crypto"
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import * as CommandLine from "../src/CommandLine.ts"
import { exitCodes } from "../src/ExitCode.ts"
import * as FakeClient from "./FakeClient.ts"
import { baton } from "./Harness.ts"

const directory = mkdtempSync(join(tmpdir(), "baton-cli-"))
const file = (name: string, text: string): string => {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}
const hello = file("hello.yaml", "name: hello\n")

const last = (text: string): string => text.trimEnd().split("\n").at(-1)!

describe("baton run", () => {
  it.live("prints a stable line and the output on stdout, progress and verdict on stderr", () =>
    Effect.gen(function*() {
      const { err, out } = yield* baton(["run", "hello"])
      assert.strictEqual(out, "run_0001 started flow=hello version=1.0.0\n{\n  \"greeting\": \"Hello Ada\"\n}\n")
      assert.strictEqual(
        err.replaceAll(/\d\d:\d\d:\d\dZ/g, "T"),
        [
          "T run_0001 started flow=hello version=1.0.0",
          "T greet succeeded",
          "T send succeeded",
          "T run_0001 succeeded",
          "baton: run=run_0001 state=succeeded exit=0",
          ""
        ].join("\n")
      )
    }))

  it.live("under --json stdout is one document: the run", () =>
    Effect.gen(function*() {
      const { out } = yield* baton(["run", "failing", "--json"])
      const document = JSON.parse(out)
      assert.strictEqual(document.schema, "baton.run/1")
      assert.deepStrictEqual(document.error, { code: "HTTP_500", message: "the server said 500", path: "greet" })
    }))

  it.live("under --progress jsonl stdout is the events, one envelope per line, and nothing else", () =>
    Effect.gen(function*() {
      const { err, out } = yield* baton(["run", "hello", "--progress", "jsonl"])
      const types = out.trimEnd().split("\n").map((line) => JSON.parse(line).type)
      assert.strictEqual(types[0], "orchestration.run.created")
      assert.strictEqual(types.at(-1), "orchestration.run.completed")
      assert.strictEqual(err, "baton: run=run_0001 state=succeeded exit=0\n")
    }))

  it.live("the verdict of a failed run names step and code, in the last line", () =>
    Effect.map(baton(["run", "failing", "-q"]), ({ err }) => {
      assert.strictEqual(last(err), "baton: run=run_0001 state=failed step=greet code=HTTP_500 exit=3")
      assert.include(err, "error[HTTP_500]: the server said 500 (step greet)\n  try: baton runs show run_0001\n")
    }))

  it.live("says who must do what when a person is needed and nobody can be asked", () =>
    Effect.map(baton(["run", "human", "--data", "my runs"]), ({ err }) => {
      assert.include(err, "error[HUMAN_NEEDED]: run_0001 waits for a decision")
      assert.include(
        err,
        "  why: greet: nobody knows whether the call was made\n  try: baton runs retry|skip|abort run_0001 greet"
      )
      assert.include(err, "  resume: baton runs resume run_0001 --data 'my runs'\n")
      assert.strictEqual(last(err), "baton: run=run_0001 state=waiting exit=5")
    }))

  it.live("goes on waiting for a person who sits there, until told to stop; then leaves the way back", () =>
    Effect.gen(function*() {
      const answer = yield* baton(["run", "human"], {
        terminals: ["stdin", "stdout", "stderr"],
        environment: { term: "xterm", lang: "C.UTF-8" },
        interruptAt: "needs you"
      })
      assert.strictEqual(answer.exit, undefined)
      assert.deepStrictEqual(answer.farewell, [
        "Stopped in order; nothing that finished is lost.",
        "resume: baton runs resume run_0001",
        "baton: run=run_0001 state=interrupted exit=130"
      ])
      assert.include(answer.err, "\u001b[?25l")
      assert.isTrue(answer.err.endsWith("\u001b[?25h"), "the cursor is given back")
    }))

  it.effect("gives a sign of life every 30 seconds when nothing happens", () =>
    Effect.gen(function*() {
      const done = yield* Deferred.make<void>()
      const heard = { text: "greet waiting", done }
      const running = yield* Effect.forkChild(baton(["run", "event", "--wait-timeout", "100s"], { heard }))
      yield* Deferred.await(done)
      yield* TestClock.adjust("101 seconds")
      const { err, exit } = yield* Fiber.join(running)
      assert.strictEqual(exit, 6)
      assert.deepStrictEqual(err.split("\n").filter((line) => line.includes(" ... ")), [
        "00:00:30Z ... still running: 1 waiting, 1 pending, 0/2 done, 30s",
        "00:01:00Z ... still running: 1 waiting, 1 pending, 0/2 done, 1m00s",
        "00:01:30Z ... still running: 1 waiting, 1 pending, 0/2 done, 1m30s"
      ])
    }))

  it.live("an event that may still come is no reason to give up before the time is over", () =>
    Effect.map(baton(["run", "event", "--wait-timeout", "20ms"]), ({ err }) => {
      assert.include(err, "error[STOPPED_WAITING]: run_0001 is not over yet")
      assert.strictEqual(last(err), "baton: run=run_0001 state=waiting exit=6")
    }))

  it.live("makes output safe for a terminal and leaves it alone in a pipe", () =>
    Effect.gen(function*() {
      const onTerminal = yield* baton(["run", "text"], { terminals: ["stdout"] })
      assert.include(onTerminal.out, "red \\x1b[31malert\\x1b[0m\nsecond line\n")
      const piped = yield* baton(["run", "text"])
      assert.include(piped.out, "red \u001b[31malert\u001b[0m\nsecond line\n")
    }))

  it.live("types -i by the flow's schema, then as JSON, then as text; over the document of --input", () =>
    Effect.gen(function*() {
      const input = file("input.json", "{\"keep\": true, \"n\": 0}")
      const { seen } = yield* baton(
        [
          "run",
          hello,
          "--input",
          input,
          "-i",
          "zip=01234",
          "-i",
          "n=3",
          "-i",
          "who=Ada",
          "-i",
          "list=[1,2]",
          "-i",
          "__proto__=x"
        ]
      )
      const sent = seen.started[0]!.input
      assert.deepStrictEqual(
        sent,
        JSON.parse("{\"keep\":true,\"n\":3,\"zip\":\"01234\",\"who\":\"Ada\",\"list\":[1,2],\"__proto__\":\"x\"}")
      )
      assert.deepStrictEqual(seen.started[0]!.flow, { text: "name: hello\n", file: hello })
    }))

  it.live("takes the flow from stdin, a name with a version, agents and tags", () =>
    Effect.gen(function*() {
      const fromStdin = yield* baton(["run", "-"], { stdin: "name: hello" })
      assert.deepStrictEqual(fromStdin.seen.started[0]!.flow, { text: "name: hello", file: "<stdin>" })
      const named = yield* baton(["run", "hello@2.1.0", "--agent", "r=local/r", "--tag", "team=x", "--detach"])
      assert.deepStrictEqual(named.seen.started[0], {
        flow: { name: "hello", version: "2.1.0" },
        input: {},
        agents: { r: "local/r" },
        tags: { team: "x" },
        submitOnly: true
      })
      assert.strictEqual(named.out, "run_0001 submitted flow=hello version=1.0.0\n")
    }))

  it.live("a wrong flow shows every problem with its place, what is expected and the nearest name", () =>
    Effect.gen(function*() {
      const { err, out } = yield* baton(["run", "invalid", "--json"])
      assert.include(
        err,
        "error[FLOW_INVALID]: 1 problem\n  3:5: error[UNKNOWN_NODE_TYPE] at /nodes/greet: there is no node type \"agnet\"; " +
          "expected one of agent, http; did you mean agent?\n"
      )
      assert.deepInclude(JSON.parse(out), { schema: "baton.problem/1", code: "FLOW_INVALID", exit: 2 })
    }))

  it.live("opens the store where flag or environment say, without adopting other runs", () =>
    Effect.gen(function*() {
      const options = { handlers: undefined, adopt: false, execute: true, outputRoot: resolve("output") }
      const plain = yield* baton(["run", "hello"])
      assert.deepStrictEqual(plain.opened, [{ data: resolve(".baton"), ...options }])
      const environment = yield* baton(["run", "hello"], { environment: { data: "/tmp/there" } })
      assert.deepStrictEqual(environment.opened, [{ data: "/tmp/there", ...options }])
      const flag = yield* baton(["run", "hello", "--data", "/tmp/here"], { environment: { data: "/tmp/there" } })
      assert.deepStrictEqual(flag.opened, [{ data: "/tmp/here", ...options }])
    }))
})

describe("baton research", () => {
  it.live("binds the engine's agents and passes absolute files", () =>
    Effect.gen(function*() {
      const { seen } = yield* baton(["research", "why?", "--engine", "llm", "--model", "a/b", "--files", "docs"])
      assert.deepStrictEqual(seen.started[0], {
        flow: { name: "deep-research" },
        input: { question: "why?", files: [resolve("docs")] },
        agents: {
          planner: "research/llm/planner@a/b",
          researcher: "research/llm/researcher@a/b",
          writer: "research/llm/writer@a/b"
        },
        allowUnknownPrice: true,
        model: "a/b"
      })
    }))

  it.live("sends no path of this machine to a server elsewhere", () =>
    Effect.gen(function*() {
      const ask = (server: string, ...files: ReadonlyArray<string>) =>
        baton(["research", "why?", ...files.flatMap((file) => ["--files", file]), "--server", server])
      const refused = yield* ask("https://baton.example.com", "docs")
      assert.strictEqual(refused.exit, 2)
      assert.match(refused.err, /error\[NOT_OVER_HTTP\]: --files: documents of this machine cannot be asked of/)
      assert.match(refused.err, /try: --server none/)
      assert.deepStrictEqual(refused.seen.started, [])
      assert.strictEqual((yield* ask("https://baton.example.com")).seen.started.length, 1)
      for (const here of ["http://127.0.0.1:7411", "http://localhost:7411", "http://[::1]:7411"]) {
        assert.strictEqual((yield* ask(here, "docs")).seen.started.length, 1, here)
      }
    }))
})

describe("the report", () => {
  const report = "# Report\n\nOne sentence.\n"
  const written = join(directory, "written.md")
  const finished = {
    nodes: [["report", "agent"]],
    events: [[0, { type: "RunFinished", status: "succeeded", code: "SUCCEEDED", message: "" }]]
  } as const
  const output = (path: string) => ({ report: path, sha256: createHash("sha256").update(report).digest("hex") })
  const research = (path: string, ...args: ReadonlyArray<string>) => {
    const seen = FakeClient.nothingSeen()
    const flows = { "deep-research": { ...finished, output: output(path) } }
    return baton(["research", "why?", ...args], { seen, backend: () => FakeClient.layer(flows, seen) })
  }

  it.live("is the answer, and what -o writes, under --json and --progress jsonl too", () =>
    Effect.gen(function*() {
      writeFileSync(written, report)
      assert.strictEqual((yield* research(written)).out, report)
      for (const [index, flags] of [[], ["--json"], ["--progress", "jsonl"]].entries()) {
        const target = join(directory, `copy${index}.md`)
        const answer = yield* research(written, "-o", target, ...flags)
        assert.strictEqual(answer.exit, 0, answer.err)
        assert.strictEqual(readFileSync(target, "utf8"), report)
      }
    }))

  it.live("is refused when the file is no longer what the run wrote; the verdict still comes last", () =>
    Effect.gen(function*() {
      writeFileSync(written, `${report} and more`)
      const { err, exit, out } = yield* research(written, "-q")
      assert.deepStrictEqual([exit, out], [7, ""])
      assert.include(err, "error[REPORT_MISSING]")
      assert.strictEqual(last(err), "baton: run=run_0001 state=succeeded exit=7")
    }))

  it.live("that cannot be written says so and where it is kept", () =>
    Effect.gen(function*() {
      writeFileSync(written, report)
      const { err, exit } = yield* research(written, "-q", "-o", join(directory, "none", "x.md"))
      assert.strictEqual(exit, 2)
      assert.match(err, /error\[FILE_UNWRITABLE\].*\n.*the report is kept in the run/)
    }))
})

describe("baton runs", () => {
  const two = Effect.gen(function*() {
    const seen = FakeClient.nothingSeen()
    yield* baton(["run", "hello"], { seen })
    yield* baton(["run", "human"], { seen })
    return seen
  })

  it.live("list: a table, one document, lines, and tab-separated", () =>
    Effect.gen(function*() {
      const seen = yield* two
      const table = (yield* baton(["runs", "list"], { seen })).out.split("\n")
      assert.match(table[0]!, /^RUN +FLOW +STATUS +STARTED +TOOK +REASON$/)
      assert.match(table[1]!, /^run_0001 {2}hello@1\.0\.0 {2}succeeded {2}20/)
      const document = JSON.parse((yield* baton(["runs", "list", "--json"], { seen })).out)
      assert.deepStrictEqual([document.schema, document.runs.length, document.next], ["baton.runs/1", 2, null])
      const lines = (yield* baton(["runs", "list", "--format", "jsonl"], { seen })).out.trimEnd().split("\n")
      assert.deepStrictEqual(lines.map((line) => JSON.parse(line).id), ["run_0001", "run_0002"])
      const cells = (yield* baton(["runs", "list", "--format", "tsv"], { seen })).out.split("\n")[2]!.split("\t")
      assert.deepStrictEqual(cells.slice(0, 3), ["run_0002", "human@1.0.0", "waiting"])
      const page = JSON.parse((yield* baton(["runs", "list", "--limit", "1", "--json"], { seen })).out)
      assert.strictEqual(page.next, "run_0001")
    }))

  it.live("show, journal, explain and logs", () =>
    Effect.gen(function*() {
      const seen = yield* two
      const shown = (yield* baton(["runs", "show", "run_0001"], { seen })).out
      assert.match(shown, /^run_0001 {2}hello@1\.0\.0 {2}succeeded\n/)
      assert.include(shown, "greet  transform  succeeded  1")
      const journal = (yield* baton(["runs", "journal", "run_0001", "--after", "4"], { seen })).out
      assert.match(
        journal,
        /^ {5}5 {2}\S+ {2}orchestration\.step\.completed {2}send\n {5}6 {2}\S+ {2}orchestration\.run\.completed\n$/
      )
      const events = JSON.parse((yield* baton(["runs", "journal", "run_0001", "--json"], { seen })).out)
      assert.deepStrictEqual([events.schema, events.run, events.events.length], ["baton.journal/1", "run_0001", 6])
      const explained = (yield* baton(["runs", "explain", "@last"], { seen })).out
      assert.match(
        explained,
        /greet {2}unknown_outcome {2}nobody knows whether the call was made {2}baton runs retry\|skip\|abort/
      )
      const over = (yield* baton(["runs", "explain", "run_0001"], { seen })).out
      assert.strictEqual(over, "run_0001 is over: succeeded (all done)\n")
      const logs = (yield* baton(["runs", "logs", "@last"], { seen })).out
      assert.strictEqual(logs, "2026-11-21T10:00:00.000Z  greet#1  hi \\x1b[2J there\n")
    }))

  it.live("every write prints one stable line, or one document", () =>
    Effect.gen(function*() {
      const seen = yield* two
      const write = (...args: ReadonlyArray<string>) => Effect.map(baton(args, { seen }), ({ out }) => out)
      assert.strictEqual(
        yield* write("runs", "send", "@last", "ack", "-i", "by=ana", "--id", "e1"),
        "run_0002 sent event=ack\n"
      )
      assert.strictEqual(yield* write("runs", "pause", "@last", "--as", "ana"), "run_0002 paused\n")
      assert.strictEqual(yield* write("runs", "cancel", "@last", "--reason", "r"), "run_0002 cancelling\n")
      assert.strictEqual(
        yield* write("runs", "skip", "@last", "greet", "--output", "{\"a\":1}", "--note", "by hand"),
        "run_0002 skipped step=greet\n"
      )
      assert.strictEqual(
        yield* write("runs", "retry", "@last", "greet", "--delay", "30s", "--modify", "{\"b\":2}"),
        "run_0002 retrying step=greet\n"
      )
      assert.strictEqual(yield* write("runs", "abort", "@last", "greet"), "run_0002 aborted step=greet\n")
      assert.strictEqual(yield* write("runs", "delete", "run_0001", "-y"), "run_0001 deleted\n")
      assert.deepStrictEqual(JSON.parse(yield* write("runs", "prune", "-y", "--json")), {
        schema: "baton.receipt/1",
        action: "pruned",
        runs: 3
      })
      assert.deepStrictEqual(seen.calls.slice(0, 7), [
        ["send", "run_0002", "ack", { by: "ana" }, "e1"],
        ["pause", "run_0002", "ana"],
        ["cancel", "run_0002", "r", undefined],
        ["resolveStep", "run_0002", "greet", "skip", { output: { a: 1 }, note: "by hand" }],
        ["resolveStep", "run_0002", "greet", "retry", { delayMs: 30_000, modifications: { b: 2 } }],
        ["resolveStep", "run_0002", "greet", "abort", {}],
        ["remove", "run_0001"]
      ])
    }))

  it.live("delete asks a person, and does nothing without a yes", () =>
    Effect.gen(function*() {
      const seen = yield* two
      const terminals = ["stdin", "stderr"] as const
      const refused = yield* baton(["runs", "delete", "run_0001"], { seen, terminals, answers: ["no"] })
      assert.deepStrictEqual(refused.questions, ["delete run_0001 and everything that belongs to it? [y/N] "])
      assert.deepStrictEqual([refused.exit, seen.calls], [2, []])
      const agreed = yield* baton(["runs", "delete", "run_0001"], { seen, terminals, answers: ["y"] })
      assert.deepStrictEqual([agreed.exit, seen.calls], [0, [["remove", "run_0001"]]])
    }))

  it.live("watch of a run that is over answers at once with its outcome", () =>
    Effect.gen(function*() {
      const seen = yield* two
      const { err, exit, out } = yield* baton(["runs", "watch", "run_0001"], { seen })
      assert.strictEqual(exit, 0)
      assert.strictEqual(out, "{\n  \"greeting\": \"Hello Ada\"\n}\n")
      assert.strictEqual(err, "baton: run=run_0001 state=succeeded exit=0\n")
    }))

  it.live("watch of a run that nobody executes says so and what would", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      yield* baton(["run", "unowned", "--detach"], { seen })
      const { err, exit } = yield* baton(["runs", "watch", "@last", "--wait-timeout", "20ms"], { seen })
      assert.strictEqual(exit, 6)
      assert.match(err, /^warning\[NO_OWNER\]: no living process runs it; try: baton runs resume/)
    }))

  it.live("resume takes up this run alone, watches to its end and answers; what is over cannot be resumed", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      yield* baton(["run", "hello", "--detach"], { seen })
      const resumed = yield* baton(["runs", "resume", "@last", "--handlers", "h.ts"], { seen })
      assert.strictEqual(resumed.exit, 0)
      assert.deepInclude(resumed.opened[0], { adopt: false, execute: true, handlers: resolve("h.ts") })
      assert.strictEqual(resumed.out.split("\n")[0], "run_0001 resumed flow=hello version=1.0.0")
      const again = yield* baton(["runs", "resume", "@last"], { seen })
      assert.strictEqual(again.exit, 7)
      assert.include(again.err, "error[RUN_ENDED]: run_0001 is over: succeeded")
    }))
})

describe("baton secrets", () => {
  it.live("reads a value from a pipe or a hidden prompt and prints it nowhere", () =>
    Effect.gen(function*() {
      const piped = yield* baton(["secrets", "set", "TOKEN", "--host", "a.test", "--host", "b.test"], {
        stdin: "hunter2\n"
      })
      assert.strictEqual(piped.seen.secrets.get("TOKEN"), "hunter2@a.test,b.test")
      assert.notInclude(piped.out + piped.err, "hunter2")
      const asked = yield* baton(["secrets", "set", "TOKEN"], { terminals: ["stdin", "stderr"], answers: ["hunter3"] })
      assert.strictEqual(asked.seen.secrets.get("TOKEN"), "hunter3@")
      assert.include(asked.err, "warning[SECRET_UNBOUND]")
      assert.notInclude(asked.out + asked.err, "hunter3")
    }))
})

describe("baton flows", () => {
  it.live("check prints a line per problem and the sum; --json one document", () =>
    Effect.gen(function*() {
      const bad = file("bad.yaml", "name: bad\n")
      const { out } = yield* baton(["flows", "check", bad, hello])
      assert.strictEqual(
        out,
        `${bad}:3:5: error[UNKNOWN_NODE_TYPE] at /nodes/greet: there is no node type "agnet"; expected one of agent, http; ` +
          `did you mean agent?\n${bad}: 1 error\n${hello}: ok\n`
      )
      const one = JSON.parse((yield* baton(["flows", "check", bad, "--json"])).out)
      assert.deepInclude(one, { schema: "baton.check/1", file: bad, ok: false })
      assert.strictEqual(one.problems[0].pointer, "/nodes/greet")
    }))

  it.live("show and graph draw what the flow is", () =>
    Effect.gen(function*() {
      const text = (yield* baton(["flows", "graph", hello])).out
      assert.strictEqual(text, "greet  transform  start\nsend   http       after greet\n")
      const mermaid = (yield* baton(["flows", "graph", hello, "--format", "mermaid"])).out
      assert.strictEqual(mermaid, "flowchart TD\n  n0[\"greet (transform)\"]\n  n1[\"send (http)\"]\n  n0 --> n1\n")
      const canonical = JSON.parse((yield* baton(["flows", "show", hello, "--canonical"])).out)
      assert.strictEqual(canonical.edges[0].to, "send")
    }))
})

describe("completion", () => {
  for (const shell of ["bash", "zsh", "fish"]) {
    it.live(`${shell}: a script that knows the commands`, () =>
      Effect.map(baton(["completion", shell]), ({ exit, out }) => {
        assert.strictEqual(exit, 0)
        for (const word of ["research", "journal", "completion"]) assert.include(out, word)
      }))
  }
})

describe("the documents", () => {
  const guide = (name: string) => readFileSync(new URL(`../../../docs/${name}`, import.meta.url), "utf8")

  it("the exit code page lists every code once", () => {
    const listed = [...guide("reference/exit-codes.md").matchAll(/^\| (\d+) +\|/gm)].map((match) => Number(match[1]))
    assert.deepStrictEqual(listed, Object.values(exitCodes))
  })

  it("every command line of the guide is understood", () => {
    const lines = [...guide("guides/cli.md").matchAll(/^(?:npx )?baton (.*)$/gm)].map((match) => match[1]!)
    assert.isAtLeast(lines.length, 20)
    for (const line of lines) {
      const words = [...line.replace(/\s+#.*$|\s+[|<>].*$/, "").matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)]
      const parsed = Effect.runSync(CommandLine.parse(words.map((word) => word[1] ?? word[2] ?? word[3]!)))
      assert.notInclude(["Refused"], parsed._tag, line)
    }
  })
})
