/** The real program in its own processes, each test in its own folder: what a person at a shell sees. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const bin = fileURLToPath(new URL("../../packages/cli/bin/baton.mjs", import.meta.url))

/** Functions for `--handlers`; see the file for what they do. */
export const handlers = fileURLToPath(new URL("fixtures/handlers.ts", import.meta.url))

/** What the person's own environment says must not steer a test. */
const inherited = Object.fromEntries(
  Object.entries(process.env).filter(([name]) =>
    !/^(BATON_|OTEL_|OPENAI_|ANTHROPIC_|GEMINI_|GOOGLE_|OPENROUTER_|OLLAMA_|LMSTUDIO_|VLLM_|NO_COLOR|FORCE_COLOR|VITEST|NODE_)/
      .test(name)
  )
)

export interface Ended {
  readonly exit: number | null
  readonly signal: NodeJS.Signals | null
  readonly out: string
  readonly err: string
}

export interface Started {
  readonly child: ChildProcess
  /** Resolves once stdout or stderr holds the text; rejects when the process ends without it. */
  readonly said: (text: string) => Promise<void>
  readonly kill: (signal: NodeJS.Signals) => void
  readonly end: Promise<Ended>
}

export interface Surroundings {
  readonly stdin?: string
  readonly env?: { readonly [name: string]: string }
}

/** A process that is still there after this many milliseconds hangs: it is killed, and the test sees no exit code. */
const hangsAfterMs = 60_000

export class Desk {
  readonly folder = mkdtempSync(join(tmpdir(), "baton-"))
  readonly #started: Array<Started> = []

  path(name: string): string {
    return join(this.folder, name)
  }

  /** Writes a file below the folder; objects as JSON. */
  write(name: string, content: string | Uint8Array | object): string {
    const path = this.path(name)
    mkdirSync(dirname(path), { recursive: true })
    const isText = typeof content === "string" || content instanceof Uint8Array
    writeFileSync(path, isText ? content : JSON.stringify(content))
    return path
  }

  read(name: string): string {
    return readFileSync(this.path(name), "utf8")
  }

  start(args: ReadonlyArray<string>, { env, stdin }: Surroundings = {}): Started {
    const child = spawn(process.execPath, [bin, ...args], {
      cwd: this.folder,
      env: { ...inherited, LANG: "C.UTF-8", CI: "", ...env },
      timeout: hangsAfterMs,
      killSignal: "SIGKILL"
    })
    let out = ""
    let err = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text))
    child.stdin.on("error", () => undefined).end(stdin ?? "")
    const end = once(child, "close").then(([exit, signal]): Ended => ({ exit, signal, out, err }))
    const started: Started = {
      child,
      end,
      kill: (signal) => void child.kill(signal),
      said: async (text) => {
        let over = false
        const ended = end.then(() => {
          over = true
        })
        while (!out.includes(text) && !err.includes(text)) {
          if (over) throw new Error(`the process ended without saying ${JSON.stringify(text)}:\n${out}\n${err}`)
          const spoke = [child.stdout, child.stderr].map((stream) => once(stream, "data", { signal: stopped.signal }))
          await Promise.race([...spoke, ended]).catch(() => undefined)
        }
      }
    }
    const stopped = new AbortController()
    void end.then(() => stopped.abort())
    this.#started.push(started)
    return started
  }

  run(...args: ReadonlyArray<string>): Promise<Ended> {
    return this.start(args).end
  }

  /** No process survives the test. */
  async stop(): Promise<void> {
    for (const { child } of this.#started) {
      if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL")
    }
    await Promise.all(this.#started.map(({ end }) => end))
  }

  async clear(): Promise<void> {
    await this.stop()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** A desk for the length of one test. */
export const atDesk = (test: (desk: Desk) => Promise<void>) => async (): Promise<void> => {
  const desk = new Desk()
  try {
    await test(desk)
  } finally {
    await desk.clear()
  }
}

/** The run id in the line that every start prints. */
export const runIn = (text: string): string => {
  const found = /\brun_[0-9a-z]{26}\b/.exec(text)
  if (found === null) throw new Error(`no run id in:\n${text}`)
  return found[0]
}

// oxlint-disable-next-line typescript/no-explicit-any -- documents are checked by what the tests assert of them
export const document = ({ out }: { readonly out: string }): any => JSON.parse(out)

/** The code of the error that the process told. */
export const codeOf = ({ err }: { readonly err: string }): string | undefined => /^error\[([A-Z_]+)\]/m.exec(err)?.[1]
