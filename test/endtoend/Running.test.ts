/** `baton run`: flows in every spelling, typed input, answers in every format, functions. */
import { assert, describe, it } from "vitest"
import { atDesk, document, handlers, runIn } from "./Baton.ts"

const hello = `
name: hello
inputSchema:
  type: object
  required: [name]
  properties: { name: { type: string }, zip: { type: string }, n: { type: integer } }
nodes:
  greet: { value: "Hello \${ input.name }" }
output: { text: "\${ nodes.greet.output }", input: "\${ input }" }
`

describe.concurrent("a flow from a file", { timeout: 90_000 }, () => {
  it(
    "means the same short in YAML from a file and canonical in JSON from stdin",
    atDesk(async (desk) => {
      desk.write("hello.yaml", hello)
      const canonical = (await desk.run("flows", "show", "hello.yaml", "--canonical")).out

      const outputs = [
        await desk.run("run", "hello.yaml", "-i", "name=Ada", "--json"),

        await desk.start(["run", "-", "-i", "name=Ada", "--json"], { stdin: canonical }).end
      ].map((ended) => [ended.exit, document(ended).output])
      assert.deepStrictEqual(
        outputs,
        Array.from({ length: 2 }, () => [0, { text: "Hello Ada", input: { name: "Ada" } }])
      )
    })
  )

  it(
    "takes fields as the input schema types them, over a document from a file or stdin",
    atDesk(async (desk) => {
      desk.write("hello.yaml", hello)
      const stdin = "{\"name\":\"Bo\",\"n\":1}"
      const args = [
        "run",
        "hello.yaml",
        "--input",
        "-",
        "--json",
        "-i",
        "zip=01234",
        "-i",
        "n=2",
        "-i",
        "more=[1,\"a\"]"
      ]
      const typed = await desk.start([...args, "-i", "text=x=y", "-i", "big=12345678901234567890"], { stdin }).end
      const input = { name: "Bo", n: 2, zip: "01234", more: [1, "a"], text: "x=y", big: "12345678901234567890" }
      assert.deepStrictEqual(document(typed).input, input)
      desk.write("wrong.json", { name: "Bo", n: "three" })
      const wrong = await desk.run("run", "hello.yaml", "--input", "wrong.json")
      assert.deepStrictEqual([wrong.exit, wrong.out], [2, ""])
      assert.include(wrong.err, "error[INPUT_INVALID]: the input does not fit hello")
      assert.include(wrong.err, "at /n:")
    })
  )

  it(
    "answers on stdout, and the last line of stderr says how it ended",
    atDesk(async (desk) => {
      desk.write("hello.yaml", hello)
      const { err, exit, out } = await desk.run("run", "hello.yaml", "-i", "name=Ada")
      const run = runIn(out)
      const [first, ...answer] = out.split("\n")
      assert.strictEqual(exit, 0)
      assert.strictEqual(first, `${run} started flow=hello version=0.0.0`)
      assert.deepStrictEqual(JSON.parse(answer.join("\n")), { text: "Hello Ada", input: { name: "Ada" } })
      assert.isTrue(err.endsWith(`baton: run=${run} state=succeeded exit=0\n`), err)
      const shown = document(await desk.run("runs", "show", "@last", "--json"))
      assert.deepInclude(shown, { schema: "baton.run/1", id: run, status: "succeeded", flow: "hello" })
      assert.deepInclude(shown.steps[0], { path: "greet", status: "succeeded", attempt: 1, output: "Hello Ada" })
    })
  )

  it(
    "tells its events one CloudEvents document per line, the same as the journal holds",
    atDesk(async (desk) => {
      desk.write("hello.yaml", hello)
      const { exit, out } = await desk.run("run", "hello.yaml", "-i", "name=Ada", "--progress", "jsonl")
      const events = out.trimEnd().split("\n").map((line) => JSON.parse(line))
      assert.strictEqual(exit, 0)
      assert.deepStrictEqual(events.filter((event) => event.seq !== undefined).map((event) => event.type), [
        "orchestration.run.created",
        "orchestration.step.queued",
        "orchestration.step.completed",
        "orchestration.run.completed"
      ])
      const journal = document(await desk.run("runs", "journal", "@last", "--json"))
      assert.deepStrictEqual(journal.events, events.filter((event) => event.seq !== undefined))
    })
  )
})

describe.concurrent("functions", { timeout: 90_000 }, () => {
  it(
    "are called with their input, at once or by a promise, and their log lines are kept",
    atDesk(async (desk) => {
      desk.write(
        "flow.yaml",
        `
name: functions
nodes:
  sum: { function: add, input: { a: 2, b: 3 } }
  later: { needs: [sum], function: soon, input: "\${ needs.sum }" }
  said: { needs: [later], function: note, input: "\${ needs.later.input }" }
output: "\${ nodes.later.output }"
`
      )
      const ran = await desk.run("run", "flow.yaml", "--handlers", handlers, "--json")
      assert.deepStrictEqual([ran.exit, document(ran).output], [0, { input: 5 }], ran.err)
      assert.match((await desk.run("runs", "logs", "@last")).out, /said#1 {2}noted 5\n$/)
      const without = await desk.run("run", "flow.yaml")
      assert.deepStrictEqual([without.exit, without.out], [2, ""])
      assert.match(without.err, /^error\[FUNCTION_UNKNOWN\]: .*add.*\n {2}try: baton run flow\.yaml --handlers/)
    })
  )

  it(
    "that throw are tried again with growing pauses, and their words are the run's reason",
    atDesk(async (desk) => {
      const retry = { attempts: 3, initial: "10ms", factor: 4, max: "1s" }
      desk.write("flow.json", { name: "throws", nodes: { a: { function: "boom", retry } } })
      const { err, exit, out } = await desk.run("run", "flow.json", "--handlers", handlers, "--progress", "jsonl")
      const run = runIn(err)
      assert.strictEqual(exit, 3)
      assert.include(err, "error[FUNCTION_FAILED]: the pump is dry (step a)\n  try: baton runs show run_")
      assert.isTrue(err.endsWith(`baton: run=${run} state=failed step=a code=FUNCTION_FAILED exit=3\n`), err)
      const events = out.trimEnd().split("\n").map((line): { type: string; seq?: number } => JSON.parse(line))
      const types = events.filter(({ seq }) => seq !== undefined).map(({ type }) => type.replace("orchestration.", ""))
      assert.deepStrictEqual(types.filter((type) => type.startsWith("step.")), [
        "step.queued",
        "step.retrying",
        "step.ready",
        "step.queued",
        "step.retrying",
        "step.ready",
        "step.queued",
        "step.failed"
      ])
    })
  )

  it(
    "that never end are stopped at their timeout, and told",
    atDesk(async (desk) => {
      desk.write("flow.json", { name: "hangs", nodes: { a: { function: "hang", timeout: "200ms" } } })
      const { err, exit } = await desk.run("run", "flow.json", "--handlers", handlers)
      assert.strictEqual(exit, 3)
      assert.include(err, "error[TIMEOUT]")
      assert.strictEqual(desk.read("effects.log"), "hang aborted\n")
    })
  )

  it(
    "in a module that cannot be loaded refuse the run before it begins",
    atDesk(async (desk) => {
      desk.write("flow.json", { name: "functions", nodes: { a: { function: "add" } } })
      desk.write("broken.ts", "export const add = (")
      const broken = await desk.run("run", "flow.json", "--handlers", "broken.ts")
      assert.deepStrictEqual([broken.exit, broken.out], [2, ""])
      assert.include(broken.err, "error[HANDLERS_INVALID]")
      assert.notInclude(broken.err, "    at ")
    })
  )
})

it(
  "maps a list, tolerates so many failures, and chooses by what came of it",
  { timeout: 60_000 },
  atDesk(async (desk) => {
    desk.write(
      "flow.yaml",
      `
name: maps
nodes:
  each: { map: "\${ input.list }", tolerate: { failures: 1 }, each: { function: odd, input: "\${ item }" } }
  route: { needs: [each], choice: { lost: needs.each.failed > 0, fine: otherwise } }
  lost: { needs: [route.lost, each], value: "lost \${ needs.each.failed } of \${ size(needs.each.items) }" }
  fine: { needs: [route.fine], value: fine }
output: { lost: "\${ nodes.lost.output }", fine: "\${ nodes.fine.output }", items: "\${ nodes.each.output.items }" }
`
    )
    const run = (list: string) =>
      desk.run("run", "flow.yaml", "--handlers", handlers, "--strict", "--json", "-i", `list=${list}`)
    const [some, many] = await Promise.all([run("[1,2,3]"), run("[1,2,4]")])
    assert.deepStrictEqual([some.exit, document(some).output], [10, {
      lost: "lost 1 of 3",
      fine: null,
      items: [10, null, 30]
    }])

    assert.deepStrictEqual([many.exit, document(many).error.code], [3, "MAP_FAILED"])
  })
)
