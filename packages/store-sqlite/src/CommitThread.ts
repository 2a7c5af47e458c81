/**
 * The thread that owns the write connection where a sync takes long: the event loop stays free while the disk works.
 * This file is both ends: imported it opens threads, run as a thread it answers calls, in the order they came.
 */
import { RunStoreError } from "@baton/engine/RunStore"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads"
import { Connection, type Identity } from "./Connection.ts"
import * as Failure from "./Failure.ts"
import * as Writes from "./Writes.ts"

interface Call {
  readonly id: number
  readonly name: keyof Writes.Writes
  readonly args: Parameters<Writes.Writes[keyof Writes.Writes]>
}

type Answer =
  | { readonly id: number; readonly kind: "done"; readonly value: unknown }
  | { readonly id: number; readonly kind: "failed"; readonly reason: Failure.Reason; readonly message: string }
  | { readonly id: number; readonly kind: "bug"; readonly message: string }

interface Settings {
  readonly kind: "baton/commits"
  readonly file: string
  readonly version: number
  /** Of the connection that reads. */
  readonly identity: Identity | undefined
}

export interface CommitThread {
  readonly call: <K extends keyof Writes.Writes>(
    name: K,
    args: Parameters<Writes.Writes[K]>
  ) => Effect.Effect<ReturnType<Writes.Writes[K]>, RunStoreError>
}

type Waiter = (answer: Effect.Effect<unknown, RunStoreError>) => void

const settle = (answer: Answer): Effect.Effect<unknown, RunStoreError> => {
  switch (answer.kind) {
    case "done":
      return Effect.succeed(answer.value)
    case "failed":
      return Effect.fail(new RunStoreError({ reason: answer.reason, message: answer.message }))
    case "bug":
      return Effect.die(new Error(answer.message))
  }
}

/** A thread that is started when it is needed and, should it die, started again for the next call. */
class Thread {
  readonly #settings: Settings
  readonly #waiting = new Map<number, Waiter>()
  #worker: Worker | undefined
  #calls = 0

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** Starts the thread ahead of its first call. */
  start() {
    this.#running()
  }

  post(name: keyof Writes.Writes, args: Call["args"], waiter: Waiter) {
    const id = ++this.#calls
    this.#waiting.set(id, waiter)
    const call: Call = { id, name, args }
    this.#running().postMessage(call)
  }

  #running(): Worker {
    if (this.#worker !== undefined) return this.#worker
    const worker = new Worker(new URL(import.meta.url), { workerData: this.#settings })
    worker.on("message", (answer: Answer) => {
      const waiter = this.#waiting.get(answer.id)
      this.#waiting.delete(answer.id)
      waiter?.(settle(answer))
    })
    worker.on("error", () => this.#lost(worker))
    worker.on("exit", () => this.#lost(worker))
    this.#worker = worker
    return worker
  }

  #lost(worker: Worker) {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const waiter of waiting) waiter(Effect.fail(Failure.make("unavailable", this.#settings.file)))
  }

  /** Ends the thread after the calls it has been given. */
  close(closed: () => void) {
    const worker = this.#worker
    if (worker === undefined) return closed()
    worker.on("exit", closed)
    worker.postMessage("close")
  }
}

export const open = (
  { file, identity }: Pick<Connection, "file" | "identity">,
  version: number
): Effect.Effect<CommitThread, never, Scope.Scope> =>
  Effect.gen(function*() {
    const thread = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const thread = new Thread({ kind: "baton/commits", file, version, identity })
        thread.start()
        return thread
      }),
      (thread) => Effect.callback<void>((resume) => thread.close(() => resume(Effect.void)))
    )
    return {
      call: <K extends keyof Writes.Writes>(name: K, args: Parameters<Writes.Writes[K]>) =>
        Effect.uninterruptible(
          Effect.callback<unknown, RunStoreError>((resume) => thread.post(name, args, resume))
        ) as Effect.Effect<ReturnType<Writes.Writes[K]>, RunStoreError>
    }
  })

const answer = (writes: () => Writes.Writes, file: string, { args, id, name }: Call): Answer => {
  try {
    return { id, kind: "done", value: Writes.call(writes(), name, args) }
  } catch (thrown) {
    const error = Failure.from(thrown, file)
    if (error !== undefined) return { id, kind: "failed", reason: error.reason, message: error.message }
    return { id, kind: "bug", message: thrown instanceof Error ? thrown.message : "a write failed" }
  }
}

const serve = (port: NonNullable<typeof parentPort>, { file, identity, version }: Settings) => {
  let connection: Connection | undefined
  let writes: Writes.Writes | undefined
  const opened = () => writes ??= Writes.make(connection ??= new Connection(file, identity), version)
  port.on("message", (message: Call | "close") => {
    if (message !== "close") return port.postMessage(answer(opened, file, message))
    connection?.close()
    port.close()
  })
}

if (!isMainThread && parentPort !== null && workerData?.kind === "baton/commits") serve(parentPort, workerData)
