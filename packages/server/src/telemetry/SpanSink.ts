/** Spans that have ended, on their way to whoever collects them: bounded, and never in the way of a run. */
import type { KeyValue } from "effect/observability/OtlpResource"
import * as OtlpResource from "effect/observability/OtlpResource"

/** As OTLP has it (opentelemetry-proto, trace/v1). */
export interface EndedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string | undefined
  readonly name: string
  readonly kind: number
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: Array<KeyValue>
  readonly droppedAttributesCount: number
  readonly events: Array<never>
  readonly droppedEventsCount: number
  readonly status: { readonly code: 0 | 1 | 2 }
  readonly links: Array<never>
  readonly droppedLinksCount: number
  readonly traceState?: string
}

export const kinds = { internal: 1, server: 2, client: 3, producer: 4, consumer: 5 } as const

export interface SpanFacts {
  readonly traceId: string
  readonly spanId: string
  readonly parent: string | undefined
  readonly name: string
  readonly kind: keyof typeof kinds
  /** Nanoseconds since 1970. */
  readonly start: bigint
  readonly end: bigint
  readonly failed: boolean
  readonly attributes: Iterable<[string, unknown]>
  readonly state: string | undefined
}

/** Characters of a name, and of an attribute that is a text: what a model calls a tool may be anything. */
const nameMax = 256
const textMax = 1_024

const bounded = ([name, value]: [string, unknown]): [string, unknown] => [
  name,
  typeof value === "string" ? value.slice(0, textMax) : value
]

export const ended = (facts: SpanFacts): EndedSpan => ({
  traceId: facts.traceId,
  spanId: facts.spanId,
  parentSpanId: facts.parent,
  name: facts.name.slice(0, nameMax),
  kind: kinds[facts.kind],
  startTimeUnixNano: String(facts.start),
  endTimeUnixNano: String(facts.end < facts.start ? facts.start : facts.end),
  attributes: OtlpResource.entriesToAttributes([...facts.attributes].map(bounded)),
  droppedAttributesCount: 0,
  events: [],
  droppedEventsCount: 0,
  status: { code: facts.failed ? 2 : 0 },
  links: [],
  droppedLinksCount: 0,
  ...(facts.state === undefined ? {} : { traceState: facts.state })
})

/** Takes what has ended; never waits. */
export interface SpanSink {
  readonly push: (span: EndedSpan) => void
}
