/** The reference and the source say the same: what is in one and not in the other fails. */
import * as Wire from "@baton/contract/Wire"
import * as PatchProblem from "@baton/kernel/PatchProblem"
import * as Problem from "@baton/kernel/Problem"
import * as Settings from "@baton/server/gate/Settings"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import * as ErrorCodes from "../reference/ErrorCodes.ts"
import * as Reference from "../reference/Reference.ts"
import * as StepCodes from "../reference/StepCodes.ts"

const root = fileURLToPath(new URL("../../../", import.meta.url))

const sources = (rooms: ReadonlyArray<string>): ReadonlyArray<string> =>
  rooms.flatMap((room) => {
    const folder = join(root, "packages", room, "src")
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => readFileSync(join(folder, name), "utf8"))
  })

const matches = (texts: ReadonlyArray<string>, pattern: RegExp): ReadonlySet<string> =>
  new Set(texts.flatMap((text) => [...text.matchAll(pattern)].map(([, name = ""]) => name)))

const sorted = (names: Iterable<string>): ReadonlyArray<string> => [...names].toSorted()

/** Names in capitals that are no codes of ours. */
const others = new Set([
  "NO_COLOR",
  "FORCE_COLOR",
  "CLICOLOR_FORCE",
  "LC_ALL",
  "LC_CTYPE",
  "ERR_HTTP_REQUEST_TIMEOUT",
  "HPE_HEADER_OVERFLOW"
])

/** Of other programs. */
const foreign = ["EAI_AGAIN", "ERR_WORKER_OUT_OF_MEMORY", "API_KEY", "EACCES", "EDQUOT", "EEXIST", "ENOSPC"]

/** Codes that a port's reasons become: `PREFIX_REASON`. */
const reasons = (file: string, prefix: string): ReadonlyArray<string> => {
  const text = readFileSync(join(root, "packages", file), "utf8")
  const [, literals = ""] = /reason: Schema\.Literals\(\[([^\]]*)\]/.exec(text) ?? []
  return (literals.match(/[a-z_]+/g) ?? []).map((reason) => `${prefix}_${reason.toUpperCase()}`)
}

/** Tables are padded when they are written. */
const unpadded = (text: string): string => text.replaceAll(/ +/g, " ").replaceAll(/-{3,}/g, "---")

describe("the reference", () => {
  it.effect("is what the program says now (else: npm run reference)", () =>
    Effect.map(Reference.pages, (pages) => {
      for (const [name, text] of Object.entries(pages)) {
        const written = readFileSync(join(root, "docs/reference", name), "utf8")
        assert.strictEqual(unpadded(written), unpadded(text), name)
      }
    }))

  it("lists every code of an error that the source has, and no other", () => {
    const texts = sources(["contract", "server", "cli"])
    const variables = new Set(Settings.all.map(({ variable }) => variable))
    const long = matches(texts, /"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"/g)
    const short = matches(texts, /(?:code: |notReady\(|Failure\.usage\()"([A-Z]+)"/g)
    const small = matches(texts, /"((?:[a-z]+_)*rate_limit_exceeded)"/g)
    const found = [...long, ...short, ...small].filter((name) =>
      !variables.has(name) && !others.has(name) && !name.startsWith("BATON_")
    )
    assert.deepStrictEqual(sorted(new Set(found)), sorted(ErrorCodes.all.map(({ code }) => code)))
  })

  it("lists every code of runs, steps and commands that the machine has, and no other", () => {
    const texts = sources(["kernel", "engine", "steps", "agents", "recipes"])
    const long = matches(texts, /"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"/g)
    const lines = texts.flatMap((text) => text.split("\n")).filter((line) => /\b(code|refuse)\b/i.test(line))
    const short = matches(lines, /"([A-Z]{4,})"/g)
    const composed = [
      ...reasons("engine/src/Agents.ts", "AGENT").filter((code) => code !== "AGENT_UNKNOWN_AGENT"),
      ...reasons("engine/src/BlobStore.ts", "BLOB"),
      ...reasons("engine/src/Secrets.ts", "SECRET")
    ]
    const elsewhere = new Set([
      ...Settings.all.map(({ variable }) => variable),
      ...ErrorCodes.all.map(({ code }) => code),
      ...Object.keys(Problem.codes),
      ...Object.keys(PatchProblem.codes),
      ...readFileSync(join(root, "docs/reference/network.md"), "utf8").match(/[A-Z]+(?:_[A-Z]+)+/g) ?? [],
      ...foreign
    ])
    const found = new Set([...long, ...short, ...composed].filter((name) => !elsewhere.has(name)))
    const listed = new Set(StepCodes.all.map(({ code }) => code).filter((name) => !elsewhere.has(name)))
    assert.deepStrictEqual(sorted(listed), sorted(found))
    assert.strictEqual(new Set(StepCodes.all.map(({ code }) => code)).size, StepCodes.all.length)
  })

  it("lists every code of outgoing calls, and no other", () => {
    const text = readFileSync(join(root, "docs/reference/network.md"), "utf8")
    const [, table = ""] = text.split("## Codes")
    const failure = readFileSync(join(root, "packages/net/src/Failure.ts"), "utf8")
    assert.deepStrictEqual(
      sorted(new Set(table.match(/[A-Z]+(?:_[A-Z]+)+/g))),
      sorted(matches([failure], /^  ([A-Z_]+): "/gm))
    )
  })

  it("says of each code what it means and what to do", () => {
    for (const { advice, code, meaning, status } of ErrorCodes.all) {
      assert.match(status, /^(cli|delivery|[45]\d\d(, [45]\d\d)*)$/, code)
      assert.notStrictEqual(meaning, "", code)
      assert.notStrictEqual(advice, "", code)
    }
  })

  it("lists every variable that the source reads, and no other", () => {
    const texts = sources(["agents", "cli", "contract", "engine", "net", "server", "steps", "store-sqlite"])
      // Where they are listed does not count as reading them.
      .filter((text) => !text.includes("export const all: ReadonlyArray<Setting>"))
    const read = matches(
      texts,
      /"((?:BATON|ORCHESTRATION|OTEL)_[A-Z0-9_]+|[A-Z]+(?:_[A-Z]+)*_(?:API_KEY|BASE_URL)|OLLAMA_[A-Z_]+)"/g
    )
    assert.deepStrictEqual(sorted(read), sorted(Settings.all.map(({ variable }) => variable)))
  })

  it("lists every type of event once", () => {
    const text = readFileSync(join(root, "docs/reference/events.md"), "utf8")
    const listed = [...text.matchAll(/^\| `([a-z_.]+)`/gm)].map(([, type = ""]) => type)
    assert.deepStrictEqual(sorted(listed), sorted(Wire.types))
  })
})
