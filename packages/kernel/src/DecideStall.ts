/** Whoever watches runs has asked whether this one stands still: it is flagged, or closed, or nothing is to be said. */
import type { CheckStall } from "./CommandOperator.ts"
import type { Draft } from "./Draft.ts"
import * as Drafts from "./Draft.ts"
import type { RunStalled } from "./EventStall.ts"
import * as Settle from "./Settle.ts"
import * as Stall from "./Stall.ts"

export const check = (draft: Draft, command: CheckStall): void => {
  const stalled = Stall.since(draft.state, command.at, command.afterMs)
  if (stalled === undefined) return
  const { limits, stallPolicy } = draft.state.plan
  // Without a limit of its own a flow has not said how long a step may take: nobody but its author may fail it for that.
  const policy = limits.stallMs === undefined ? "flag" : stallPolicy
  const event: RunStalled = {
    type: "RunStalled",
    v: 1,
    at: draft.at,
    since: stalled,
    policy,
    offered: draft.state.offered
  }
  Drafts.emit(draft, event)
  if (policy === "fail") {
    Settle.close(draft, { cause: "deadline", code: Stall.code, message: `${Stall.messageOf(event)} (limits.stall)` })
  }
}
