/**
 * The live region on a real terminal: drawn at most ten times a second, erased and the cursor given back on every way
 * out of its scope.
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { Printer } from "../Printer.ts"
import { Screen } from "../Screen.ts"
import * as TerminalText from "../TerminalText.ts"
import type { Note } from "./Note.ts"
import type { ProgressModel } from "./ProgressModel.ts"
import * as TtyFrame from "./TtyFrame.ts"
import * as TtyRenderer from "./TtyRenderer.ts"

/** Between two drawings. */
const drawInterval = "100 millis"

/** Clocks in the region tick at this interval, in milliseconds, when nothing else changes. */
const tickMs = 1_000

/** Finished lines kept between two drawings; what is more is counted. */
const linesMax = 1_000

export interface LiveRegion {
  /** The model has moved; `note` leaves a line above the region. */
  readonly update: (model: ProgressModel, note: Note | undefined) => void
}

const doorOf = (run: string, door: string): string =>
  TerminalText.line(`     in another terminal: ${door.replaceAll("RUN", run)}`)

export const make = (initial: ProgressModel): Effect.Effect<LiveRegion, never, Printer | Screen | Scope.Scope> =>
  Effect.gen(function*() {
    const printer = yield* Printer
    const { stderr } = yield* Screen
    const clock = yield* Clock.Clock
    const alone = yield* Semaphore.make(1)
    let model = initial
    let drawn: ReadonlyArray<string> = []
    let drawnAt = 0
    let above: Array<string> = []
    let omitted = 0
    let dirty = true

    const push = (line: string) => {
      dirty = true
      if (above.length >= linesMax) omitted++
      else above.push(line)
    }
    const draw = (final: boolean) =>
      alone.withPermits(1)(Effect.suspend(() => {
        const now = clock.currentTimeMillisUnsafe()
        if (!final && !dirty && now - drawnAt < tickMs) return Effect.void
        const viewport = stderr.viewport()
        const next = final ? [] : TtyRenderer.region(model, viewport, now, printer.palette)
        const lines = omitted === 0 ? above : [...above, `   ${printer.palette.ellipsis} ${omitted} lines left out`]
        const text = TtyFrame.frame(drawn, next, lines, viewport.columns)
        drawn = next
        drawnAt = now
        above = []
        omitted = 0
        dirty = false
        return text === "" && !final
          ? Effect.void
          : Effect.ignore(stderr.write(final ? text + TtyFrame.showCursor : text))
      }))

    yield* Effect.acquireRelease(
      Effect.suspend(() => {
        printer.divert(push)
        return Effect.ignore(stderr.write(TtyFrame.hideCursor))
      }),
      () =>
        Effect.suspend(() => {
          printer.divert(undefined)
          return draw(true)
        })
    )
    yield* Effect.forkScoped(Effect.repeat(draw(false), Schedule.spaced(drawInterval)))
    return {
      update: (moved, note) => {
        model = moved
        dirty = true
        const line = note === undefined
          ? undefined
          : TtyRenderer.noteLine(note, stderr.viewport().columns, printer.palette)
        if (line !== undefined) push(line)
        if (note?.kind === "waiting" && note.door !== undefined) push(doorOf(moved.run, note.door))
      }
    }
  })
