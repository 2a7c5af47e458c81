/**
 * The three standard streams. Promise: a write returns when the text was handed to the system; a reader that went away
 * (`head`) is an `OutputClosed`, never a crash; questions are asked on stderr, so that stdout stays the answer.
 */
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Effect from "effect/Effect"
import type { Failure } from "./Failure.ts"

/** Nobody reads the stream any more. */
export class OutputClosed extends Data.TaggedError("OutputClosed")<{}> {}

export interface Output {
  readonly isTerminal: boolean
  readonly viewport: () => { readonly columns: number; readonly rows: number }
  readonly write: (text: string) => Effect.Effect<void, OutputClosed>
}

export class Screen extends Context.Service<Screen, {
  readonly stdout: Output
  readonly stderr: Output
  readonly stdin: {
    readonly isTerminal: boolean
    /** All of stdin, refused past `bytesMax` bytes. */
    readonly readAll: (bytesMax: number) => Effect.Effect<Uint8Array, Failure>
    /** One line from a person; `hidden` shows nothing of what is typed. */
    readonly ask: (question: string, options: { readonly hidden: boolean }) => Effect.Effect<string, Failure>
  }
}>()("baton/cli/Screen") {}
