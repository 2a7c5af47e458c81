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
import * as CommandLine from "../src/CommandLine.ts"
import { baton, type Setup } from "./Harness.ts"
import { apart, files, handlers, script } from "./ParityScript.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-parity-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

/** What differs between any two plays of the same script. */
const normal = (text: string): string =>
  text
    .replaceAll(/\b(run|apr|pat|evt|key|whk|wks|lnk)_[0-9a-hjkmnp-tv-z]{26}\b/g, "$1_ID")
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
    .replaceAll(/\b(whsec_|baton_live_)[\w+/=-]+/g, "$1SECRET")

type Play = (line: string) => Effect.Effect<string, ClientError>

const play = (files: string, setup: Setup): Play => {
  const shown = new Map<string, string>()
  const note = (text: string) => {
    for (const [id, kind = ""] of text.matchAll(/\b([a-z]{2,3}_)[0-9a-hjkmnp-tv-z]{1,26}\b/g)) shown.set(kind, id)
  }
  return (line) => {
    const named = line.replaceAll("FILE", files).replaceAll(
      /@([a-z]{2,3}_)/g,
      (_, kind: string) => shown.get(kind) ?? kind
    )
    return Effect.map(baton(named.split(" "), { stdin: "the-secret", ...setup }), ({ err, exit, out }) => {
      note(out)
      return normal(`exit ${exit}\n${out}\n${err}`).replaceAll(files, "FILE")
    })
  }
}

/** The commands have the machine itself, as those of a process that executes its runs. */
const inProcess = Effect.gen(function*() {
  const data = yield* folder
  const host = Local.hostLayer({ data, handlers, outputRoot: join(data, "output"), adopt: true })
  const { portsOf } = Context.get(yield* Layer.build(host), Local.Host)
  const ports = portsOf({ tenant: defaultTenant, by: localActor })
  return { environment: { data }, backend: () => Layer.succeedContext(ports) } satisfies Setup
})

const overHttp = Effect.gen(function*() {
  const data = yield* folder
  const layer = Serve.layer({
    data,
    handlers,
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

/** Commands that do something, by their words. */
const commands = (
  path: ReadonlyArray<string> = []
): Effect.Effect<ReadonlyArray<string>> =>
  Effect.flatMap(CommandLine.parse([...path, "--help"]), (parsed) => {
    const below = parsed._tag === "Help" ? (parsed.doc.subcommands ?? []).flatMap(({ commands }) => commands) : []
    return below.length === 0
      ? Effect.succeed([path.join(" ")])
      : Effect.map(Effect.forEach(below, ({ name }) => commands([...path, name])), (found) => found.flat())
  })

describe("the command line over HTTP", { timeout: 180_000 }, () => {
  it.effect("is asked every command, or says why not", () =>
    Effect.map(commands(), (all) => {
      const asked = (command: string) => script.some((line) => `${line} `.startsWith(`${command} `))
      assert.deepStrictEqual(all.filter((command) => !asked(command)).toSorted(), Object.keys(apart).toSorted())
    }))

  it.live("prints what it prints in process, for every kind of command and refusal", () =>
    Effect.scoped(Effect.gen(function*() {
      const place = yield* folder
      mkdirSync(place, { recursive: true })
      for (const [name, text] of Object.entries(files)) writeFileSync(join(place, name), text)
      const here = play(place, yield* inProcess)
      const there = play(place, yield* overHttp)
      const said = (commands: Play) =>
        Effect.forEach(script, (line) => Effect.map(commands(line), (text) => `$ baton ${line}\n${text}`))
      const [ours, theirs] = [yield* said(here), yield* said(there)]
      const other = ours.flatMap((text, at) => text === theirs[at] ? [] : [at])
      assert.deepStrictEqual(other.map((at) => theirs[at]), other.map((at) => ours[at]))
    })))
})
