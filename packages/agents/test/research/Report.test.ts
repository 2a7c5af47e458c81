/** The written report: its form, its honesty about what is missing, and what it refuses to say. */
import { assert, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import { createHash } from "node:crypto"
import { mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Finding } from "../../src/research/Evidence.ts"
import { contains } from "../../src/research/FindingText.ts"
import {
  ask,
  extractive,
  outputOf,
  type Plan,
  type Report,
  type Research,
  research,
  scratch,
  shipped
} from "./ResearchDesk.ts"

const question = "How do durable workflows avoid paying twice for a retried call?"

const written = Effect.fnUntraced(function*(files: Record<string, string>) {
  const folder = yield* scratch
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder, "docs", name, ".."), { recursive: true })
    writeFileSync(join(folder, "docs", name), text)
  }
  return folder
})

it.effect("says first how it was made, and at the caller's time", () =>
  Effect.gen(function*() {
    yield* TestClock.setTime(Date.UTC(2026, 10, 21, 10, 0, 5))
    const { report } = yield* research(extractive(yield* scratch), question)
    const [front, body] = report.markdown.slice(4).split("\n---\n")
    assert.match(front!, /^title: "How do durable workflows/)
    assert.match(front!, /^engine: "extractive \(no language model\)"$/m)
    assert.match(front!, /^date: 2026-11-21T10:00:05Z$/m)
    assert.match(front!, /^documents: 16$/m)
    assert.match(body!, /^\nengine: extractive \(no language model\)\n\n# How do durable workflows/)
    for (const heading of ["Key findings", "Coverage and gaps", "Sources"]) {
      assert.match(body!, new RegExp(`^## ${heading}$`, "m"))
    }
    assert.isTrue(report.findings.every((finding) => finding.source.retrievedAt === "2026-11-21T10:00:05Z"))
  }).pipe(Effect.scoped))

it.live("carries a number behind every statement, a source behind every number, and a hash behind every source", () =>
  Effect.gen(function*() {
    const { report } = yield* research(extractive(yield* scratch), question)
    const [body, sources] = report.markdown.split("## Sources")
    const statements = body!.split("## Coverage and gaps")[0]!.split("\n").filter((line) => line.startsWith("- "))
    assert.isAtLeast(statements.length, 5)
    for (const line of statements) assert.match(line, / \[\d+\]$/)
    const cited = new Set([...body!.matchAll(/ \[(\d+)\]/g)].map(([, number]) => Number(number)))
    const listed = [...sources!.matchAll(/^- \[(\d+)\] `([^`]+)` (lines? [\d–]+) — .+$/gm)].map(([, number]) =>
      Number(number)
    )
    assert.deepStrictEqual([...cited].sort((a, b) => a - b), listed)
    assert.deepStrictEqual(listed, listed.map((_, at) => at + 1))
    for (const { source } of report.findings) assert.include(sources, `- \`${source.uri}\` ${source.hash}`)
  }).pipe(Effect.scoped))

/** The promise that everything else rests on, checked against the files themselves. */
const standsInFile = (finding: Finding, folder: string) => {
  const bytes = readFileSync(join(folder, finding.source.uri.replace(/^baton\/documents\//, "")))
  assert.strictEqual(finding.source.hash, `sha256:${createHash("sha256").update(bytes).digest("hex")}`)
  const { locator } = finding.source
  assert.property(locator, "lines")
  const { from, to } = (locator as { readonly lines: { readonly from: number; readonly to: number } }).lines
  const lines = bytes.toString().split("\n").slice(from - 1, to).join(" ")
  assert.isTrue(contains(lines, finding.quote), `${finding.source.uri}:${from}-${to}: ${finding.quote}\n${lines}`)
}

it.live("quotes only words that stand in the named lines of the file with the named hash", () =>
  Effect.gen(function*() {
    const agents = extractive(yield* scratch)
    const questions = [
      question,
      "How does prompt injection leak data?",
      "What are the states of an A2A task and of a breaker?"
    ]
    for (const asked of questions) {
      const { report } = yield* research(agents, asked)
      assert.isNotEmpty(report.findings)
      for (const finding of report.findings) standsInFile(finding, shipped.folder)
    }
  }).pipe(Effect.scoped))

it.live("says that there is no evidence, names what was not found, and claims nothing", () =>
  Effect.gen(function*() {
    const { report, tasks } = yield* research(
      extractive(yield* scratch),
      "What is the airspeed velocity of an unladen swallow?"
    )
    assert.strictEqual(tasks.length, 1)
    assert.strictEqual(report.verdict, "none")
    assert.match(report.markdown, /^## No sufficient evidence$/m)
    assert.match(report.markdown, /Not found: "airspeed", "velocity", "unladen"\./)
    assert.notMatch(report.markdown, /Key findings|## Sources| \[1\]/)
  }).pipe(Effect.scoped))

it.live("answers the half of a question that it can, and says which half it cannot", () =>
  Effect.gen(function*() {
    const asked = "What are the states of a circuit breaker, and how do I bake sourdough bread?"
    const { report } = yield* research(extractive(yield* scratch), asked)
    assert.match(report.markdown, /closed, open or half-open/)
    assert.match(report.markdown, /No sufficient evidence for "how do I bake sourdough bread\?"/)
  }).pipe(Effect.scoped))

it.live("names the branches that were lost", () =>
  Effect.gen(function*() {
    const agents = extractive(yield* scratch)
    const { tasks } = outputOf<Plan>(yield* ask(agents, "planner", { question }))
    const found = yield* ask(agents, "researcher", { task: tasks[0] })
    const missing = [{ index: 1, error: { code: "AGENT_TIMEOUT", message: "no answer within 10s" } }]
    const report = outputOf<Report>(yield* ask(agents, "writer", { question, findings: [found.output], missing }))
    assert.match(report.markdown, /1 of 2 research branches failed/)
    assert.match(report.markdown, /Lost branch: AGENT_TIMEOUT — no answer within 10s/)
  }).pipe(Effect.scoped))

it.live("says the same thing once, prefers what is current, and marks what may be out of date", () =>
  Effect.gen(function*() {
    const fact = "A worker lease expires after thirty seconds without a heartbeat."
    const folder = yield* written({
      "archive/leases.md":
        `# Leases\n\nA worker lease expires after sixty seconds without a heartbeat, and the worker stops.\n`,
      "leases.md": `# Leases\n\n${fact}\n`,
      "copy.md": `# Leases\n\n${fact}\n`
    })
    const { report } = yield* research(extractive(folder), "When does a worker lease expire?", ["docs"])
    assert.strictEqual(report.markdown.split("thirty seconds").length - 1, 1)
    assert.match(report.findings[0]!.quote, /thirty/)
    assert.match(report.markdown, /`docs\/archive\/leases\.md` may be out of date: its path says "archive"/)
  }).pipe(Effect.scoped))

it.live("names skipped documents in its gaps", () =>
  Effect.gen(function*() {
    const folder = yield* written({ "a.md": "A worker lease expires after thirty seconds.", "b.md": "\u0000\u0001" })
    const { report } = yield* research(extractive(folder), "When does a worker lease expire?", ["docs"])
    assert.match(report.markdown, /^- Skipped `docs\/b\.md`: a binary file \(DOCUMENT_UNREADABLE\)\.$/m)
  }).pipe(Effect.scoped))

it.live("plans one to five tasks, the question itself first, and ties them to the documents", () =>
  Effect.gen(function*() {
    const folder = yield* written({ "a.md": "# Leases\n\nA worker lease expires after thirty seconds." })
    const agents = extractive(folder)
    const plan = (files?: ReadonlyArray<string>) =>
      Effect.map(
        ask(agents, "planner", { question, ...(files === undefined ? {} : { files }) }),
        (answer) => outputOf<Plan>(answer).tasks
      )
    const tasks = yield* plan()
    assert.isAtMost(tasks.length, 5)
    assert.strictEqual(tasks[0]?.question, question)
    const before = (yield* plan(["docs"]))[0]?.corpus
    writeFileSync(join(folder, "docs", "a.md"), "# Leases\n\nA worker lease expires after forty seconds.")
    assert.notStrictEqual((yield* plan(["docs"]))[0]?.corpus, before)
  }).pipe(Effect.scoped))

it.live("takes tasks that another planner wrote, as objects or as text", () =>
  Effect.gen(function*() {
    const agents = extractive(yield* scratch)
    for (const task of [{ question: "What is jitter?", agent_type: "research" }, "What is jitter?"]) {
      const found = outputOf<Research>(yield* ask(agents, "researcher", { task, files: null }))
      assert.match(found.findings.map((finding) => finding.quote).join(" "), /Jitter spreads the retries/)
    }
  }).pipe(Effect.scoped))

it.live("refuses input that is empty, too long or of another shape, with the problems", () =>
  Effect.gen(function*() {
    const agents = extractive(yield* scratch)
    for (const input of [{ question: " " }, { question: "x".repeat(4_001) }, { question: 3 }, null, { files: ["a"] }]) {
      const error = yield* Effect.flip(ask(agents, "planner", input))
      assert.deepStrictEqual([error.reason, error.code, error.retryable], ["validation", "INPUT_INVALID", false])
    }
  }).pipe(Effect.scoped))
