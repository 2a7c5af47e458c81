/** Steps that a run takes over from the one it was made from: settled before anything runs. */
import type { Event } from "@baton/kernel/Event"
import * as HashSet from "effect/HashSet"
import type { Note } from "./Note.ts"

type StepsReused = Extract<Event, { readonly type: "StepsReused" }>

/** Nodes count as settled; items are counted by their map. */
export const settled = (before: HashSet.HashSet<string>, event: StepsReused): HashSet.HashSet<string> =>
  event.steps.reduce((all, { path }) => path.endsWith("]") ? all : HashSet.add(all, path), before)

export const note = (event: StepsReused): Note | undefined => {
  const kept = event.steps.length
  return kept === 0
    ? undefined
    : { kind: "noted", at: event.at, text: `${kept} step${kept === 1 ? "" : "s"} kept from the run it was made from` }
}
