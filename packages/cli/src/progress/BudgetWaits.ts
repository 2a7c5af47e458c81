/** Steps that wait for money, as progress shows them. */
import * as Amount from "@baton/kernel/Amounts"
import type { Event } from "@baton/kernel/Event"
import * as StepPath from "@baton/kernel/StepPath"
import * as HashMap from "effect/HashMap"
import type { Note } from "./Note.ts"
import type { ActiveStep } from "./ProgressModel.ts"

type Unfunded = Extract<Event, { type: "StepsUnfunded" }>

const text = (need: Amount.Amounts): string => `a budget: it needs ${Amount.text(need)}`

const nodeOf = (path: string): string => StepPath.parse(path)?.node ?? path

/** What is under way, with these steps waiting; a map waits for all of its items. */
export const waiting = (
  before: HashMap.HashMap<string, ActiveStep>,
  { at, steps }: Unfunded
): HashMap.HashMap<string, ActiveStep> => {
  let active = before
  for (const { attempt = 0, need, path } of steps) {
    const node = nodeOf(path)
    const message = text(need)
    active = HashMap.remove(active, path)
    active = HashMap.set(active, node, {
      path: node,
      node,
      status: "waiting",
      attempt,
      since: at,
      message,
      human: true
    })
  }
  return active
}

/** Whoever adds to the budget frees them all, so the first one speaks for the others. */
export const note = (event: Unfunded): Note | undefined => {
  const [first] = event.steps
  if (first === undefined) return undefined
  const { need, path } = first
  const door = "baton runs resume RUN --budget +0.50"
  return { kind: "waiting", at: event.at, path: nodeOf(path), human: true, text: text(need), dueAt: undefined, door }
}
