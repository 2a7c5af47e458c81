/** The reference page of all metrics, made of their definitions. */
import { type MetricName } from "./MetricNames.ts"
import * as Names from "./MetricNames.ts"

const row = ({ buckets, help, kind, labels, name }: MetricName): string => {
  const about = buckets === undefined ? help : `${help} Buckets: ${buckets.join(", ")}.`
  const named = labels.length === 0 ? "" : labels.map((label) => `\`${label}\``).join(", ")
  return `| \`${name}\` | ${kind} | ${named} | ${about} |`
}

/** Markdown. */
export const text = (): string =>
  [
    "# Metrics",
    "",
    "What `GET /metrics` shows, in the text format of Prometheus. How to get at it, and what to ask of it, stands in the",
    "[guide](../guides/telemetry.md). Counters and histograms begin at 0 with each process. A label takes a bounded number",
    "of values; what is beyond the bound is counted as `other`. No label holds a run, a step or a key.",
    "",
    "| Metric | Kind | Labels | What it says |",
    "| --- | --- | --- | --- |",
    ...Names.all.map(row),
    ""
  ].join("\n")
