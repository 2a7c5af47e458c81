/** What a step says about its receipt: why a result was used again, or what has changed since the last one (SEMANTICS 8.11d). */
import * as Schema from "effect/Schema"

/** What determines a result, apart from tenant, flow and node: the names by which a miss says what has changed. */
export const partNames = ["definition", "model", "prompt", "tools", "version", "input"] as const
export type PartName = (typeof partNames)[number]

export const ReceiptNote = Schema.Union([
  /** The result was made before, by `path` of `run` at `at`, and counts until `expiresAt`. */
  Schema.Struct({
    kind: Schema.Literal("hit"),
    key: Schema.String,
    run: Schema.String,
    path: Schema.String,
    at: Schema.Int,
    expiresAt: Schema.Int
  }),
  /** The step ran; `asked`: a person wanted it to, whatever is there already. `changed` names what differs from the last receipt of this node, made by `path` of `run`. */
  Schema.Struct({
    kind: Schema.Literal("miss"),
    key: Schema.String,
    why: Schema.Literals(["first", "expired", "changed", "gone", "asked"]),
    changed: Schema.optionalKey(Schema.Array(Schema.Literals(partNames))),
    run: Schema.optionalKey(Schema.String),
    path: Schema.optionalKey(Schema.String)
  }),
  /** The step asks for receipts and cannot have one. */
  Schema.Struct({ kind: Schema.Literal("none"), why: Schema.String })
])
export type ReceiptNote = typeof ReceiptNote.Type

const seconds = (ms: number): string => {
  const left = Math.max(0, Math.round(ms / 1000))
  if (left < 120) return `${left}s`
  return left < 7200 ? `${Math.floor(left / 60)}m ${left % 60}s` : `${Math.round(left / 3600)}h`
}

/** One line for people; `now` in milliseconds since 1970. */
export const describe = (note: ReceiptNote, now: number): string => {
  if (note.kind === "none") return `no receipt: ${note.why}`
  if (note.kind === "hit") {
    const left = note.expiresAt - now
    const until = left > 0 ? `counts for ${seconds(left)} more` : "has run out since"
    return `reused: made by ${note.run} ${note.path} ${seconds(now - note.at)} ago, ${until}`
  }
  const since = note.run === undefined ? "" : ` since ${note.run} ${note.path ?? ""}`.trimEnd()
  if (note.why === "asked") return "ran: a person has asked for it again"
  if (note.why === "first") return "ran: no receipt of this node yet"
  if (note.why === "expired") return `ran: the receipt of ${note.run ?? "before"} has run out`
  if (note.why === "gone") return "ran: what the receipt names is gone from the store"
  return `ran: changed${since}: ${(note.changed ?? []).join(", ")}`
}
