/** A server on a free port over a store of its own, and the program beside it that makes its first keys. */
import type { ClientError } from "@baton/contract/Client"
import { Scope } from "@baton/contract/http/Scope"
import { type CreateKey, KeysClient } from "@baton/contract/KeysClient"
import type { Ports } from "@baton/contract/Ports"
import * as Local from "@baton/server/Local"
import * as Serve from "@baton/server/Serve"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  /** The body, when it is JSON. */
  readonly body: { readonly [key: string]: unknown }
}

export interface AskOptions {
  readonly key?: string
  readonly body?: unknown
  readonly headers?: { readonly [name: string]: string }
}

export class AccessServer extends Context.Service<AccessServer, {
  readonly data: string
  readonly url: string
  readonly ask: (method: string, path: string, options?: AskOptions) => Effect.Effect<Answer>
  /** The ports of a program that works on the store itself, as the command line does. */
  readonly inProcess: Context.Context<Ports>
  readonly newKey: (request: Partial<CreateKey>) => Effect.Effect<
    { readonly id: string; readonly key: string },
    ClientError
  >
}>()("test/AccessServer") {}

const parsed = (text: string): Answer["body"] => {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

export const everyScope = Scope.literals.filter((scope) => scope !== "system:admin")

export const flow = JSON.stringify({
  name: "greeting",
  version: "1.0.0",
  nodes: [{ id: "greet", type: "transform", value: "hello" }],
  edges: [],
  output: "${nodes.greet.output}"
})

const make = (options: Partial<Serve.ServeOptions>) =>
  Effect.gen(function*() {
    const data = yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-access-"))),
      (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
    )
    const local = { data, handlers: undefined, adopt: false, outputRoot: join(data, "output") }
    const served = yield* Layer.build(Serve.layer({ ...local, host: "127.0.0.1", port: 0, mode: "serve", ...options }))
    const inProcess = yield* Layer.build(Local.layer({ ...local, execute: false }))
    const url = HttpServer.formatAddress(Context.get(served, HttpServer.HttpServer).address)
    const ask = (method: string, path: string, { body, headers, key }: AskOptions = {}) =>
      Effect.promise(async (): Promise<Answer> => {
        const response = await fetch(`${url}${path}`, {
          method,
          redirect: "manual",
          headers: {
            ...(body === undefined ? {} : { "content-type": "application/json" }),
            ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
            ...headers
          },
          ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) })
        })
        const text = await response.text()
        return { status: response.status, headers: response.headers, text, body: parsed(text) }
      })
    const newKey = (request: Partial<CreateKey>) =>
      Effect.map(
        Context.get(inProcess, KeysClient).create({ name: "test", scopes: everyScope, ...request }),
        ({ item, key }) => ({ id: item.id, key })
      )
    return AccessServer.of({ data, url, ask, inProcess, newKey })
  })

export const layer = (options: Partial<Serve.ServeOptions> = {}) => Layer.effect(AccessServer, make(options))
