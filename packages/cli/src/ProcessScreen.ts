/** The screen of this process. */
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { writeSync } from "node:fs"
import { createInterface } from "node:readline"
import { Writable } from "node:stream"
import type { WriteStream } from "node:tty"
import * as Failure from "./Failure.ts"
import * as TtyFrame from "./progress/TtyFrame.ts"
import { type Output, OutputClosed, Screen } from "./Screen.ts"

/** Sizes assumed where the terminal does not tell. */
const viewportUnknown = { columns: 80, rows: 24 }

type StandardStream = WriteStream & { readonly fd: number }

/** Gives the cursor back when the process ends with it hidden, whatever ended it. */
const restoreCursor = (stream: StandardStream): (text: string) => void => {
  let hidden = false
  process.on("exit", () => {
    if (!hidden) return
    try {
      writeSync(stream.fd, `\r\n${TtyFrame.showCursor}`)
    } catch {
      // The terminal is gone; there is no cursor to give back.
    }
  })
  return (text) => {
    if (text.includes(TtyFrame.hideCursor)) hidden = true
    if (text.includes(TtyFrame.showCursor)) hidden = false
  }
}

const output = (stream: StandardStream): Output => {
  let closed = false
  const watchCursor = restoreCursor(stream)
  stream.on("error", () => {
    closed = true
  })
  return {
    isTerminal: stream.isTTY === true,
    viewport: () => ({
      columns: stream.columns || viewportUnknown.columns,
      rows: stream.rows || viewportUnknown.rows
    }),
    write: (text) =>
      Effect.callback<void, OutputClosed>((resume) => {
        if (closed) return resume(Effect.fail(new OutputClosed()))
        watchCursor(text)
        stream.write(text, (error) => resume(error ? Effect.fail(new OutputClosed()) : Effect.void))
      })
  }
}

const readAll = (bytesMax: number): Effect.Effect<Uint8Array, Failure.Failure> =>
  Effect.callback<Uint8Array, Failure.Failure>((resume) => {
    const chunks: Array<Buffer> = []
    let bytes = 0
    const done = (answer: Effect.Effect<Uint8Array, Failure.Failure>) => {
      process.stdin.off("data", onData).off("end", onEnd).off("error", onEnd)
      process.stdin.pause()
      resume(answer)
    }
    const onData = (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > bytesMax) done(Effect.fail(Failure.usage("INPUT_TOO_LARGE", `stdin has more than ${bytesMax} bytes`)))
      else chunks.push(chunk)
    }
    const onEnd = () => done(Effect.succeed(Buffer.concat(chunks)))
    process.stdin.on("data", onData).on("end", onEnd).on("error", onEnd)
    return Effect.sync(() => void process.stdin.off("data", onData).off("end", onEnd).off("error", onEnd).pause())
  })

const ask = (question: string, options: { readonly hidden: boolean }): Effect.Effect<string, Failure.Failure> =>
  Effect.callback<string, Failure.Failure>((resume) => {
    let muted = false
    const shown = new Writable({
      write: (chunk, _encoding, next) => {
        if (muted) next()
        else process.stderr.write(chunk, () => next())
      }
    })
    const lines = createInterface({ input: process.stdin, output: shown, terminal: true, historySize: 0 })
    let answered = false
    lines.on("SIGINT", () => process.kill(process.pid, "SIGINT"))
    lines.on("close", () => {
      if (options.hidden) process.stderr.write("\n")
      if (!answered) resume(Effect.fail(Failure.usage("NO_ANSWER", "the question was not answered")))
    })
    lines.question(question, (answer) => {
      answered = true
      lines.close()
      resume(Effect.succeed(answer))
    })
    muted = options.hidden
    return Effect.sync(() => {
      answered = true
      lines.close()
    })
  })

export const layer: Layer.Layer<Screen> = Layer.sync(Screen, () => ({
  stdout: output(process.stdout),
  stderr: output(process.stderr),
  stdin: { isTerminal: process.stdin.isTTY === true, readAll, ask }
}))
