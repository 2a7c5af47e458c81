/**
 * Reads HTML, PDF and DOCX in a thread, so that neither a slow nor a hostile file stops the process: a document has a time
 * limit, the thread has a heap limit, and interruption ends the thread.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import { Worker } from "node:worker_threads"
import { CorpusLimits } from "../ResearchConfig.ts"
import type { PackedAnswer } from "./PackedDocument.ts"

/** A failure is a reason that fits after "skipped:". */
export interface PackedReader {
  readonly read: (
    kind: "html" | "pdf" | "docx",
    bytes: Uint8Array
  ) => Effect.Effect<Result.Result<PackedAnswer, string>>
}

// The thread's file has this file's extension: `.ts` from source, `.js` when it was compiled.
const threadFile = new URL(import.meta.url.replace(/PackedReader(\.[cm]?[jt]s)[^/]*$/, "PackedReaderThread$1"))

/** The thread starts with the first document and ends with the scope. */
export const make: Effect.Effect<PackedReader, never, Scope.Scope> = Effect.gen(function*() {
  const limits = yield* CorpusLimits
  const turn = yield* Semaphore.make(1)
  let thread: Worker | undefined
  const stop = Effect.suspend(() => {
    const running = thread
    thread = undefined
    return running === undefined ? Effect.void : Effect.promise(() => running.terminate())
  })
  yield* Effect.addFinalizer(() => stop)

  const ask = (kind: string, bytes: Uint8Array) =>
    Effect.callback<Result.Result<PackedAnswer, string>>((resume) => {
      const worker = thread ??= new Worker(threadFile, {
        execArgv: [],
        resourceLimits: { maxOldGenerationSizeMb: limits.readerHeapMiB }
      })
      const answered = (message: { answer?: PackedAnswer; unreadable?: string }) => {
        quiet()
        resume(Effect.succeed(
          message.answer === undefined
            ? Result.fail(message.unreadable ?? "a corrupt file")
            : Result.succeed(message.answer)
        ))
      }
      const died = (cause: Error & { readonly code?: string }) => {
        quiet()
        thread = undefined
        const memory = cause.code === "ERR_WORKER_OUT_OF_MEMORY"
        resume(Effect.succeed(Result.fail(
          memory ? `reading it needs more than ${limits.readerHeapMiB} MiB of memory` : "its reader stopped"
        )))
      }
      const quiet = () => {
        worker.off("message", answered)
        worker.off("error", died)
      }
      worker.on("message", answered)
      worker.on("error", died)
      worker.postMessage({
        kind,
        bytes,
        limits: { pagesMax: limits.pagesMax, unpackedBytesMax: limits.unpackedBytesMax }
      })
      return Effect.suspend(() => {
        quiet()
        return stop
      })
    })

  const late = Result.fail(`reading it takes longer than ${Duration.format(limits.documentTimeout)}`)
  return {
    read: (kind, bytes) =>
      ask(kind, bytes).pipe(
        Effect.timeoutOrElse({ duration: limits.documentTimeout, orElse: () => Effect.succeed(late) }),
        turn.withPermits(1)
      )
  }
})
