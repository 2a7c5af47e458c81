/** The patches of a run, as its state remembers them: the ones that changed the plan, and the ones that did not. */
import type { PatchChange } from "./PatchChange.ts"
import type { Growth } from "./PatchGrowth.ts"
import type { Json } from "./Value.ts"

/** The attempt whose agent or function proposed it. */
export interface PatchAuthor {
  readonly path: string
  readonly attempt: number
}

export interface PatchRecord {
  readonly id: string
  /** 1, 2, 3 … in the order of the journal. */
  readonly n: number
  /** `review`: waits for people · `applied`: in the plan · `reverted`: taken back · `rejected` and `void`: never in it. */
  readonly status: "review" | "applied" | "reverted" | "rejected" | "void"
  /** The revision it was made for. */
  readonly base: number
  /** The revision it made. */
  readonly revision: number | undefined
  readonly hash: string | undefined
  readonly operations: ReadonlyArray<Json>
  readonly reason: string | undefined
  readonly by: string | undefined
  readonly author: PatchAuthor | undefined
  /** The patch that this one takes back. */
  readonly reverts: string | undefined
  /** Milliseconds since 1970. */
  readonly at: number
  readonly dueAt: number | undefined
  readonly growth: Growth | undefined
  readonly change: PatchChange | undefined
  readonly decidedBy: string | undefined
  readonly comment: string | undefined
  readonly seq: number
}
