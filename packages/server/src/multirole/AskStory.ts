/** The course of a run that asks several agents at once, in the words of its stream. */
import type { AskMessage } from "@baton/contract/http/MultiRoleApi"
import type { RunDocument, StepDocument } from "@baton/contract/RunDocument"
import type { Event } from "@baton/kernel/Event"
import type { Json } from "@baton/kernel/Value"

/** Steps of the flow that the stream names. */
const contextPath = "context"
const mergePath = "merge"

/** Steps that ask an agent: the queries. */
export const queriesOf = ({ steps }: RunDocument): ReadonlySet<string> =>
  new Set(steps.filter(({ type }) => type === "agent").map(({ path }) => path))

export class AskStory {
  readonly #run: string
  readonly #queries: ReadonlySet<string>
  readonly #started = new Set<string>()
  readonly #failed = new Set<string>()

  constructor(run: string, queries: ReadonlySet<string>) {
    this.#run = run
    this.#queries = queries
  }

  /** What an event means to who has asked; events are told in their order. */
  tell(event: Event): ReadonlyArray<AskMessage> {
    switch (event.type) {
      case "RunCreated":
        return [{ event: "started", run: this.#run }]
      case "StepsDispatched":
        return event.steps.flatMap(([path]) => this.#offered(path))
      case "StepSucceeded":
        if (event.path === contextPath) return [{ event: "context_prepared" }]
        return this.#queries.has(event.path)
          ? [{ event: "query_completed", query: event.path, time_ms: took(event), success: true }]
          : []
      case "StepsReused": {
        const kept = event.steps.filter(({ path, status }) => status === undefined && this.#queries.has(path))
        return kept.map(({ path }) => ({ event: "query_completed", query: path, time_ms: 0, success: true }))
      }
      case "StepFailed":
        if (!this.#queries.has(event.path)) return []
        this.#failed.add(event.path)
        return [{ event: "query_failed", query: event.path, time_ms: took(event), error: event.error.message }]
      default:
        return []
    }
  }

  /** A step that is offered again, because its worker was lost, has started all the same. */
  #offered(path: string): ReadonlyArray<AskMessage> {
    if (this.#started.has(path)) return []
    this.#started.add(path)
    if (this.#queries.has(path)) return [{ event: "query_started", query: path }]
    return path === mergePath && this.#failed.size < this.#queries.size ? [{ event: "merging" }] : []
  }
}

const took = ({ at, startedAt = at }: { readonly at: number; readonly startedAt?: number }): number =>
  Math.max(0, at - startedAt)

/** The last message: what a run that is over came to. */
export const ending = (document: RunDocument): AskMessage => {
  const { code, id: run, metrics, output, reason, status } = document
  const queries = queriesOf(document)
  const asked = document.steps.filter(({ path }) => queries.has(path))
  const failed = asked.filter((step) => step.status === "failed")
  if (status === "succeeded" || status === "warned") {
    return {
      event: "completed",
      run,
      result: {
        ...(isObject(output) ? output : { output }),
        performance: performanceOf(document, asked, failed.length),
        execution_time_seconds: metrics.totalTimeMs / 1000
      },
      total_time_ms: metrics.totalTimeMs
    }
  }
  const all = asked.length > 0 && failed.length === asked.length
  const each = failed.map(({ error, path }) => `${path}: ${error?.message ?? ""}`)
  return { event: "error", run, code, message: all ? `All hybrid queries failed: ${each.join("; ")}` : reason }
}

const isObject = (value: Json): value is { readonly [key: string]: Json } =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Efficiency is the sum of the queries' times in percent of the whole: 100 is no gain, 0 stands for no time at all. */
const performanceOf = (
  { metrics: { stepTimesMs, tokensTotal, totalTimeMs } }: RunDocument,
  asked: ReadonlyArray<StepDocument>,
  failed: number
): Json => {
  const times = asked.map(({ path }) => [path, stepTimesMs[path] ?? 0] as const)
  const sum = times.reduce((total, [, ms]) => total + ms, 0)
  return {
    total_time_ms: totalTimeMs,
    query_times: Object.fromEntries(times.map(([path, ms]) => [`${path}_ms`, ms])),
    parallel_efficiency: totalTimeMs === 0 ? 0 : Math.round((1000 * sum) / totalTimeMs) / 10,
    tokens_total: tokensTotal,
    queries_executed: asked.length,
    queries_successful: asked.length - failed,
    queries_failed: failed
  }
}
