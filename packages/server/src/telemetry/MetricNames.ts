/**
 * Every metric that Baton shows, by name: what `/metrics` may say, what alert rules and dashboards may ask for, and what the
 * reference lists. Labels are bounded: no run, no step, no key, and no tenant unless the operator bounds them.
 */

export interface MetricName {
  readonly name: string
  readonly kind: "counter" | "gauge" | "histogram"
  readonly help: string
  readonly labels: ReadonlyArray<string>
  /** Upper bounds of a histogram, in the unit of its name. */
  readonly buckets?: ReadonlyArray<number>
}

const counter = (name: string, help: string, labels: ReadonlyArray<string> = []): MetricName => ({
  name,
  kind: "counter",
  help,
  labels
})
const gauge = (name: string, help: string, labels: ReadonlyArray<string> = []): MetricName => ({
  name,
  kind: "gauge",
  help,
  labels
})
const histogram = (
  name: string,
  help: string,
  buckets: ReadonlyArray<number>,
  labels: ReadonlyArray<string> = []
): MetricName => ({ name, kind: "histogram", help, labels, buckets })

/** A run takes from a second to half an hour, a step to five minutes, a queue to ten seconds. */
const runBuckets = [1, 5, 10, 30, 60, 120, 300, 600, 1800]
const stepBuckets = [0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]
const queueBuckets = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const fastBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

export const runs = counter("orchestration_runs_total", "Runs that have ended, by how.", ["definition", "status"])
export const runSeconds = histogram(
  "orchestration_run_duration_seconds",
  "From a run's creation to its end, waiting included.",
  runBuckets,
  ["definition"]
)
export const stepSeconds = histogram(
  "orchestration_step_duration_seconds",
  "From an attempt's start to its answer, by node type and how it ended.",
  stepBuckets,
  ["definition", "type", "status"]
)
export const queueSeconds = histogram(
  "orchestration_step_queue_seconds",
  "How long an offered attempt waited for a worker.",
  queueBuckets,
  ["definition", "type"]
)

export const created = counter("baton_runs_created_total", "Runs that were created.", ["definition"])
export const openRuns = gauge("baton_runs", "Runs that this process owns and that have not ended, by status.", [
  "status"
])
export const paused = gauge("baton_runs_paused", "Runs of this process that are paused.")
export const unexplained = gauge(
  "baton_runs_stuck",
  "Runs of this process that have not ended and for which nobody can say why. Must be 0."
)
export const stalled = gauge("baton_runs_stalled", "Runs of this process that say they run and have not moved.")
export const unowned = gauge(
  "baton_runs_unowned",
  "Runs of the store that have not ended and that no living process owns."
)
export const doors = gauge("baton_doors_open", "What waits for a person in the runs of this process, by kind.", [
  "kind"
])

export const began = counter("baton_step_attempts_total", "Attempts that workers have begun.", ["type"])
export const offers = counter("baton_step_offers_total", "Attempts that were handed to workers.", ["type"])
export const retries = counter("baton_step_retries_total", "Failed attempts that are followed by another.", ["type"])
export const failures = counter(
  "baton_step_failures_total",
  "Steps that have failed for good, by what took the failure.",
  [
    "type",
    "handled"
  ]
)
export const queued = gauge("baton_steps_queued", "Attempts that wait for a worker of this process.", ["type"])
export const running = gauge("baton_steps_running", "Attempts that workers of this process are at.", ["type"])
export const lost = counter("baton_deliveries_lost_total", "Attempts whose worker was lost.")
export const letters = counter("baton_dead_letters_total", "Attempts after which nothing went on by itself.")
export const patches = counter("baton_patches_total", "Changes of running plans, by what became of them.", ["outcome"])
export const hop = histogram(
  "baton_hop_seconds",
  "From an answer to the offer of what it made possible, the commit between them included.",
  fastBuckets
)

export const commitSeconds = histogram("baton_commit_seconds", "What the store took for one commit.", [
  0.0005,
  ...fastBuckets
])
export const commitRuns = histogram("baton_commit_runs", "Runs whose records shared one commit.", [
  1,
  2,
  5,
  10,
  25,
  50,
  100,
  250,
  500,
  1000
])
export const events = counter("baton_events_total", "Events that were written to journals.")
export const commitFailures = counter("baton_commit_failures_total", "Commits that the store did not take, by why.", [
  "reason"
])

export const modelCalls = counter("baton_model_calls_total", "Calls of models that were settled.", ["model"])
export const tokens = counter("baton_tokens_total", "Tokens that were settled, by direction.", ["model", "direction"])
export const cost = counter("baton_cost_usd_total", "What was settled, in US dollars.", ["model"])
export const unpriced = counter("baton_unpriced_calls_total", "Calls of models whose price nobody knows.", ["model"])
export const reservedUsd = gauge(
  "baton_budget_reserved_usd",
  "Set aside in runs that this process has in memory, in US dollars."
)
export const reservedTokens = gauge(
  "baton_budget_reserved_tokens",
  "Set aside in runs that this process has in memory, in tokens."
)
export const spentUsd = gauge(
  "baton_budget_spent_usd",
  "Settled in open runs that this process has in memory, in US dollars."
)
export const spentTokens = gauge(
  "baton_budget_spent_tokens",
  "Settled in open runs that this process has in memory, in tokens."
)
export const overruns = counter("baton_budget_overruns_total", "Attempts that cost more than was set aside for them.")
export const unfunded = counter("baton_budget_waits_total", "Steps that had to wait for money.")

export const webhooks = counter(
  "baton_webhook_deliveries_total",
  "Deliveries to webhooks that were tried, by outcome.",
  [
    "outcome"
  ]
)
export const webhooksWaiting = gauge("baton_webhook_waiting", "Deliveries to webhooks that are not made yet.")

export const requests = histogram(
  "baton_http_request_seconds",
  "HTTP requests by route, method and status; of a stream, until it begins.",
  [...fastBuckets, 10],
  ["method", "route", "status"]
)
export const openRequests = gauge("baton_http_requests_open", "HTTP requests that are being answered.")
export const streams = gauge("baton_event_streams", "Clients that follow events, by transport.", ["transport"])
export const shed = counter("baton_http_shed_total", "HTTP requests that were refused to protect the others, by why.", [
  "reason"
])

export const spans = counter("baton_spans_total", "Spans of traces, by what became of them.", ["outcome"])

export const memory = gauge("process_resident_memory_bytes", "Resident memory of this process.")
export const heap = gauge("nodejs_heap_size_used_bytes", "Heap that is in use.")
export const cpu = counter("process_cpu_seconds_total", "Time of processors that this process has used.")
export const startTime = gauge("process_start_time_seconds", "When this process began, since 1970.")
export const loopDelay = gauge("nodejs_eventloop_delay_seconds", "How late timers were since the last scrape.", [
  "percentile"
])
export const gcSeconds = histogram(
  "nodejs_gc_duration_seconds",
  "Pauses of the garbage collector, by kind, since the first scrape.",
  [0.001, 0.01, 0.1, 1],
  ["kind"]
)

/** In the order of the reference. */
export const all: ReadonlyArray<MetricName> = [
  runs,
  runSeconds,
  stepSeconds,
  queueSeconds,
  created,
  openRuns,
  paused,
  unexplained,
  stalled,
  unowned,
  doors,
  began,
  offers,
  retries,
  failures,
  queued,
  running,
  lost,
  letters,
  patches,
  hop,
  commitSeconds,
  commitRuns,
  events,
  commitFailures,
  modelCalls,
  tokens,
  cost,
  unpriced,
  reservedUsd,
  reservedTokens,
  spentUsd,
  spentTokens,
  overruns,
  unfunded,
  webhooks,
  webhooksWaiting,
  requests,
  openRequests,
  streams,
  shed,
  spans,
  memory,
  heap,
  cpu,
  startTime,
  loopDelay,
  gcSeconds
]
