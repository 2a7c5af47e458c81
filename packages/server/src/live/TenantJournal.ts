/**
 * The runs of a tenant as a source of frames: whenever a run has moved, its summary as it is then. A position is that of the
 * run's last record in the store; a run that moves often is told once for several moves.
 */
import type { ClientError } from "@baton/contract/Client"
import * as Effect from "effect/Effect"
import * as Answers from "../Answers.ts"
import type { Parts } from "../Parts.ts"
import * as RunReading from "../RunReading.ts"
import type { Frame } from "./Frame.ts"
import type { Journal } from "./Hub.ts"
import * as RunJournal from "./RunJournal.ts"

/** Summaries read in one go. */
const pageRunsMax = 100

const page = Effect.fnUntraced(function*(parts: Parts, after: number): Effect.fn.Return<
  Effect.Success<ReturnType<Journal["page"]>>,
  ClientError
> {
  const found = yield* Effect.mapError(
    parts.store.moves({ tenant: parts.tenant, after, limit: pageRunsMax }),
    Answers.fromStore
  )
  const frames: Array<Frame> = []
  for (const { position, run } of found.moves) {
    const row = yield* RunJournal.find(parts, run)
    if (row === undefined) continue
    frames.push({ run, seq: position, event: "run", data: JSON.stringify(RunReading.listItem(row)) })
  }
  return { frames, boundary: found.position, isFull: found.moves.length === pageRunsMax }
})

export const make = (parts: Parts): Journal => ({
  page: (boundary) => page(parts, boundary),
  boundaryOf: Effect.succeed,
  end: () => Effect.succeed(undefined)
})
