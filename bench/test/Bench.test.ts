import type { Event } from "@baton/kernel/Event"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import * as CrashLog from "../CrashLog.ts"
import * as Floor from "../Floor.ts"
import * as Plan from "../Plan.ts"
import * as Report from "../Report.ts"

describe("report", () => {
  it("takes medians and quantiles of any number of values", () => {
    assert.strictEqual(Report.median([3, 1, 2]), 2)
    assert.strictEqual(Report.median([4, 1, 2, 3]), 2.5)
    assert.strictEqual(Report.quantile([5, 1, 4, 2, 3], 0.5), 3)
    assert.strictEqual(Report.quantile([1, 2, 3, 4], 0.99), 4)
    assert.isNaN(Report.median([]))
  })
  it("puts the repeats of a cell into one row, and shows how far they lie apart", () => {
    const sample = (subject: string, speed: number, cost: number) => ({
      workload: "w1",
      subject,
      variant: "",
      figures: { "runs/s": speed, cost }
    })
    const rows = Report.summarize([
      sample("engine", 90, 3),
      sample("floor", 500, 1),
      sample("engine", 110, 5),
      sample("engine", 100, 4)
    ])
    assert.deepStrictEqual(
      rows.map(({ medians, repeats, spread, subject }) => ({ subject, medians, repeats, spread })),
      [
        { subject: "engine", medians: { "runs/s": 100, cost: 4 }, repeats: 3, spread: 0.2 },
        { subject: "floor", medians: { "runs/s": 500, cost: 1 }, repeats: 1, spread: 0 }
      ]
    )
    assert.include(Report.table(rows), "| engine  |    100 |    4 |    20% | 3 |")
  })
})

describe("plan", () => {
  it("measures all workloads when none is named, cells taking turns", () => {
    const cells = Plan.round(Plan.parse([]))
    assert.deepStrictEqual([...new Set(cells.map((cell) => cell.workload))], ["w0", "w1", "w2", "w3", "w4"])
    assert.deepStrictEqual(
      Plan.round(Plan.parse(["w2", "--size", "10", "--subject", "floor"])),
      [{ workload: "w2", subject: "floor", variant: "10" }]
    )
  })
  it("refuses what it does not know", () => {
    assert.throws(() => Plan.parse(["w9"]), "no workload w9")
    assert.throws(() => Plan.parse(["--repeats", "0"]), "--repeats")
  })
})

describe("floor", () => {
  it("writes one record per step, one at the start, one at the end and one per join", async () => {
    const folder = mkdtempSync(join(tmpdir(), "baton-floor-"))
    const floor = Floor.open(join(folder, "floor.db"))
    try {
      const { chain, fanOut } = Floor.runs(floor)
      await Promise.all([chain(5).finished, chain(5).finished])
      assert.strictEqual(floor.records(), 14)
      await fanOut(100).finished
      assert.strictEqual(floor.records(), 14 + 103)
    } finally {
      floor.close()
      rmSync(folder, { recursive: true })
    }
  })
})

describe("crash log", () => {
  const succeeded = (path: string): Event => ({
    type: "StepSucceeded",
    v: 1,
    at: 1,
    path,
    attempt: 1,
    output: { v: null }
  })
  const adopted: Event = { type: "RunAdopted", v: 1, at: 2, session: "s", epoch: 2, lost: ["b"] }
  const assess = (lines: ReadonlyArray<string>) =>
    CrashLog.assess({
      lines,
      journals: new Map([["r", [succeeded("a"), adopted, succeeded("b")]]]),
      steps: 2,
      stepMillis: 50,
      killToDoneMillis: 120,
      killToOpenMillis: 30
    })

  it("tells a step that was under way from one that was acknowledged", () => {
    const figures = assess(["begin r a", "end r a", "begin r b", "kill", "begin r b", "end r b"])
    assert.deepStrictEqual(figures, {
      "recovery ms": 70,
      "kill to done ms": 120,
      "kill to open ms": 30,
      "work left ms": 50,
      "acknowledged at kill": 1,
      "ran twice": 1,
      "acknowledged, ran again": 0,
      "never ran": 0
    })
  })
  it("sees an acknowledged step that ran again, and one that never ran", () => {
    const figures = assess(["begin r a", "end r a", "kill", "begin r a", "end r a"])
    assert.strictEqual(figures["acknowledged, ran again"], 1)
    assert.strictEqual(figures["never ran"], 1)
  })
})
