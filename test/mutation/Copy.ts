/** A copy of the sources in which something may be broken: own files, the packages from outside shared with the original. */
import { execFile } from "node:child_process"
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import type { Mutation } from "./Mutation.ts"
import { apply } from "./Mutation.ts"

/** What a test run needs of the repository. */
const parts = ["packages", "test", "examples", "docs", "package.json", "tsconfig.json", "vitest.config.ts"]

/** A test that takes longer hangs, which is noticed too, in milliseconds. */
const hangsAfterMs = 90_000

const outputBytesMax = 64 * 1024 * 1024

export interface Outcome {
  readonly passed: number
  readonly failed: number
  /** The first failing test; `hangs`, or what kept the tests from running. */
  readonly first: string
  /** What it said. */
  readonly said: string
  readonly kind: "ran" | "hangs" | "broken"
}

interface Told {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly testResults: ReadonlyArray<{
    readonly message?: string
    readonly assertionResults: ReadonlyArray<
      { readonly status: string; readonly fullName: string; readonly failureMessages?: ReadonlyArray<string> }
    >
  }>
}

const read = (told: Told): Outcome => {
  const first = told.testResults.flatMap((file) => file.assertionResults).find((test) => test.status === "failed")
  const broken = told.testResults.find((file) => file.assertionResults.length === 0)
  const counts = { passed: told.numPassedTests, failed: told.numFailedTests }
  return first === undefined && (broken !== undefined || told.testResults.length === 0)
    ? { ...counts, first: broken?.message ?? "no test was found", said: "", kind: "broken" }
    : { ...counts, first: first?.fullName ?? "", said: (first?.failureMessages ?? []).join("\n"), kind: "ran" }
}

export class Copy {
  readonly #root: string
  readonly folder: string

  constructor(root: string) {
    this.#root = root
    this.folder = mkdtempSync(join(tmpdir(), "baton-mutation-"))
    for (const part of parts) {
      cpSync(join(root, part), join(this.folder, part), {
        recursive: true,
        filter: (from) => basename(from) !== "node_modules"
      })
    }
    const modules = join(this.folder, "node_modules")
    mkdirSync(join(modules, "@baton"), { recursive: true })
    for (const entry of readdirSync(join(root, "node_modules"))) {
      if (entry !== "@baton" && !entry.startsWith(".")) {
        symlinkSync(join(root, "node_modules", entry), join(modules, entry))
      }
    }
    for (const room of readdirSync(join(this.folder, "packages"))) {
      symlinkSync(join(this.folder, "packages", room), join(modules, "@baton", room))
    }
  }

  /** Runs the tests as they are. */
  test(files: ReadonlyArray<string>, name: string | undefined): Promise<Outcome> {
    const report = join(this.folder, "report.json")
    rmSync(report, { force: true })
    const reporting = ["--reporter=json", `--outputFile=${report}`]
    const args = ["run", "--root", this.folder, ...reporting, "--bail=1", "--maxWorkers=1", ...files]
    const bin = join(this.#root, "node_modules", "vitest", "vitest.mjs")
    const env = { ...process.env, CI: "1", BATON_TEST_REQUIRE: "" }
    const options = { cwd: this.folder, env, timeout: hangsAfterMs, maxBuffer: outputBytesMax }
    return new Promise((resolve) => {
      const all = name === undefined ? args : [...args, "-t", name]
      execFile(process.execPath, [bin, ...all], { ...options, killSignal: "SIGKILL" }, (error, _, err) => {
        if (error?.killed === true) resolve({ passed: 0, failed: 0, first: "hangs", said: "", kind: "hangs" })
        else if (existsSync(report)) resolve(read(JSON.parse(readFileSync(report, "utf8")) as Told))
        else resolve({ passed: 0, failed: 0, first: err.slice(0, 500), said: "", kind: "broken" })
      })
    })
  }

  /** Runs the test of a mutation on its broken source, and mends it again. `name` is a pattern. */
  async try(mutation: Mutation, name: string | undefined): Promise<Outcome> {
    const path = join(this.folder, mutation.file)
    const source = readFileSync(path, "utf8")
    writeFileSync(path, apply(mutation, source))
    try {
      return await this.test([mutation.test[0]], name)
    } finally {
      writeFileSync(path, source)
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
