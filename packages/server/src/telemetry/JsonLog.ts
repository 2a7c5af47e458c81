/** What the engine says as lines of JSON, for whoever collects them: one object a line, on stderr. */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"

/** Characters of a message and of each text beside it. */
const textMax = 4_096

type Options = Parameters<Parameters<typeof Logger.make>[0]>[0]

const cut = (value: string): string => value.length > textMax ? `${value.slice(0, textMax - 1)}…` : value

const shown = (value: unknown): unknown =>
  typeof value === "string"
    ? cut(value)
    : typeof value === "number" || typeof value === "boolean" || value === null
    ? value
    : value instanceof Error
    ? cut(value.message)
    : undefined

/** Names that the line itself has. */
const reserved: ReadonlySet<string> = new Set(["time", "level", "message", "error"])

const fieldsOf = (part: object): { readonly [name: string]: unknown } =>
  Object.fromEntries(
    Object.entries(part).flatMap(([name, value]) => {
      const told = shown(value)
      return told === undefined || reserved.has(name) ? [] : [[name, told]]
    })
  )

const parts = (message: unknown): ReadonlyArray<unknown> => Array.isArray(message) ? message : [message]

/** What JSON lets through and a terminal or a collector may take for an order or for the end of a line (C1, U+2028, U+2029). */
const unsafe = /[\u007f-\u009f\u2028\u2029]/g
const escaped = (sign: string): string => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`

export const line = ({ cause, date, fiber, logLevel, message }: Options): string => {
  const all = parts(message)
  const texts = all.flatMap((part) => typeof part === "object" && part !== null ? [] : [String(part)])
  const fields = all.filter((part) => typeof part === "object" && part !== null && !Cause.isCause(part))
  const causes = [...(cause.reasons.length === 0 ? [] : [cause]), ...all.filter(Cause.isCause)]
  const span = Context.getOrUndefined(fiber.context, Tracer.ParentSpan)
  const text = JSON.stringify({
    time: date.toISOString(),
    level: logLevel.toLowerCase(),
    message: cut(texts.join(" ")),
    ...(span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId }),
    ...fieldsOf(fiber.getRef(References.CurrentLogAnnotations)),
    ...Object.assign({}, ...fields.map((part) => fieldsOf(part as object))),
    ...(causes.length === 0 ? {} : { error: cut(causes.map((one) => Cause.pretty(one)).join("\n")) })
  })
  return text.replace(unsafe, escaped)
}
