/** What a step waits for, in a few words. Texts in it are raw. */
import * as Amount from "@baton/kernel/Amounts"
import type { Wait } from "@baton/kernel/Wait"

export const of = (on: Wait): string => {
  if (on.kind === "timer") return "a timer"
  if (on.kind === "event") return `event ${on.name}`
  if (on.kind === "budget") return `a budget: it needs ${Amount.text(on.need)}`
  if (on.kind === "approval") return `${on.ask === "checkpoint" ? "checkpoint: " : ""}${on.title}`
  if (on.kind === "child") return `run ${on.run} of ${on.flow.name}@${on.flow.version}`
  if (on.reason === "reused") return `asks first: ${on.error.message}`
  return on.reason === "unknown_outcome"
    ? `outcome unknown: ${on.error.code} ${on.error.message}`
    : `failed: ${on.error.code} ${on.error.message}`
}
