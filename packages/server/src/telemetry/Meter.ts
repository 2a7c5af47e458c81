/** The metrics of one process, kept by `effect/Metric`; a label takes as many values as it may, then `other`. */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import type { MetricName } from "./MetricNames.ts"
import * as Names from "./MetricNames.ts"

/** Values of one label of one metric, unless the metric is about definitions. */
export const labelValuesMax = 200
/** What stands for every value beyond the bound. */
export const other = "other"

/** Takes a number: adds it (counter), puts it (gauge), or counts it in (histogram). */
export type Tell = (value: number) => void

export class Meter {
  readonly #context: Context.Context<never>
  readonly #series = new Map<string, Tell>()
  readonly #values = new Map<string, Set<string>>()
  readonly definitionsMax: number

  constructor(definitionsMax: number, registry: Metric.MetricRegistry = new Map()) {
    this.definitionsMax = definitionsMax
    this.#context = Context.make(Metric.MetricRegistry, registry)
    for (const name of Names.all) if (name.labels.length === 0) this.of(name)
  }

  /** Where the metrics of this meter are read from. */
  get context(): Context.Context<never> {
    return this.#context
  }

  /** One series; the same one whenever it is asked for. Callers on a hot path keep it. */
  of(name: MetricName, ...values: ReadonlyArray<string>): Tell {
    const key = values.length === 0 ? name.name : `${name.name}\0${values.join("\0")}`
    const known = this.#series.get(key)
    if (known !== undefined) return known
    const bounded = values.map((value, index) => this.#bounded(name, name.labels[index] ?? "", value))
    const isBounded = bounded.every((value, index) => value === values[index])
    const tell = isBounded ? this.#make(name, values) : this.of(name, ...bounded)
    // What is beyond the bound is not remembered: it could be anything.
    if (isBounded) this.#series.set(key, tell)
    return tell
  }

  #bounded(name: MetricName, label: string, value: string): string {
    const key = `${name.name}\0${label}`
    const seen = this.#values.get(key) ?? new Set()
    this.#values.set(key, seen)
    if (value === other || seen.has(value)) return value
    if (seen.size >= (label === "definition" ? this.definitionsMax : labelValuesMax)) return other
    seen.add(value)
    return value
  }

  #make({ buckets, help, kind, labels, name }: MetricName, values: ReadonlyArray<string>): Tell {
    const attributes = Object.fromEntries(labels.map((label, index) => [label, values[index] ?? ""]))
    const options = { description: help, attributes }
    const metric = kind === "counter"
      ? Metric.counter(name, { ...options, incremental: true })
      : kind === "gauge"
      ? Metric.gauge(name, options)
      : Metric.histogram(name, { ...options, boundaries: buckets ?? [] })
    const context = this.#context
    // From now on it is there, with nothing in it.
    metric.valueUnsafe(context)
    return (value) => metric.updateUnsafe(value, context)
  }
}
