/** What waits for one reason, over all unfinished runs. */
import { ClientError } from "@baton/contract/Client"
import type { WaitItem } from "@baton/contract/OperatorClient"
import { timeText } from "@baton/contract/Wire"
import type { DoorKind } from "@baton/kernel/Doors"
import { doorKinds } from "@baton/kernel/Doors"
import { reasons } from "@baton/kernel/ExplainWait"
import * as Effect from "effect/Effect"
import * as Answers from "./Answers.ts"
import type { Parts } from "./Parts.ts"
import * as RunReading from "./RunReading.ts"

/** Unfinished runs that are looked through for a reason that no row of the store tells. */
const runsMax = 10_000
const pageRuns = 500

const isDoor = (reason: string): reason is DoorKind => doorKinds.some((kind) => kind === reason)

/** The store has a row of everything that waits for a person. */
const fromDoors = Effect.fnUntraced(function*(
  parts: Parts,
  kind: DoorKind,
  limit: number
): Effect.fn.Return<ReadonlyArray<WaitItem>, ClientError> {
  const doors = yield* Effect.mapError(
    parts.store.doors({ tenant: parts.tenant, kinds: [kind], limit }),
    Answers.fromStore
  )
  return doors.map(({ flow, path, run, since, title }) => ({
    run,
    flow,
    path,
    reason: kind,
    message: title,
    door: `baton runs explain ${run}`,
    since: timeText(since)
  }))
})

const withSteps: ReadonlySet<string> = new Set(["operator", "unknown_outcome"])

const fromRuns = Effect.fnUntraced(function*(
  parts: Parts,
  wanted: string,
  limit: number
): Effect.fn.Return<ReadonlyArray<WaitItem>, ClientError> {
  const found: Array<WaitItem> = []
  let after: string | undefined
  for (let seen = 0; seen < runsMax; seen += pageRuns) {
    const rows = yield* Effect.mapError(
      parts.store.list({
        tenant: parts.tenant,
        status: ["pending", "running", "waiting"],
        limit: pageRuns,
        ...(after === undefined ? {} : { after })
      }),
      Answers.fromStore
    )
    for (const { flow, run } of rows) {
      for (const { door, message, path, reason } of yield* RunReading.reasons(parts, run)) {
        if (reason === wanted) found.push({ run, flow, path: path ?? "", reason, message, door, since: null })
      }
    }
    after = rows.at(-1)?.run
    if (rows.length < pageRuns) break
  }
  // Lists of runs give the newest first.
  return found.toReversed().slice(0, limit)
})

export const list = (
  parts: Parts,
  reason: string,
  limit: number
): Effect.Effect<ReadonlyArray<WaitItem>, ClientError> =>
  isDoor(reason)
    ? Effect.map(fromDoors(parts, reason, limit), (waits) =>
      withSteps.has(reason)
        ? waits.map((wait) => ({ ...wait, door: `baton runs retry|skip|abort ${wait.run} ${wait.path}` }))
        : waits)
    : reasons.some((known) => known === reason)
    ? fromRuns(parts, reason, limit)
    : Effect.fail(
      new ClientError({
        reason: "invalid",
        code: "REASON_UNKNOWN",
        message: `nothing waits for ${JSON.stringify(reason.slice(0, 64))}`,
        hint: `one of ${[...new Set([...reasons, ...doorKinds])].join(", ")}`
      })
    )
