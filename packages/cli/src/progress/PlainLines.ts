/** Plain progress on a stream: a line per transition, and a sign of life when there was none for a while. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { Printer } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"
import type { Note } from "./Note.ts"
import * as PlainRenderer from "./PlainRenderer.ts"
import type { ProgressModel } from "./ProgressModel.ts"

export interface PlainLines {
  readonly write: (model: ProgressModel, notes: ReadonlyArray<Note>) => Effect.Effect<void>
}

export const make = (initial: ProgressModel): Effect.Effect<PlainLines, never, Printer | Scope.Scope> =>
  Effect.gen(function*() {
    const printer = yield* Printer
    let model = initial
    let spokenAt = yield* Clock.currentTimeMillis
    const say = (text: string) => printer.say(printer.palette.unicode ? text : TerminalText.ascii(text))
    const beat = Effect.gen(function*() {
      const now = yield* Clock.currentTimeMillis
      if (now - spokenAt < PlainRenderer.heartbeatMs) return
      spokenAt = now
      yield* say(PlainRenderer.heartbeat(model, now))
    })
    yield* Effect.forkScoped(Effect.repeat(beat, Schedule.spaced("1 second")))
    return {
      write: Effect.fnUntraced(function*(moved, notes) {
        model = moved
        const lines = notes.flatMap((note) => PlainRenderer.noteLine(note, moved.run) ?? [])
        if (lines.length === 0) return
        spokenAt = yield* Clock.currentTimeMillis
        yield* say(lines.join("\n"))
      })
    }
  })
