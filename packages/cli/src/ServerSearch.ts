/** The address of a server, left on its data folder and looked for there. */
import * as Countersign from "@baton/server/gate/Countersign"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { randomBytes } from "node:crypto"
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs"
import { networkInterfaces } from "node:os"
import { pathOf } from "./ServerFile.ts"

const Left = Schema.fromJsonString(Schema.Struct({
  /** Such as `http://127.0.0.1:7377`. */
  url: Schema.String,
  pid: Schema.Int,
  /** RFC 3339 UTC text. */
  startedAt: Schema.String,
  /** What the server proves itself with. */
  secret: Schema.String
}))
const decode = Schema.decodeUnknownOption(Left)

/** How long a server may take to say that it is there. */
const answerWithin = Duration.millis(500)

/** How often a server looks whether its address, or that of another server on the folder, is still there. */
const lookEvery = Duration.seconds(5)

/** Bytes of a secret. */
const secretBytes = 32
const challengeBytes = 16

export const secret: Effect.Effect<Redacted.Redacted> = Effect.sync(() =>
  Redacted.make(randomBytes(secretBytes).toString("base64url"))
)

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

/** Whether who answers there is who left the address: a port may be somebody else's by now. */
const answers = ({ secret, url }: typeof Left.Type): Effect.Effect<boolean> =>
  Effect.suspend(() => {
    const challenge = randomBytes(challengeBytes).toString("base64url")
    return HttpClient.get(`${url}/health`, { headers: { [Countersign.challengeHeader]: challenge } }).pipe(
      Effect.map(({ headers }) =>
        Countersign.agrees(Redacted.make(secret), challenge, headers[Countersign.codeHeader])
      ),
      Effect.timeoutOption(answerWithin),
      Effect.map(Option.getOrElse(() => false)),
      Effect.catch(() => Effect.succeed(false)),
      // Looking is no part of what is asked then.
      Effect.provideService(HttpClient.TracerPropagationEnabled, false),
      Effect.provide(FetchHttpClient.layer)
    )
  })

/**
 * Whether an address is one of this machine. A folder may come from elsewhere, such as a repository that was cloned: what lies
 * in it must not say where commands, and the key with them, go.
 */
const isHere = (url: string): boolean => {
  const host = URL.parse(url)?.hostname.replace(/^\[|\]$/g, "") ?? ""
  const own = Object.values(networkInterfaces()).flatMap((addresses = []) => addresses.map(({ address }) => address))
  return ["localhost", "0.0.0.0", "::", "127.0.0.1", "::1", ...own].includes(host)
}

/** The server of a folder, if it answers: one that was killed has left its address behind. */
export const find = (data: string): Effect.Effect<string | undefined> =>
  Effect.suspend(() => {
    const left = read(data)
    if (left === undefined || !isAlive(left.pid) || !isHere(left.url)) return Effect.succeed(undefined)
    return Effect.map(answers(left), (there) => there ? left.url : undefined)
  })

const write = (data: string, left: typeof Left.Type): void => {
  const partial = `${pathOf(data)}.${randomBytes(4).toString("hex")}`
  try {
    writeFileSync(partial, JSON.stringify(left) + "\n", { mode: 0o600 })
    renameSync(partial, pathOf(data))
  } finally {
    rmSync(partial, { force: true })
  }
}

/** Another process may have taken the folder's place since. */
const takeAway = (data: string): void => {
  if (read(data)?.pid === process.pid) rmSync(pathOf(data), { force: true })
}

const attempted = (attempt: () => void): Effect.Effect<void, string> =>
  Effect.try({ try: attempt, catch: (thrown) => thrown instanceof Error ? thrown.message : String(thrown) })

/** A folder that cannot be written keeps no server from serving: it is only not found. */
const unheard = (reason: string): Effect.Effect<void> =>
  Effect.logWarning("The server's address could not be left in its data folder", { reason })

/**
 * Leaves the address of this process until the scope closes; only this user may read it. Of several servers on one folder
 * the one that came last is found, and when it has gone, one of the others.
 */
export const leave = (
  data: string,
  url: string,
  secret: Redacted.Redacted
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const startedAt = DateTime.formatIso(yield* DateTime.now)
    const leaves = attempted(() => write(data, { url, pid: process.pid, startedAt, secret: Redacted.value(secret) }))
    const look = Effect.suspend(() => {
      const left = read(data)
      return left !== undefined && isAlive(left.pid) ? Effect.void : Effect.ignore(leaves)
    })
    yield* Effect.acquireRelease(Effect.catch(leaves, unheard), () => Effect.ignore(attempted(() => takeAway(data))))
    yield* Effect.forkScoped(Effect.forever(Effect.andThen(Effect.sleep(lookEvery), look)))
  })
