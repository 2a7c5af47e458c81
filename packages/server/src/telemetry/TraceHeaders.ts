/**
 * `traceparent` and `tracestate` at our border (W3C Trace Context, Level 2, sections 3.2 and 3.3).
 *
 * A header that is not as the specification has it is as good as none; one of a later version is read as far as this
 * version goes. A trace state goes with a valid parent only, and is handed on as it came, cut as the specification says.
 */
import type { TraceLink } from "@baton/kernel/Trace"
import { stateLengthMax } from "@baton/kernel/Trace"

export interface Headers {
  readonly [name: string]: string | undefined
}

/** Members of a trace state; one more makes all of it invalid. */
const membersMax = 32
/** Characters of a member that goes first when the whole is too long. */
const longMember = 128

const parentForm = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/
const zeros = /^0+$/
const memberForm = /^[a-z0-9][a-z0-9_*/@-]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
/** Recorded, and made of random bits: the flags that this version knows. */
const knownFlags = 0x03

/** As this version writes it; undefined when it is no parent. */
export const parent = (header: string | undefined): string | undefined => {
  const found = parentForm.exec((header ?? "").replace(/^[ \t]+|[ \t]+$/g, ""))
  if (found === null) return undefined
  const [, version, trace = "", span = "", flags = "", rest] = found
  if (version === "ff" || (version === "00" && rest !== undefined)) return undefined
  if (zeros.test(trace) || zeros.test(span)) return undefined
  const kept = Number.parseInt(flags, 16) & knownFlags
  return `00-${trace}-${span}-${kept.toString(16).padStart(2, "0")}`
}

/** Members in their order, within the length; undefined when it is none. Repeated headers come joined by commas. */
export const state = (header: string | undefined): string | undefined => {
  if (header === undefined) return undefined
  const members = header.split(",").map((member) => member.replace(/^[ \t]+|[ \t]+$/g, "")).filter((one) => one !== "")
  if (members.length === 0 || members.length > membersMax) return undefined
  if (!members.every((member) => memberForm.test(member))) return undefined
  if (new Set(members.map((member) => member.slice(0, member.indexOf("=")))).size < members.length) return undefined
  return shortened(members)
}

/** Long members go first, then those at the end, which are the oldest. */
const shortened = (members: ReadonlyArray<string>): string | undefined => {
  let kept = members
  while (kept.join(",").length > stateLengthMax) {
    const long = kept.findLastIndex((member) => member.length > longMember)
    const gone = long === -1 ? kept.length - 1 : long
    kept = kept.filter((_, index) => index !== gone)
  }
  return kept.length === 0 ? undefined : kept.join(",")
}

export const link = (headers: Headers): TraceLink | undefined => {
  const from = parent(headers["traceparent"])
  if (from === undefined) return undefined
  const beside = state(headers["tracestate"])
  return beside === undefined ? { parent: from } : { parent: from, state: beside }
}

export const write = (
  span: { readonly traceId: string; readonly spanId: string; readonly sampled: boolean },
  traceState: string | undefined
): { readonly [name: string]: string } => ({
  traceparent: `00-${span.traceId}-${span.spanId}-${span.sampled ? "01" : "00"}`,
  ...(traceState === undefined ? {} : { tracestate: traceState })
})
