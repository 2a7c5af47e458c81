import * as Wire from "@baton/contract/Wire"
import { Event } from "@baton/kernel/Event"
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as Palette from "../src/Palette.ts"
import * as JsonlRenderer from "../src/progress/JsonlRenderer.ts"
import * as PlainRenderer from "../src/progress/PlainRenderer.ts"
import * as ProgressModel from "../src/progress/ProgressModel.ts"
import * as TtyRenderer from "../src/progress/TtyRenderer.ts"
import * as TerminalText from "../src/TerminalText.ts"
import * as Runs from "./Runs.ts"

const plain = Palette.make({ color: false, unicode: true })
const coloured = Palette.make({ color: true, unicode: true })
const asciiOnly = Palette.make({ color: false, unicode: false })

const busy: ReadonlyArray<Runs.Draft> = [
  Runs.offered("plan"),
  Runs.succeeded("plan", { inputTokens: 900, outputTokens: 304, costUsd: 0.004 }),
  Runs.expanded("research", 5),
  Runs.offered("research[0]", "research[1]", "research[2]", "research[3]"),
  Runs.succeeded("research[0]"),
  Runs.failed("research[1]", "item"),
  Runs.retrying("research[2]", 12_000),
  Runs.asksOperator("publish"),
  { type: "StepWaiting", path: "ack", attempt: 1, wait: { kind: "event", name: "acknowledged" } },
  Runs.offered("notify")
]
const nodes = ["plan", "research", "publish", "ack", "notify", "report"].map((id) => Runs.step(id, "agent", "pending"))
const { model, notes } = Runs.notes(ProgressModel.begin(Runs.document({ steps: nodes })), busy, 1_000)
const now = Runs.start + 31_000

describe("TtyRenderer", () => {
  it("ranks what needs a person first, folds a map into one row, counts the rest", () => {
    assert.deepStrictEqual(TtyRenderer.region(model, { columns: 80, rows: 24 }, now, plain), [
      "────────────────────────────────────────────────────────────",
      " ✋ publish   24s  needs you: failed: AGENT_TIMEOUT no answer in 30s",
      " ◐ research  2/5 ▓▓▓▓░░░░░░  1 failed  1 running, 1 retrying  29s",
      " ◐ notify    22s",
      " ⧗ ack       waiting for event acknowledged",
      " ○ 1 pending",
      " 3/11 steps · 31s · 1,204 tok · $0.0040 · 1 failed"
    ])
  })

  it("speaks ASCII where the locale holds no more", () => {
    const lines = TtyRenderer.region(model, { columns: 60, rows: 24 }, now, asciiOnly)
    assert.match(lines.join(""), /^[ -~]*$/)
    assert.strictEqual(lines[1], " [?] publish   24s  needs you: failed: AGENT_TIMEOUT no ...")
  })

  it("leaves a line for what is over, none for single items that went well", () => {
    const lines = notes.flatMap((note) => TtyRenderer.noteLine(note, 80, plain) ?? [])
    assert.deepStrictEqual(lines, [
      " ✓ plan                      1.0s  1,204 tok  $0.0040",
      " ✕ research[1]               AGENT_TIMEOUT (item) no answer in 30s",
      " ✋ publish  needs you: failed: AGENT_TIMEOUT no answer in 30s"
    ])
  })

  it("colours words that are also marked", () => {
    const line = notes.flatMap((note) => TtyRenderer.noteLine(note, 80, coloured) ?? [])[0]
    assert.strictEqual(
      line,
      "\u001b[32m ✓ \u001b[0mplan                    \u001b[2m  1.0s\u001b[0m\u001b[2m  1,204 tok  $0.0040\u001b[0m"
    )
  })

  it("a run that is over has no region", () => {
    const over = Runs.fold(model, [{ type: "RunFinished", status: "failed", code: "X", message: "m" }])
    assert.deepStrictEqual(TtyRenderer.region(over, { columns: 80, rows: 24 }, now, plain), [])
  })

  const strange = Schema.String.check(Schema.isMaxLength(40))
  const waits = Schema.Array(Schema.Struct({ path: strange, name: strange, at: Schema.Int }))

  it.prop(
    "T1: the region fits any terminal, whatever the run holds",
    [Schema.Array(Event), waits, Schema.Int, Schema.Int, Schema.Int],
    ([events, steps, columns, rows, at]) => {
      const all = [
        ...events,
        ...steps.map((step) =>
          Runs.event({
            type: "StepWaiting",
            path: step.path,
            attempt: 1,
            wait: { kind: "event", name: `日本語${step.name}` }
          }, step.at)
        )
      ]
      let held = ProgressModel.begin(Runs.document())
      const viewport = { columns: Math.abs(columns) % 150, rows: Math.abs(rows) % 40 }
      for (const [index, event] of all.entries()) {
        const folded = ProgressModel.fold(held, Wire.fromEvent("run_1", index + 1, event))
        held = folded.model
        const line = folded.note === undefined ? undefined : TtyRenderer.noteLine(folded.note, viewport.columns, plain)
        assert.isAtMost(TerminalText.width(line ?? ""), Math.max(20, viewport.columns - 1))
      }
      const region = TtyRenderer.region(held, viewport, at, plain)
      assert.isAtMost(region.length, Math.max(0, Math.min(viewport.rows - 2, TtyRenderer.regionLinesMax)))
      for (const line of region) {
        assert.isAtMost(TerminalText.width(line), Math.max(0, viewport.columns - 1))
        assert.notMatch(line, /[\p{Cc}\p{Bidi_Control}]/u)
      }
    }
  )

  it("T1: ten thousand open steps take no more room than the terminal has", () => {
    const many = Runs.fold(
      ProgressModel.begin(Runs.document()),
      [Runs.offered(...Array.from({ length: 10_000 }, (_, i) => `step${i}`))]
    )
    const region = TtyRenderer.region(many, { columns: 80, rows: 24 }, now, plain)
    assert.strictEqual(region.length, 16)
    assert.strictEqual(region.at(-2), " ○ 9,987 more in progress")
  })
})

describe("what a run says", () => {
  const nasty = "\u001b[2J\u202ex\u009b31m\ny\u2028"
  const error = { ...Runs.error, code: nasty, message: nasty }
  const said: ReadonlyArray<Runs.Draft> = [
    { type: "RunCreated", semantics: 1, run: "r", flow: { name: nasty, version: nasty, hash: "" }, input: { v: 1 } },
    Runs.expanded(nasty, 3),
    Runs.offered(nasty),
    { type: "StepWaiting", path: nasty, attempt: 1, wait: { kind: "event", name: nasty } },
    { type: "StepWaiting", path: `${nasty}2`, attempt: 1, wait: { kind: "operator", reason: "failed", error } },
    { type: "StepRetryScheduled", path: `${nasty}3`, attempt: 1, error, dueAt: 0 },
    { type: "StepFailed", path: `${nasty}4`, attempt: 1, error, handled: "none" },
    { type: "StepSucceeded", path: `${nasty}5`, attempt: 1, output: { v: 1 } },
    { type: "StepsSkipped", nodes: [nasty], reason: "when" },
    { type: "StepsCancelled", paths: [`${nasty}6`] },
    { type: "EventReceived", id: "e", name: nasty, data: { v: 1 } },
    { type: "RunPaused", by: nasty },
    { type: "RunClosing", cause: "failure", code: nasty, message: nasty, path: nasty },
    { type: "NoteAdded", text: nasty },
    { type: "RunFinished", status: "failed", code: nasty, message: nasty }
  ]

  it("steers no terminal, whichever field it is in", () => {
    for (let length = 1; length <= said.length; length++) {
      const { model, notes } = Runs.notes(ProgressModel.begin(Runs.document()), said.slice(0, length))
      const lines = [
        ...TtyRenderer.region(model, { columns: 200, rows: 30 }, now, plain),
        ...notes.flatMap((note) => TtyRenderer.noteLine(note, 200, plain) ?? []),
        ...notes.flatMap((note) => PlainRenderer.noteLine(note, nasty) ?? [])
      ]
      for (const line of lines) assert.notMatch(line, /[\p{Cc}\p{Bidi_Control}\p{Zl}]/u)
    }
  })
})

describe("PlainRenderer", () => {
  it("gives a line per transition, in ASCII", () => {
    const lines = notes.flatMap((note) => PlainRenderer.noteLine(note, "run_1") ?? [])
    assert.deepStrictEqual(lines, [
      "14:02:10Z plan succeeded 1.0s tokens=1204 cost=0.004",
      "14:02:11Z research expanded items=5",
      "14:02:13Z research[0] succeeded 4.0s",
      "14:02:14Z research[1] failed code=AGENT_TIMEOUT attempt=2 handled=item no answer in 30s",
      "14:02:15Z research[2] retrying attempt=2 reason=AGENT_TIMEOUT in=6.0s",
      "14:02:16Z publish needs-you failed: AGENT_TIMEOUT no answer in 30s",
      "14:02:17Z ack waiting event acknowledged"
    ])
    assert.match(lines.join(""), /^[ -~]*$/)
  })

  it("gives a sign of life that says what is going on", () => {
    assert.strictEqual(
      PlainRenderer.heartbeat(model, now),
      "14:02:40Z ... still running: 2 running, 1 retrying, 1 waiting, 1 needs-you, 1 pending, 3/11 done, 31s, cost=$0.0040"
    )
  })

  it("reports a large map in tenths, and its failures up to a bound", () => {
    const items = Array.from(
      { length: 1_000 },
      (_, i) => i % 20 === 7 ? Runs.failed(`m[${i}]`, "item") : Runs.succeeded(`m[${i}]`)
    )
    const lines = Runs.notes(ProgressModel.begin(Runs.document()), [Runs.expanded("m", 1_000), ...items]).notes
      .flatMap((note) => PlainRenderer.noteLine(note, "run_1") ?? [])
    assert.strictEqual(lines.filter((line) => line.includes(" progress ")).length, 10)
    assert.strictEqual(lines.filter((line) => line.includes(" failed code=")).length, 20)
  })

  it("lists no more than ten names of a mass skip", () => {
    const nodes = Array.from({ length: 500 }, (_, i) => `n${i}`)
    const line = PlainRenderer.noteLine({ kind: "skipped", at: 0, nodes, reason: "when" }, "run_1")
    assert.strictEqual(line, "00:00:00Z n0,n1,n2,n3,n4,n5,n6,n7,n8,n9,+490 skipped reason=when")
  })
})

describe("JsonlRenderer", () => {
  it.prop("an envelope is one line and is read back unchanged", [Event], ([event]) => {
    const envelope = Wire.fromEvent("run_1", 1, event)
    const line = JsonlRenderer.envelopeLine(envelope)
    assert.strictEqual(line.indexOf("\n"), line.length - 1)
    assert.deepStrictEqual(JSON.parse(line), JSON.parse(JSON.stringify(envelope)))
  })
})
