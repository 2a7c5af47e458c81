/** A run's journal as a source of frames, its snapshot, and its last frame. */
import type { ClientError } from "@baton/contract/Client"
import { type RunRow } from "@baton/engine/RunStore"
import * as Effect from "effect/Effect"
import * as Answers from "../Answers.ts"
import type { Parts } from "../Parts.ts"
import * as RunEvents from "../RunEvents.ts"
import * as RunReading from "../RunReading.ts"
import { type Frame, fromEnvelope } from "./Frame.ts"
import type { Journal } from "./Hub.ts"
import type { LiveLimits } from "./LiveLimits.ts"

export const find = (parts: Parts, run: string): Effect.Effect<RunRow | undefined, ClientError> =>
  Effect.mapError(parts.store.find(parts.tenant, run), Answers.fromStore)

/** The last frame of a run that is over. What is noted about it later is in its journal. */
export const endOf = (row: RunRow): Frame | undefined =>
  row.endedAt === undefined ? undefined : {
    run: row.run,
    seq: undefined,
    event: "end",
    data: JSON.stringify({ run: row.run, seq: row.head, status: row.status })
  }

/** The run as it is: what a reader begins with. */
export const snapshot = (parts: Parts, run: string): Effect.Effect<Frame, ClientError> =>
  Effect.map(RunReading.show(parts, run), (document) => ({
    run,
    seq: document.seq,
    event: "snapshot",
    data: JSON.stringify(document)
  }))

export const make = (parts: Parts, run: string, { pageRecordsMax }: LiveLimits): Journal => {
  let ended = false
  return {
    page: (boundary) =>
      Effect.map(RunEvents.page(parts, run, boundary, pageRecordsMax), (found) => {
        ended ||= found.ended
        return {
          frames: found.envelopes.map((envelope) => fromEnvelope(run, envelope)),
          boundary: found.after,
          isFull: found.records === pageRecordsMax
        }
      }),
    boundaryOf: (position) =>
      Effect.flatMap(find(parts, run), (row) => RunEvents.boundary(parts, run, position, row?.head ?? 0)),
    end: (position) =>
      ended
        ? Effect.map(find(parts, run), (row) => row?.head === position ? endOf(row) : undefined)
        : Effect.succeed(undefined)
  }
}
