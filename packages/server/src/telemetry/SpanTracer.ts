/**
 * The tracer of what goes on inside an attempt: agents, calls of models, calls of tools. Only these are told; the engine's
 * other spans, and whatever belongs to no run, stand aside: they hand on the span that they are in.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Hex from "effect/encoding/Hex"
import type * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type { SpanSink } from "./SpanSink.ts"
import * as SpanSinks from "./SpanSink.ts"

type Options = Parameters<Tracer.Tracer["span"]>[0]

/** `effect/ai` names the call of a model after its own method. */
const modelSpan = /^LanguageModel\./
const ownSpan = /^(invoke_agent|execute_tool|chat) /

/** Attributes that may hold what people or models have said: they stay here. */
const contentAttribute =
  /^gen_ai\.(prompt|completion|input\.messages|output\.messages|system_instructions|tool\.call\.(arguments|result))/

class InnerSpan implements Tracer.Span {
  readonly _tag = "Span"
  readonly parent: Option.Option<Tracer.AnySpan>
  readonly annotations: Context.Context<never>
  readonly kind: Tracer.SpanKind
  readonly sampled: boolean
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly links: Array<Tracer.SpanLink> = []
  readonly attributes = new Map<string, unknown>()
  status: Tracer.SpanStatus
  readonly #sink: SpanSink | undefined

  constructor(options: Options, sink: SpanSink | undefined) {
    const parent = Option.getOrUndefined(options.parent)
    this.name = options.name
    this.parent = options.parent
    this.annotations = options.annotations
    this.kind = options.kind
    this.sampled = parent?.sampled === true
    this.traceId = parent?.traceId ?? Hex.random(32)
    // One that stands aside is its parent to everybody within.
    this.spanId = sink === undefined && parent !== undefined ? parent.spanId : Hex.random(16)
    this.status = { _tag: "Started", startTime: options.startTime }
    this.#sink = this.sampled ? sink : undefined
  }

  end(endTime: bigint, exit: Exit.Exit<unknown, unknown>): void {
    if (this.status._tag === "Ended") return
    const { startTime } = this.status
    this.status = { _tag: "Ended", startTime, endTime, exit }
    if (this.#sink === undefined) return
    const failed = exit._tag === "Failure"
    if (failed) this.attributes.set("error.type", errorType(exit.cause))
    const isModel = modelSpan.test(this.name)
    if (isModel && !this.attributes.has("gen_ai.operation.name")) this.attributes.set("gen_ai.operation.name", "chat")
    this.#sink.push(SpanSinks.ended({
      traceId: this.traceId,
      spanId: this.spanId,
      parent: Option.getOrUndefined(this.parent)?.spanId,
      name: isModel ? `chat ${String(this.attributes.get("gen_ai.request.model") ?? "unknown")}` : this.name,
      kind: isModel ? "client" : this.kind,
      start: startTime,
      end: endTime,
      failed,
      attributes: [...this.attributes].filter(([name]) => !contentAttribute.test(name)),
      state: undefined
    }))
  }

  attribute(key: string, value: unknown): void {
    this.attributes.set(key, value)
  }

  event(): void {}

  addLinks(links: ReadonlyArray<Tracer.SpanLink>): void {
    for (const link of links) this.links.push(link)
  }
}

/** A name, never a message: messages quote what was said. */
const errorType = (cause: Cause.Cause<unknown>): string => {
  if (Cause.hasInterruptsOnly(cause)) return "interrupted"
  const error = Cause.squash(cause)
  if (typeof error !== "object" || error === null) return "_OTHER"
  const named = error as { readonly code?: unknown; readonly reason?: unknown; readonly _tag?: unknown }
  for (const name of [named.code, named.reason, named._tag]) if (typeof name === "string") return name
  return "_OTHER"
}

/** The call of a model that is told already is not told twice. */
const isTold = ({ name, parent }: Options): boolean => {
  if (ownSpan.test(name)) return true
  const around = Option.getOrUndefined(parent)
  return modelSpan.test(name) && !(around?._tag === "Span" && around.name.startsWith("chat "))
}

export const make = (sink: SpanSink): Tracer.Tracer =>
  Tracer.make({ span: (options) => new InnerSpan(options, isTold(options) ? sink : undefined) })
