/** Where readers stand, as they write it: `run:seq,run:seq,…`, and positions joined by dots in the ids of such a stream. */
import { ClientError } from "@baton/contract/Client"
import * as Wire from "@baton/contract/Wire"
import * as Effect from "effect/Effect"
import type { Place } from "./Live.ts"

/** A sequence; 0: before the first event. */
export const position = (text: string): number | undefined => /^\d{1,15}$/.test(text) ? Number(text) : undefined

/** Undefined: it is no such list, or names a run twice. */
export const places = (text: string): ReadonlyArray<Place> | undefined => {
  const found: Array<Place> = []
  const seen = new Set<string>()
  for (const item of text.split(",")) {
    const at = item.lastIndexOf(":")
    const run = at < 0 ? item : item.slice(0, at)
    const seq = at < 0 ? undefined : position(item.slice(at + 1))
    if (run === "" || seen.has(run) || (at >= 0 && seq === undefined)) return undefined
    seen.add(run)
    found.push({ run, position: seq })
  }
  return found
}

/** The same runs where the frame with this id left them; a run without a position there has shown nothing yet. */
export const resumed = (listed: ReadonlyArray<Place>, id: string): ReadonlyArray<Place> | undefined => {
  const parts = id.split(".")
  if (parts.length !== listed.length || parts.some((part) => part !== "" && position(part) === undefined)) {
    return undefined
  }
  return listed.map(({ run, position: asked }, index) => ({ run, position: position(parts[index] ?? "") ?? asked }))
}

/** Types of the published list, by commas; all, when nothing is said. */
export const types = (text: string | undefined): Effect.Effect<ReadonlySet<string> | undefined, ClientError> => {
  if (text === undefined || text === "") return Effect.succeed(undefined)
  const wanted = text.split(",")
  const unknown = wanted.find((type) => !(Wire.types as ReadonlyArray<string>).includes(type))
  return unknown === undefined ? Effect.succeed(new Set(wanted)) : Effect.fail(
    new ClientError({
      reason: "invalid",
      code: "TYPE_UNKNOWN",
      message: `\`types\`: ${JSON.stringify(unknown.slice(0, 100))} is no type of event`,
      hint: "a run's events and docs/guides/live.md show them"
    })
  )
}

export const wrong = (name: string, text: string): string =>
  `\`${name}\`: ${JSON.stringify(text.slice(0, 100))} is no cursor of this stream`
