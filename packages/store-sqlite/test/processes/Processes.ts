/** Starts test processes; every one of them is gone when the scope closes. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { spawn, type SpawnOptions } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"

export interface Said {
  readonly ready?: string
  readonly head?: number
  readonly done?: number
  readonly reason?: string
  readonly message?: string
  readonly refused?: string
  readonly closed?: string
}

export interface Child {
  /** The next line it says; `undefined` when it has ended. */
  readonly hear: Effect.Effect<Said | undefined>
  readonly tell: (line: string) => Effect.Effect<void>
  /** Kills it as the operating system would, and waits until it is gone. */
  readonly kill: Effect.Effect<void>
  readonly signal: (signal: NodeJS.Signals) => Effect.Effect<void>
  readonly ended: Effect.Effect<void>
}

const program = new URL("Program.ts", import.meta.url).pathname

export const start = (
  args: ReadonlyArray<string>,
  options: SpawnOptions = {}
): Effect.Effect<Child, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => open(args, options)),
    ({ kill }) => kill
  )

const open = (args: ReadonlyArray<string>, options: SpawnOptions): Child => {
  const child = spawn(process.execPath, [program, ...args], { ...options, stdio: ["pipe", "pipe", "inherit"] })
  const exit = once(child, "exit")
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const gone = Effect.promise(() => exit)
  return {
    hear: Effect.map(
      Effect.promise(() => lines.next()),
      ({ done, value }) => done === true ? undefined : JSON.parse(String(value))
    ),
    tell: (line) => Effect.sync(() => child.stdin.write(line + "\n")),
    kill: Effect.andThen(Effect.sync(() => child.kill("SIGKILL")), gone),
    signal: (signal) => Effect.sync(() => child.kill(signal)),
    ended: Effect.asVoid(gone)
  }
}

/** Hears until the child has ended, or said what was waited for. */
export const hearUntil = Effect.fnUntraced(function*(child: Child, isLast: (said: Said) => boolean) {
  const all: Array<Said> = []
  while (true) {
    const said = yield* child.hear
    if (said === undefined) return all
    all.push(said)
    if (isLast(said)) return all
  }
})
