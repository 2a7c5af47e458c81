/**
 * Plays the transcript of an example through the real program: each line that begins with `$ ` is a command, what follows
 * is its stdout, then its stderr, then `[exit n]` unless n is 0. Ids, times and hashes are put into a form that is the same
 * every time. With `UPDATE_TRANSCRIPTS=1` the transcript is written anew instead of compared.
 */
import { execFile } from "node:child_process"
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { delimiter, join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("../../", import.meta.url))

/** Milliseconds that one command may take. */
const commandMsMax = 60_000

/** What the person's own environment says must not steer a transcript. */
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) =>
    !/^(BATON_|OPENAI_|ANTHROPIC_|NO_COLOR|FORCE_COLOR|VITEST|NODE_)/.test(name)
  )
)

interface Answer {
  readonly out: string
  readonly err: string
  readonly exit: number
}

const shell = (command: string, folder: string, env: { readonly [name: string]: string }): Promise<Answer> =>
  new Promise((resolve) => {
    const path = `${join(folder, ".bin")}${delimiter}${process.env["PATH"] ?? ""}`
    const options = { cwd: folder, env: { ...inherited, ...env, PATH: path }, timeout: commandMsMax }
    const child = execFile("sh", ["-c", command], options, (error, out, err) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1
      resolve({ out, err, exit: code })
    })
    child.stdin?.end()
  })

/** Ids in the order in which they come up, everything else that differs between two plays as a word. */
class Normal {
  readonly #names = new Map<string, string>()
  readonly #counts = new Map<string, number>()

  text(text: string, folder: string): string {
    return text
      .replaceAll(folder, "FOLDER")
      .replaceAll(/\b([a-z]{3})_[0-9a-hjkmnp-tv-z]{26}\b/g, (id, kind: string) => this.#name(id, kind))
      .replaceAll(/\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, "TIME")
      .replaceAll(/\b\d\d:\d\d:\d\dZ/g, "TIME")
      .replaceAll(/\b(?:sha256:)?[0-9a-f]{64}\b/g, "HASH")
      .replaceAll(/\b\d+(?:\.\d+)?(?:ms|s)\b/g, "N s")
      .replaceAll(/ {3,}/g, "  ")
      .replaceAll(/[ \t]+$/gm, "")
  }

  #name(id: string, kind: string): string {
    const known = this.#names.get(id)
    if (known !== undefined) return known
    const count = (this.#counts.get(kind) ?? 0) + 1
    this.#counts.set(kind, count)
    this.#names.set(id, `${kind}_${count}`)
    return `${kind}_${count}`
  }
}

export interface Played {
  readonly expected: string
  readonly actual: string
}

/** `name` is a folder below `examples`, with a `transcript.txt` in it. */
export const play = async (name: string, env: { readonly [name: string]: string } = {}): Promise<Played> => {
  const source = join(root, "examples", name)
  const folder = mkdtempSync(join(tmpdir(), "baton-example-"))
  const normal = new Normal()
  try {
    cpSync(source, folder, { recursive: true })
    mkdirSync(join(folder, ".bin"))
    const script = `#!/bin/sh\nexec "${process.execPath}" "${join(root, "packages/cli/bin/baton.mjs")}" "$@"\n`
    writeFileSync(join(folder, ".bin", "baton"), script, { mode: 0o755 })
    const expected = readFileSync(join(source, "transcript.txt"), "utf8")
    let actual = ""
    for (const line of expected.split("\n").filter((line) => line.startsWith("$ "))) {
      const { err, exit, out } = await shell(line.slice(2), folder, env)
      const end = exit === 0 ? "" : `[exit ${exit}]\n`
      actual += `${line}\n${normal.text(out, folder)}${normal.text(err, folder)}${end}\n`
    }
    actual = `${actual.trimEnd()}\n`
    if (process.env["UPDATE_TRANSCRIPTS"] === "1") {
      writeFileSync(join(source, "transcript.txt"), actual)
      return { expected: actual, actual }
    }
    return { expected, actual }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
