import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { mkdtempSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as FakeClient from "./FakeClient.ts"
import { baton, type Setup } from "./Harness.ts"

const directory = mkdtempSync(join(tmpdir(), "baton-cli-"))
const file = (name: string, text: string): string => {
  const path = join(directory, name)
  writeFileSync(path, text)
  return path
}
const good = file("hello.yaml", "name: hello\n")
const bad = file("bad.yaml", "name: bad\n")
const doubtful = file("warned.yaml", "name: warned\n")

const cases: ReadonlyArray<readonly [promise: string, args: ReadonlyArray<string>, exit: number, setup?: Setup]> = [
  ["a run that succeeded", ["run", "hello"], 0],
  ["a run with warnings", ["run", "warned"], 0],
  ["a run with warnings under --strict", ["run", "warned", "--strict"], 10],
  ["a failed run", ["run", "failing"], 3],
  ["a cancelled run", ["run", "cancelled"], 4],
  ["a run only a person can move on, with nobody there", ["run", "human"], 5],
  ["the same with a person there, who has until the time is over", ["run", "human", "--wait-timeout", "50ms"], 6, {
    terminals: ["stdin", "stderr"]
  }],
  ["the same with a person there who must not be asked", ["run", "human", "--no-input"], 5, {
    terminals: ["stdin", "stderr"]
  }],
  ["a run that was not waited for to the end", ["run", "event", "--wait-timeout", "1ms"], 6],
  ["a flow that is not there", ["run", "nothing"], 7],
  ["a flow that is wrong", ["run", "invalid"], 2],
  ["a flow file that is not there", ["run", "./nothing.yaml"], 2],
  ["a run that is not there", ["runs", "show", "run_9"], 7],
  ["an unknown command", ["rnu"], 2],
  ["an unknown flag", ["run", "hello", "--fast"], 2],
  ["no command", [], 2],
  ["help", ["--help"], 0],
  ["help of a command", ["help", "run"], 0],
  ["the version", ["--version"], 0],
  ["a malformed -i", ["run", "hello", "-i", "name"], 2],
  ["flags that exclude each other", ["run", "hello", "--json", "--progress", "jsonl"], 2],
  ["a format that does not fit", ["runs", "list", "--format", "mermaid"], 2],
  ["a check without problems", ["flows", "check", good], 0],
  ["a check with problems", ["flows", "check", bad], 11],
  ["a check with warnings", ["flows", "check", doubtful], 0],
  ["a check with warnings under --strict", ["flows", "check", doubtful, "--strict"], 10],
  ["a picture of a wrong flow", ["flows", "graph", bad], 11],
  ["deleting without a yes", ["runs", "delete", "run_1"], 7],
  ["pruning without a yes", ["runs", "prune"], 2],
  ["pruning with a yes", ["runs", "prune", "-y"], 0],
  ["a backup over a file", ["backup", "taken.db"], 7],
  ["a secret on the command line", ["secrets", "set", "TOKEN", "hunter2"], 2],
  ["an empty secret", ["secrets", "set", "TOKEN"], 2, { stdin: "\n" }],
  ["a secret that is not there", ["secrets", "remove", "TOKEN", "-y"], 7],
  ["research with a model but no engine for it", ["research", "why", "--model", "a/b"], 2],
  ["a report that cannot be found", ["research", "why"], 7],
  ["doctor", ["doctor", "--data", directory], 0]
]

describe("exit codes", () => {
  for (const [promise, args, exit, setup] of cases) {
    it.live(`${promise}: ${exit}`, () =>
      Effect.map(baton(args, setup), (answer) => {
        assert.strictEqual(answer.exit, exit, answer.err + answer.out)
        assert.notMatch(answer.err + answer.out, /\n\s+at .*:\d+:\d+/, "a stack trace")
      }))
  }

  it.live("a bug answers 1, says so, and shows no stack", () =>
    Effect.gen(function*() {
      const seen = FakeClient.nothingSeen()
      const answer = yield* baton(["runs", "list"], {
        seen,
        backend: () => {
          throw new TypeError("x is not a function")
        }
      })
      assert.strictEqual(answer.exit, 1)
      assert.match(answer.err, /^error\[INTERNAL\]: TypeError: x is not a function\n {2}why: this is a bug in Baton/)
      assert.notInclude(answer.err, " at ")
    }))

  it.live("a run that succeeded but whose reader went away still answers 0", () =>
    Effect.map(baton(["run", "hello"], { stdoutClosed: true }), (answer) => assert.strictEqual(answer.exit, 0)))

  it.live("a failed run whose reader went away still answers 3", () =>
    Effect.map(
      baton(["run", "failing", "--json"], { stdoutClosed: true }),
      (answer) => assert.strictEqual(answer.exit, 3)
    ))
})
