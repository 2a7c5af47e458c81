/** What is shipped beside the program names only metrics that there are. */
import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Names from "../../src/telemetry/MetricNames.ts"
import * as Promtool from "./Promtool.ts"

const path = (name: string): string => fileURLToPath(new URL(`../../../../${name}`, import.meta.url))
const read = (name: string): string => readFileSync(path(name), "utf8")

const rules = "deploy/prometheus/baton.rules.yml"
const cases = "deploy/prometheus/baton.rules.test.yml"
const dashboard = "deploy/grafana/baton.json"

const series = new Set(
  Names.all.flatMap(({ kind, name }) =>
    kind === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name]
  )
)

const named = (text: string): ReadonlyArray<string> => [
  ...new Set(text.match(/\b(orchestration|baton|process|nodejs)_[a-z0-9_]+\b/g) ?? [])
]

interface Dashboard {
  readonly panels: ReadonlyArray<{
    readonly id: number
    readonly targets?: ReadonlyArray<{ readonly expr: string }>
  }>
}

describe("what is deployed", () => {
  it("asks only for metrics that there are: the dashboard", () => {
    const { panels } = JSON.parse(read(dashboard)) as Dashboard
    const asked = panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => named(expr)))
    assert.isAbove(asked.length, 30)
    assert.deepStrictEqual(asked.filter((name) => !series.has(name)), [])
    assert.strictEqual(new Set(panels.map(({ id }) => id)).size, panels.length)
  })

  it("asks only for metrics that there are: the alert rules", () => {
    assert.deepStrictEqual(named(read(rules)).filter((name) => !series.has(name)), [])
  })

  it("has a case for each alert", () => {
    const alerts = [...read(rules).matchAll(/- alert: (\w+)/g)].map(([, name]) => name)
    const tested = new Set([...read(cases).matchAll(/alertname: (\w+)/g)].map(([, name]) => name))
    assert.deepStrictEqual(alerts.filter((name) => !tested.has(name)), [])
  })

  it.skipIf(Promtool.isMissing)("passes promtool: the alert rules and their cases", () => {
    assert.strictEqual(Promtool.run(["check", "rules", path(rules)]).status, 0)
    assert.deepInclude(Promtool.run(["test", "rules", path(cases)]), { status: 0 })
  })
})
