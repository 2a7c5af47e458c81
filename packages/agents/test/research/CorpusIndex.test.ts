/** The index as a cache: warm when nothing changed, right when something did, shared, rebuilt when broken, and polite. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { spawn } from "node:child_process"
import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"
import { CorpusLimits } from "../../src/research/ResearchConfig.ts"
import { ask, callOf, extractive, outputOf, type Research, research, scratch } from "./ResearchDesk.ts"

const sentence = (number: number) =>
  `The lease number ${number} of a worker expires after ${number} seconds without a heartbeat.`
const library = Effect.fnUntraced(function*(count: number) {
  const folder = yield* scratch
  mkdirSync(join(folder, "docs"))
  for (let number = 0; number < count; number++) {
    writeFileSync(join(folder, "docs", `d${number}.md`), `# Lease ${number}\n\n${sentence(number)}\n`)
  }
  return folder
})

const look = (folder: string, agents = extractive(folder)) =>
  Effect.map(
    ask(agents, "researcher", { task: "When does the lease of a worker expire?", files: ["docs"] }),
    (answer) => outputOf<Research>(answer)
  )

const indexOf = (folder: string) =>
  join(folder, "index", readdirSync(join(folder, "index")).find((name) => name.endsWith(".db"))!)

/** Runs `use` and says whether anybody wrote to the index meanwhile. */
const wrote = <A, E, R>(folder: string, use: Effect.Effect<A, E, R>) =>
  Effect.gen(function*() {
    const database = new DatabaseSync(indexOf(folder), { readOnly: true })
    const version = () => database.prepare("PRAGMA data_version").get()?.["data_version"]
    const before = version()
    yield* use
    const changed = version() !== before
    database.close()
    return changed
  })

it.live("does not write again while no file changes, and reads only what changed", () =>
  Effect.gen(function*() {
    const folder = yield* library(5)
    const first = yield* look(folder)
    assert.isFalse(yield* wrote(folder, look(folder)))
    assert.isFalse(yield* wrote(folder, research(extractive(folder), "When does a lease expire?", ["docs"])))
    writeFileSync(join(folder, "docs", "d1.md"), "# Lease\n\nThe worker lease of this document never expires at all.\n")
    rmSync(join(folder, "docs", "d2.md"))
    const second = yield* look(folder)
    assert.strictEqual(second.corpus.documents, 4)
    assert.notStrictEqual(second.corpus.fingerprint, first.corpus.fingerprint)
    assert.isTrue(second.findings.some((finding) => finding.quote.includes("never expires")))
    assert.isFalse(second.findings.some((finding) => finding.quote.includes("number 2")))
  }).pipe(Effect.scoped))

it.live("keeps what it knows of a file that was only touched", () =>
  Effect.gen(function*() {
    const folder = yield* library(2)
    yield* look(folder)
    const rows = () => {
      const database = new DatabaseSync(indexOf(folder), { readOnly: true })
      const ids = database.prepare(
        "SELECT id, uri FROM unit JOIN (SELECT id AS d, uri FROM document) ON d = document ORDER BY id"
      ).all()
      database.close()
      return JSON.stringify(ids)
    }
    const before = rows()
    utimesSync(join(folder, "docs", "d0.md"), 1_000, 1_000)
    assert.isTrue(yield* wrote(folder, look(folder)))
    assert.strictEqual(rows(), before)
  }).pipe(Effect.scoped))

it.live("sees a change that keeps size and modification time", () =>
  Effect.gen(function*() {
    const folder = yield* library(1)
    const path = join(folder, "docs", "d0.md")
    yield* look(folder)
    const { atime, mtime } = statSync(path)
    writeFileSync(path, `# Lease 0\n\n${sentence(0).replace("worker", "robots")}\n`)
    utimesSync(path, atime, mtime)
    assert.include((yield* look(folder)).findings[0]?.quote ?? "", "robots")
  }).pipe(Effect.scoped))

it.live("gives the same bytes for the same corpus, question and time, cold, warm, updated or in another place", () =>
  Effect.gen(function*() {
    const at = "When does the lease of a worker expire?"
    const reports: Array<string> = []
    for (const folder of [yield* library(12), yield* library(12)]) {
      const write = (agents = extractive(folder)) =>
        research(agents, at, ["docs"]).pipe(
          Effect.map(({ report }) => report.markdown.replace(/^date: .*$|^\*[^ ]+ /gm, ""))
        )
      reports.push(yield* write(), yield* write())
      const path = join(folder, "docs", "d3.md")
      writeFileSync(path, "# Other\n\nNothing of interest is written here, only words.\n")
      yield* write()
      writeFileSync(path, `# Lease 3\n\n${sentence(3)}\n`)
      reports.push(yield* write())
    }
    assert.strictEqual(new Set(reports).size, 1)
    assert.include(reports[0], "sources:")
  }).pipe(Effect.scoped))

it.live(
  "is built once and completely when many open it at the same time, in several processes",
  () =>
    Effect.gen(function*() {
      const folder = yield* library(150)
      const program = fileURLToPath(new URL("./OpeningProcess.ts", import.meta.url))
      const process_ = Effect.callback<string>((resume) => {
        const child = spawn(process.execPath, [program, folder], { stdio: ["ignore", "pipe", "inherit"] })
        let output = ""
        child.stdout.on("data", (chunk: Buffer) => output += chunk.toString())
        child.on("close", () => resume(Effect.succeed(output)))
        return Effect.sync(() => child.kill())
      })
      const agents = extractive(folder)
      const here = Effect.forEach(Array.from({ length: 6 }), () => look(folder, agents), { concurrency: "unbounded" })
      const [found, ...printed] = yield* Effect.all([here, process_, process_, process_], { concurrency: "unbounded" })
      const seen = [
        ...found.map(({ corpus }) => corpus),
        ...printed.map((text) => JSON.parse(text) as Research["corpus"])
      ]
      assert.deepStrictEqual(new Set(seen.map((corpus) => corpus.documents)), new Set([150]))
      assert.strictEqual(new Set(seen.map((corpus) => corpus.fingerprint)).size, 1)
      const database = new DatabaseSync(indexOf(folder), { readOnly: true })
      assert.strictEqual(database.prepare("SELECT max(id) AS n FROM document").get()?.["n"], 150)
      database.close()
    }).pipe(Effect.scoped),
  60_000
)

/** A process that holds the writer's lock of an index until it is killed. */
const holder = (index: string) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof spawn>>((resume) => {
      const program = `const { DatabaseSync } = require("node:sqlite")
        const database = new DatabaseSync(${JSON.stringify(`${index}.lock`)})
        database.exec("BEGIN EXCLUSIVE")
        process.stdout.write("held")
        process.stdin.resume()`
      const child = spawn(process.execPath, ["-e", program], { stdio: ["pipe", "pipe", "inherit"] })
      child.stdout.once("data", () => resume(Effect.succeed(child)))
    }),
    (child) => Effect.sync(() => child.kill("SIGKILL"))
  )

it.live("waits for the process that writes the index, and takes over when that process is killed", () =>
  Effect.gen(function*() {
    const folder = yield* library(2)
    yield* look(folder)
    const child = yield* holder(indexOf(folder))
    assert.strictEqual((yield* look(folder)).corpus.documents, 2, "readers of an unchanged folder do not wait")
    rmSync(join(folder, "docs", "d1.md"))
    const fiber = yield* Effect.forkChild(look(folder))
    assert.strictEqual((yield* Effect.timeoutOption(Fiber.join(fiber), 300))._tag, "None")
    child.kill("SIGKILL")
    assert.strictEqual((yield* look(folder)).corpus.documents, 1)
  }).pipe(Effect.scoped))

it.live("makes a damaged index, and one of another version, anew", () =>
  Effect.gen(function*() {
    const folder = yield* library(3)
    yield* look(folder)
    const path = indexOf(folder)
    rmSync(`${path}-wal`, { force: true })
    writeFileSync(path, "this is not a database, but it is long enough to look like one ".repeat(100))
    assert.strictEqual((yield* look(folder)).corpus.documents, 3)
    const database = new DatabaseSync(path)
    database.exec("PRAGMA user_version = 999; DROP TABLE unit")
    database.close()
    assert.strictEqual((yield* look(folder)).corpus.documents, 3)
  }).pipe(Effect.scoped))

it.live("keeps a bounded number of index files", () =>
  Effect.gen(function*() {
    const folder = yield* library(5)
    const agents = extractive(folder)
    for (let number = 0; number < 5; number++) {
      yield* ask(agents, "researcher", { task: "When does a lease expire?", files: [`docs/d${number}.md`] }).pipe(
        Effect.provideService(CorpusLimits, { ...(yield* CorpusLimits), indexesMax: 3 })
      )
    }
    assert.strictEqual(readdirSync(join(folder, "index")).filter((name) => name.endsWith(".db")).length, 3)
  }).pipe(Effect.scoped))

it.live(
  "stops soon when it is interrupted in a large document, leaves the loop free meanwhile, and recovers",
  () =>
    Effect.gen(function*() {
      const folder = yield* library(1)
      const large = Array.from({ length: 120_000 }, (_, number) => sentence(number)).join("\n\n")
      writeFileSync(join(folder, "docs", "large.md"), large)
      const fiber = yield* Effect.forkChild(look(folder))
      let turns = 0
      while (turns < 100) {
        yield* Effect.sleep(1)
        turns++
      }
      assert.isUndefined(fiber.pollUnsafe(), "still at work: the loop was free a hundred times before it ended")
      const started = performance.now()
      yield* Fiber.interrupt(fiber)
      assert.isBelow(performance.now() - started, 1_000)
      rmSync(join(folder, "docs", "large.md"))
      assert.strictEqual((yield* look(folder)).corpus.documents, 1)
    }).pipe(Effect.scoped),
  30_000
)

it.live("tells the step's log how far it is when there is much to read", () =>
  Effect.gen(function*() {
    const folder = yield* library(260)
    const lines: Array<string> = []
    const agent = extractive(folder).find(({ info }) => info.name === "research/extractive/planner")!
    const call = callOf(agent.info.name, { question: "When does a lease expire?", files: ["docs"] })
    yield* agent.call({ ...call, log: (line) => Effect.sync(() => void lines.push(line)) })
    assert.match(lines[0]!, /^reading document 251 of 260: docs\/d\d+\.md, \d+ bytes$/)
    assert.strictEqual(lines[1], "260 documents, 260 evidence units")
  }).pipe(Effect.scoped))

it.live("cuts a document at the limit of its units, and says so", () =>
  Effect.gen(function*() {
    const folder = yield* library(1)
    writeFileSync(
      join(folder, "docs", "d0.md"),
      Array.from({ length: 30 }, (_, number) => sentence(number)).join("\n\n")
    )
    const { corpus } = yield* look(folder).pipe(
      Effect.provideService(CorpusLimits, { ...(yield* CorpusLimits), documentUnitsMax: 10 })
    )
    assert.deepStrictEqual(corpus.notes, ["docs/d0.md: only its first 10 evidence units were read"])
    assert.strictEqual(corpus.units, 10)
  }).pipe(Effect.scoped))
