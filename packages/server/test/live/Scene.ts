/** A server on a free port with a store of its own, and a client that reads event streams as they come. */
import type { Json } from "@baton/kernel/Value"
import type { HandlerSet } from "@baton/steps/FunctionHandlers"
import { assert } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Sse from "effect/encoding/Sse"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import type * as Scope from "effect/Scope"
import { mkdtempSync, rmSync } from "node:fs"
import { get, type IncomingMessage } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { defaults, LiveLimits } from "../../src/live/LiveLimits.ts"
import * as Serve from "../../src/Serve.ts"

export interface Scene {
  readonly url: string
  readonly call: (method: string, path: string, body?: unknown) => Promise<Answer>
  /** Starts a run that waits for `gates` events `go0`, `go1`, …; each lets one step run. */
  readonly start: (gates: number) => Promise<string>
  readonly send: (run: string, gate: number) => Promise<void>
  readonly open: (path: string, headers?: { readonly [name: string]: string }) => Promise<Opened>
}

/** JSON of whatever shape; tests say what they expect of it. */
export interface Fields {
  readonly [key: string]: unknown
}

export interface Answer {
  readonly status: number
  readonly body: Fields
}

export interface Received {
  readonly id: string | undefined
  readonly event: string
  readonly data: Fields
}

export interface Opened {
  readonly status: number
  readonly response: IncomingMessage
  /** All that has come so far, with comments as `:`. */
  readonly seen: ReadonlyArray<Received>
  /** The frames up to the first that fits; fails when the stream ends before. */
  readonly until: (fits: (frame: Received) => boolean) => Promise<ReadonlyArray<Received>>
  readonly ended: Promise<void>
  readonly cut: () => void
}

/** Works long enough to be seen at it. */
export const handlers: HandlerSet = {
  handlers: new Map([["work", (input: Json) => new Promise((done) => setImmediate(() => done(input)))]]),
  version: "1"
}

export const gatesOf = (gates: number): string =>
  JSON.stringify({
    name: "gated",
    version: "1.0.0",
    nodes: Object.fromEntries(
      Array.from({ length: gates }, (_, index) => [
        [`gate${index}`, { wait: { event: `go${index}` }, ...(index === 0 ? {} : { needs: [`step${index - 1}`] }) }],
        [`step${index}`, { function: "work", input: index, needs: [`gate${index}`] }]
      ]).flat()
    ),
    output: "done"
  })

export const opened = (
  url: string,
  headers: { readonly [name: string]: string } = {}
): Promise<Opened> =>
  new Promise((resolve, reject) => {
    const request = get(url, { agent: false, headers: { accept: "text/event-stream", ...headers } }, (response) => {
      const seen: Array<Received> = []
      const waiting = new Set<() => void>()
      let isOver = false
      const parser = Sse.makeParser((event) => {
        if (event._tag !== "Event") return
        seen.push({ id: event.id, event: event.event, data: JSON.parse(event.data) })
      })
      const wake = () => {
        for (const one of [...waiting]) one()
      }
      response.setEncoding("utf8")
      response.on("data", (text: string) => {
        if (text.startsWith(":")) seen.push({ id: undefined, event: ":", data: {} })
        parser.feed(text)
        wake()
      })
      response.on("error", () => undefined)
      const ended = new Promise<void>((done) =>
        response.on("close", () => {
          isOver = true
          wake()
          done()
        })
      )
      const until: Opened["until"] = (fits) =>
        new Promise((found, lost) => {
          const look = () => {
            const at = seen.findIndex(fits)
            if (at < 0 && !isOver) return
            waiting.delete(look)
            if (at < 0) lost(new Error(`the stream ended after ${JSON.stringify(seen)}`))
            else found(seen.slice(0, at + 1))
          }
          waiting.add(look)
          look()
        })
      resolve({ status: response.statusCode ?? 0, response, seen, until, ended, cut: () => request.destroy() })
    })
    request.on("error", reject)
  })

const scene = (url: string): Scene => {
  const call: Scene["call"] = async (method, path, body) => {
    const response = await fetch(url + path, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "content-type": "application/json" } })
    })
    const text = await response.text()
    return { status: response.status, body: text === "" ? {} : JSON.parse(text) }
  }
  return {
    url,
    call,
    start: async (gates) => {
      const answer = await call("POST", "/api/v1/runs", { flow: { text: gatesOf(gates), file: "flow.json" } })
      assert.strictEqual(answer.status, 201, JSON.stringify(answer.body))
      return String(answer.body["id"])
    },
    send: async (run, gate) => {
      const answer = await call("POST", `/api/v1/runs/${run}/send`, { name: `go${gate}` })
      assert.isBelow(answer.status, 300, JSON.stringify(answer.body))
    },
    open: (path, headers) => opened(url + path, headers)
  }
}

export const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-live-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export const served = (data: string, limits: Partial<LiveLimits> = {}): Effect.Effect<Scene, unknown, Scope.Scope> =>
  Layer.build(
    Serve.layer({
      data,
      mode: "dev",
      handlers,
      outputRoot: join(data, "output"),
      host: "127.0.0.1",
      port: 0
    })
      .pipe(Layer.provide(Layer.succeed(LiveLimits, { ...defaults, ...limits })))
  ).pipe(Effect.flatMap((context) =>
    Effect.provideContext(
      HttpServer.HttpServer.useSync(({ address }) => scene(HttpServer.formatAddress(address))),
      context
    )
  ))

/** One server for one test. */
export const withScene = (
  test: (scene: Scene, data: string) => Promise<void>,
  limits: Partial<LiveLimits> = {}
): Effect.Effect<void, unknown> =>
  Effect.scoped(Effect.gen(function*() {
    const data = yield* folder
    const scene = yield* served(data, limits)
    yield* Effect.promise(() => test(scene, data))
  }))
