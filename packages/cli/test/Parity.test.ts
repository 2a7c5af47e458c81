/** The command line says the same, byte for byte, whether Baton is in its process or behind HTTP. */
import type { ClientError } from "@baton/contract/Client"
import * as RemotePorts from "@baton/contract/remote/RemotePorts"
import * as Local from "@baton/server/Local"
import { defaultTenant, localActor } from "@baton/server/Parts"
import * as Serve from "@baton/server/Serve"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { baton, type Setup } from "./Harness.ts"

const files = {
  "hello.yaml": `name: hello
version: 1.0.0
description: Greets.
input: { type: object, properties: { name: { type: string } }, required: [name] }
nodes:
  greet: { value: "hello \${ input.name }" }
output: "\${ nodes.greet.output }"
`,
  "ask.yaml": `name: ask
version: 1.0.0
nodes:
  a: { value: "${"x".repeat(3000)}" }
  ok: { approval: "Ship it?", needs: [a] }
  b: { value: 2, needs: [ok.approved] }
`,
  "fan.yaml": `name: fan
version: 1.0.0
nodes:
  all: { map: "\${ [1, 2, 3] }", each: { value: "\${ item }" } }
  odd: { value: "\${ input.missing.deep }", needs: [all] }
`,
  "bad.yaml": `name: bad
nodes:
  a: { value: 1, needs: [nobody] }
  b: { vlaue: 2 }
`,
  "add.json": JSON.stringify([{
    op: "add",
    path: "/nodes/-",
    value: { id: "c", type: "transform", value: 3, needs: ["a"] }
  }]),
  "wrong.json": JSON.stringify([{ op: "remove", path: "/nodes/nobody" }])
}

/** In order, on an empty store; `FILE` stands for the folder of the files above. */
const script = [
  "runs list",
  "flows check FILE/hello.yaml FILE/bad.yaml",
  "flows publish FILE/hello.yaml",
  "flows publish FILE/hello.yaml",
  "flows publish FILE/ask.yaml --json",
  "flows publish FILE/bad.yaml",
  "flows list hello --json",
  "flows show hello@1.0.0 --canonical",
  "flows show helo",
  "flows diff hello FILE/ask.yaml",
  "run hello -i name=Ada --progress none",
  "run FILE/hello.yaml -i name=Bo --json --progress none --tag team=x",
  "run FILE/hello.yaml --progress none",
  "run FILE/hello.yaml -i name=Ada --agent who=them --progress none",
  "run FILE/bad.yaml --progress none",
  "run FILE/fan.yaml --progress plain",
  "runs retry @last --progress none --json",
  "runs fork @last --progress none --detach",
  "runs watch @last --progress none",
  "runs diff @last @last --json",
  "runs list --json",
  "runs list --limit 1",
  "runs list --status failed --roots",
  "runs list --after run_nobody",
  "runs list --since 1h --flow hello",
  "runs show run_nobody",
  "run FILE/ask.yaml --detach",
  "runs watch @last --progress none",
  "runs show @last --json",
  "runs journal @last --json",
  "runs explain @last --json",
  "runs logs @last",
  "runs graph @last",
  "runs list --reason approval --json",
  "runs list --reason timer",
  "runs patch @last FILE/wrong.json",
  "runs patch @last FILE/add.json --dry-run",
  "runs patch @last FILE/add.json --reason more",
  "patches list --run @last --json",
  "patches show 1 --run @last",
  "patches diff 1 --run @last",
  "patches show pat_nobody",
  "approvals list --json",
  "approvals show @last --json",
  "approvals approve apr_nobody",
  "approvals approve @last --comment fine --json",
  "runs watch @last --progress none --json",
  "approvals approve @last",
  "approvals list --all --json",
  "runs skip @last b",
  "runs send @last ack -i by=me",
  "runs pause @last",
  "runs resume @last --detach",
  "runs cancel @last",
  "deadletters list --json",
  "deadletters show dl_1",
  "usage --json",
  "usage --by day",
  "receipts stats",
  "receipts clear --yes",
  "secrets set TOKEN --host example.com",
  "secrets list --json",
  "secrets remove TOKEN --yes",
  "secrets remove TOKEN --yes",
  "runs delete @last --yes",
  "runs prune --older-than 7d --yes",
  "runs list --json"
]

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-parity-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** What differs between any two plays of the same script. */
const normal = (text: string): string =>
  text
    .replaceAll(/\b(run|apr|pat|evt)_[0-9a-hjkmnp-tv-z]{26}\b/g, "$1_ID")
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, "TIME")
    .replaceAll(/\b\d{4}-\d\d-\d\d\b/g, "DAY")
    .replaceAll(/\b\d\d:\d\d:\d\dZ/g, "CLOCK")
    .replaceAll(/\b\d{13}\b/g, "MILLIS")
    .replaceAll(/\b\d+(\.\d+)?(ms|s)\b/g, "TOOK")
    .replaceAll(/"(totalTimeMs|tookMs|parallelEfficiency|hash)": ("[^"]*"|[\d.]+)/g, "\"$1\": X")
    .replaceAll(/("stepTimesMs": \{)[^}]*\}/g, "$1 X }")
    .replaceAll(/,"trace":\{[^}]*\}/g, "")
    .replaceAll(/ +/g, " ")
    .replaceAll(/-{2,}/g, "--")

type Play = (line: string) => Effect.Effect<string, ClientError>

const play = (files: string, setup: Setup): Play => (line) =>
  Effect.map(
    baton(line.replaceAll("FILE", files).split(" "), { stdin: "the-secret", ...setup }),
    ({ err, exit, out }) => normal(`exit ${exit}\n${out}\n${err}`).replaceAll(files, "FILE")
  )

/** The commands have the machine itself, as those of a process that executes its runs. */
const inProcess = Effect.gen(function*() {
  const data = yield* folder
  const host = Local.hostLayer({ data, handlers: undefined, outputRoot: join(data, "output"), adopt: true })
  const { portsOf } = Context.get(yield* Layer.build(host), Local.Host)
  const ports = portsOf({ tenant: defaultTenant, by: localActor })
  return { environment: { data }, backend: () => Layer.succeedContext(ports) } satisfies Setup
})

const overHttp = Effect.gen(function*() {
  const data = yield* folder
  const layer = Serve.layer({
    data,
    handlers: undefined,
    outputRoot: join(data, "output"),
    host: "127.0.0.1",
    port: 0,
    mode: "dev"
  })
  const { address } = Context.get(yield* Layer.build(layer), HttpServer.HttpServer)
  return {
    environment: { server: HttpServer.formatAddress(address) },
    server: RemotePorts.layer,
    backend: () => assert.fail("a store was opened")
  } satisfies Setup
})

describe("the command line over HTTP", { timeout: 180_000 }, () => {
  it.live("prints what it prints in process, for every kind of command and refusal", () =>
    Effect.scoped(Effect.gen(function*() {
      const place = yield* folder
      mkdirSync(place, { recursive: true })
      for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text)
      const here = play(place, yield* inProcess)
      const there = play(place, yield* overHttp)
      const said = Effect.fnUntraced(function*(commands: Play) {
        let all = ""
        for (const line of script) all += `\n$ baton ${line}\n${yield* commands(line)}`
        return all
      })
      assert.strictEqual(yield* said(there), yield* said(here))
    })))
})
