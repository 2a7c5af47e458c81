/** The address of a server, left on its data folder and looked for there. */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { pathOf } from "./ServerFile.ts"

const Left = Schema.fromJsonString(Schema.Struct({
  /** Such as `http://127.0.0.1:7377`. */
  url: Schema.String,
  pid: Schema.Int,
  /** RFC 3339 UTC text. */
  startedAt: Schema.String
}))
const decode = Schema.decodeUnknownOption(Left)

/** How long a server may take to say that it is there. */
const answerWithin = Duration.millis(500)

const read = (data: string): typeof Left.Type | undefined => {
  try {
    return Option.getOrUndefined(decode(readFileSync(pathOf(data), "utf8")))
  } catch {
    return undefined
  }
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM"
  }
}

const answers = (url: string): Effect.Effect<boolean> =>
  HttpClient.get(`${url}/health`).pipe(
    Effect.map((response) => response.status === 200),
    Effect.timeoutOption(answerWithin),
    Effect.map(Option.getOrElse(() => false)),
    Effect.catch(() => Effect.succeed(false)),
    // Looking is no part of what is asked then.
    Effect.provideService(HttpClient.TracerPropagationEnabled, false),
    Effect.provide(FetchHttpClient.layer)
  )

/** The server of a folder, if it answers: one that was killed has left its address behind. */
export const find = (data: string): Effect.Effect<string | undefined> =>
  Effect.suspend(() => {
    const left = read(data)
    if (left === undefined || !isAlive(left.pid)) return Effect.succeed(undefined)
    return Effect.map(answers(left.url), (there) => there ? left.url : undefined)
  })

/** Another process may have taken the folder's place since. */
const takeAway = (data: string): void => {
  if (read(data)?.pid === process.pid) rmSync(pathOf(data), { force: true })
}

/** Leaves the address of this process until the scope closes; only this user may read it. */
export const leave = (data: string, url: string): Effect.Effect<void, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.map(DateTime.now, (now) => {
      const partial = `${pathOf(data)}.${randomBytes(4).toString("hex")}`
      const left = { url, pid: process.pid, startedAt: DateTime.formatIso(now) }
      writeFileSync(partial, JSON.stringify(left) + "\n", { mode: 0o600 })
      renameSync(partial, pathOf(data))
    }),
    () => Effect.sync(() => takeAway(data))
  )
