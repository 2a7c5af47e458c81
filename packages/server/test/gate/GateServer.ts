/** A server on a free port over a store of its own, with limits that a test can reach. */
import * as Serve from "@baton/server/Serve"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { connect, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

export interface GateServer {
  readonly url: string
  readonly port: number
  readonly data: string
  /** Ends the server in order; resolves when it is gone. */
  readonly stop: Effect.Effect<void>
}

export interface Setup {
  /** Variables of the configuration. */
  readonly env?: { readonly [name: string]: string }
  readonly options?: Partial<Serve.ServeOptions>
}

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-gate-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

export const make = Effect.fnUntraced(function*({ env = {}, options = {} }: Setup = {}) {
  const data = yield* folder
  const scope = yield* Scope.make()
  const layer = Serve.layer({
    data,
    handlers: undefined,
    outputRoot: join(data, "output"),
    host: "127.0.0.1",
    port: 0,
    mode: "dev",
    ...options
  }).pipe(Layer.provide(ConfigProvider.layer(ConfigProvider.fromEnvRecord({ ...env }))))
  const stop = Scope.close(scope, Exit.void)
  yield* Effect.addFinalizer(() => stop)
  const context = yield* Layer.buildWithScope(layer, scope)
  const { address } = Context.get(context, HttpServer.HttpServer)
  const url = HttpServer.formatAddress(address)
  return { url, port: Number(new URL(url).port), data, stop } satisfies GateServer
})

/** A connection, and what it was told until its other end closed it. */
export const talk = async (port: number, text: string): Promise<string> => {
  const socket = connect(port, "127.0.0.1")
  socket.setEncoding("utf8").on("error", () => undefined)
  let heard = ""
  socket.on("data", (chunk: string) => (heard += chunk))
  socket.write(text)
  await new Promise((closed) => socket.once("close", closed))
  return heard
}

export const open = async (port: number): Promise<Socket> => {
  const socket = connect(port, "127.0.0.1")
  socket.on("error", () => undefined)
  await once(socket, "connect")
  return socket
}

export const ask = (server: GateServer, path: string, init?: RequestInit): Effect.Effect<Response> =>
  Effect.promise(() => fetch(`${server.url}${path}`, init))

export const json = (response: Response): Effect.Effect<{ readonly [key: string]: unknown }> =>
  Effect.promise(async () => JSON.parse(await response.text()))
