/** What the progress view says of a patch, and what it does to the number of steps. */
import type { Event } from "@baton/kernel/Event"
import type { Json } from "@baton/kernel/Value"
import type { Note } from "./Note.ts"

type PatchEvent = Extract<Event, { type: "PatchProposed" | "PlanPatched" | "PatchRejected" }>

export const isPatch = (event: Event): event is PatchEvent =>
  event.type === "PatchProposed" || event.type === "PlanPatched" || event.type === "PatchRejected"

const isNodeOf = (operation: Json, name: string): boolean =>
  typeof operation === "object" && operation !== null && "op" in operation && "path" in operation &&
  operation["op"] === name && /^\/nodes\/[^/]+$/.test(String(operation["path"]))

/** Nodes that the operations bring, less those they take away. */
export const nodesAdded = (event: PatchEvent): number => {
  if (event.type !== "PlanPatched") return 0
  const count = (name: string): number => event.operations.filter((operation) => isNodeOf(operation, name)).length
  return count("add") + count("copy") - count("remove")
}

export const note = (event: PatchEvent): Note => {
  const { at, id } = event
  switch (event.type) {
    case "PatchProposed":
      return {
        kind: "plan",
        at,
        id,
        what: "needs a review",
        human: true,
        by: event.author?.path ?? event.by,
        text: event.reason
      }
    case "PlanPatched": {
      const nodes = nodesAdded(event)
      const sum = `revision ${event.revision}${nodes === 0 ? "" : `, ${nodes > 0 ? "+" : ""}${nodes} by patch`}`
      return { kind: "plan", at, id, what: sum, human: false, by: event.approvedBy ?? event.by, text: event.reason }
    }
    case "PatchRejected":
      return { kind: "plan", at, id, what: event.cause, human: false, by: event.by, text: event.comment }
  }
}
