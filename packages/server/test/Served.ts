/** A server on a folder of its own, and requests to it as any program would send them. */
import { fromClientError } from "@baton/contract/http/Problems"
import { assert } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Schedule from "effect/Schedule"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Serve from "../src/Serve.ts"

export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-served-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  // oxlint-disable-next-line typescript/no-explicit-any -- what an answer holds is what the tests assert of it
  readonly json: any
}

export interface Asked {
  readonly headers?: { readonly [name: string]: string }
  /** As it is when it is text, else as JSON. */
  readonly body?: unknown
}

export interface Served {
  readonly url: string
  readonly send: (method: string, path: string, asked?: Asked) => Effect.Effect<Answer>
  readonly get: (path: string) => Effect.Effect<Answer>
  readonly post: (path: string, body: unknown, headers?: Asked["headers"]) => Effect.Effect<Answer>
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** On a busy machine a server turns requests away, and says that nothing was done. */
const isShed = ({ json, status }: Answer): boolean => status === 503 && json?.code === "OVERLOADED"

const sender = (url: string): Served["send"] => (method, path, asked) =>
  Effect.repeat(sendOnce(url, method, path, asked), { while: isShed, schedule: Schedule.spaced("50 millis") })

const sendOnce = (url: string, method: string, path: string, { body, headers }: Asked = {}): Effect.Effect<Answer> =>
  Effect.promise(async () => {
    const response = await fetch(url + path, {
      method,
      headers: { ...(body === undefined ? {} : { "content-type": "application/json" }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
    })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: parsed(text) }
  })

export const serve = Effect.fnUntraced(function*(data: string, options: Partial<Serve.ServeOptions> = {}) {
  const layer = Serve.layer({
    data,
    handlers: undefined,
    outputRoot: join(data, "output"),
    host: "127.0.0.1",
    port: 0,
    mode: "dev",
    ...options
  })
  const { address } = Context.get(
    yield* Layer.build(layer).pipe(Effect.mapError(fromClientError), Effect.orDie),
    HttpServer.HttpServer
  )
  const url = HttpServer.formatAddress(address)
  const send = sender(url)
  const served: Served = {
    url,
    send,
    get: (path) => send("GET", path),
    post: (path, body, headers) => send("POST", path, { body, ...(headers === undefined ? {} : { headers }) })
  }
  return served
})

/** A problem as the contract has it: its media type, its status, and a stable code. */
export const assertProblem = (answer: Answer, status: number, code: string, about?: string): void => {
  assert.deepStrictEqual(
    [answer.status, answer.headers.get("content-type"), answer.json?.status, answer.json?.code],
    [status, "application/problem+json", status, code],
    `${about ?? ""} ${answer.text.slice(0, 400)}`
  )
  assert.match(answer.json.type, /^\/problems\/[a-z-]+$/)
}
