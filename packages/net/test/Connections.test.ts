import { HttpDialer } from "@baton/engine/HttpDialer"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Dns from "effect/net/Dns"
import { readFileSync } from "node:fs"
import { createServer } from "node:https"
import type { AddressInfo } from "node:net"
import { Connector } from "../src/Connector.ts"
import { NetLimits } from "../src/NetLimits.ts"
import * as NetPolicy from "../src/NetPolicy.ts"
import * as UndiciDialer from "../src/UndiciDialer.ts"
import * as Loopback from "./Loopback.ts"
import { ScriptedNet } from "./ScriptedNet.ts"

const get = (url: string, allow?: ReadonlyArray<string>) =>
  HttpDialer.use((dialer) => dialer.request({ method: "GET", url, ...(allow === undefined ? {} : { allow }) }))

const codeOf = <A, R>(call: Effect.Effect<A, { readonly code: string }, R>) =>
  Effect.map(Effect.flip(call), ({ code }) => code)

describe("connections", () => {
  it.effect("connects to the address that was checked, and never looks the name up again", () =>
    Effect.gen(function*() {
      const net = yield* ScriptedNet.make
      net.reset({ dns: { "rebind.example.net": [["93.184.215.14"], ["127.0.0.1"], ["93.184.215.15"]] } })
      yield* Effect.gen(function*() {
        yield* get("http://rebind.example.net/")
        assert.deepStrictEqual(net.lookups, ["rebind.example.net"])
        assert.strictEqual(yield* codeOf(get("http://rebind.example.net/")), "ADDRESS_PRIVATE")
        yield* get("http://rebind.example.net/")
      }).pipe(Effect.provide(net.layer()))
      assert.deepStrictEqual(net.connects.map(({ address }) => address), ["93.184.215.14", "93.184.215.15"])
      assert.deepStrictEqual(net.requests.map(({ host }) => host), ["rebind.example.net", "rebind.example.net"])
    }))

  it.effect("refuses a name with one forbidden answer among good ones", () =>
    Effect.gen(function*() {
      const net = yield* ScriptedNet.make
      net.reset({ dns: { "mixed.example.net": [["93.184.215.14", "2606:4700::1", "10.0.0.1"]] } })
      const code = yield* codeOf(get("http://mixed.example.net/")).pipe(Effect.provide(net.layer()))
      assert.strictEqual(code, "ADDRESS_PRIVATE")
      assert.deepStrictEqual(net.connects, [])
    }))

  it.effect("reuses a socket under one policy, and never under another one or none", () =>
    Effect.gen(function*() {
      const server = yield* Loopback.serve((_, response) => response.end("ok"))
      const url = `${server.origin}/`
      const allow = [`127.0.0.1:${server.port}`]
      const limits = Context.get(Context.empty(), NetLimits)
      const layer = UndiciDialer.layer.pipe(Layer.provide(Layer.succeed(NetLimits, { ...limits, socketsMax: 1 })))
      yield* Effect.gen(function*() {
        yield* get(url, allow)
        yield* get(url, allow)
        assert.strictEqual(server.sockets(), 1)
        assert.strictEqual(yield* codeOf(get(url)), "PORT_REFUSED")
        assert.strictEqual(yield* codeOf(get(url, ["127.0.0.2"])), "PORT_REFUSED")
        assert.strictEqual(yield* codeOf(get(url, [`10.0.0.0/8:${server.port}`])), "ADDRESS_PRIVATE")
        yield* get(url, [...allow, "10.0.0.0/8"])
        assert.strictEqual(server.sockets(), 2)
      }).pipe(Effect.provide(layer))
    }))

  it.effect("tries the next checked address while none accepts a connection", () =>
    Effect.gen(function*() {
      const server = yield* Loopback.serve((_, response) => response.end("ok"))
      const dns = Dns.layerStatic({ hosts: { "two.internal": ["127.0.0.2", "127.0.0.1"] } })
      const layer = UndiciDialer.layerNoDeps.pipe(Layer.provide([dns, Connector.layer]))
      const answer = yield* get(`http://two.internal:${server.port}/`, [`two.internal:${server.port}`]).pipe(
        Effect.provide(layer)
      )
      assert.strictEqual(answer.status, 200)
    }))

  it.effect("says that nothing was sent when no name, no connection or no policy let it", () =>
    Effect.gen(function*() {
      const net = yield* ScriptedNet.make
      const errors = yield* Effect.forEach(
        ["http://nowhere.example.net/", "http://10.0.0.1/", "http://example.com:22/", "ftp://example.com/"],
        (url) => Effect.flip(get(url))
      ).pipe(Effect.provide(net.layer()))
      assert.deepStrictEqual(errors.map(({ code }) => code), [
        "DNS_NOT_FOUND",
        "ADDRESS_PRIVATE",
        "PORT_REFUSED",
        "URL_SCHEME"
      ])
      assert.deepStrictEqual(errors.map(({ sent }) => sent), [false, false, false, false])
      const gone = yield* Effect.scoped(Loopback.serve(() => {}))
      const refused = yield* Effect.flip(get(gone.origin, [`127.0.0.1:${gone.port}`])).pipe(
        Effect.provide(UndiciDialer.layer)
      )
      assert.deepInclude(refused, { reason: "connect", code: "CONNECT_REFUSED", sent: false })
    }))

  it.effect("says that the request was sent once its first byte may have left", () =>
    Effect.gen(function*() {
      const server = yield* Loopback.serveRaw((socket) => socket.resetAndDestroy())
      const error = yield* Effect.flip(get(server.origin, [`127.0.0.1:${server.port}`])).pipe(
        Effect.provide(UndiciDialer.layer)
      )
      assert.deepInclude(error, { code: "CONNECTION_LOST", sent: true })
    }))

  it.effect("sends a request once, though the name has another address and the connection breaks", () =>
    Effect.gen(function*() {
      const net = yield* ScriptedNet.make
      net.reset({
        dns: { "two.example.net": [["93.184.215.14", "93.184.215.15"]] },
        answer: (request) => request.socket.destroy()
      })
      const error = yield* Effect.flip(get("http://two.example.net/")).pipe(Effect.provide(net.layer()))
      assert.deepInclude(error, { code: "CONNECTION_LOST", sent: true })
      assert.strictEqual(net.requests.length, 1)
    }))

  it.effect("says that something was sent when a later hop finds nobody", () =>
    Effect.gen(function*() {
      const gone = yield* Effect.scoped(Loopback.serve(() => {}))
      const server = yield* Loopback.serve((_, response) => response.writeHead(302, { location: gone.origin }).end())
      const call = get(server.origin, [server, gone].map(({ port }) => `127.0.0.1:${port}`))
      const error = yield* Effect.flip(call).pipe(Effect.provide(UndiciDialer.layer))
      assert.deepInclude(error, { code: "CONNECT_REFUSED", sent: true })
    }))

  it.effect("breaks off calls that are under way when the dialer closes", () =>
    Effect.gen(function*() {
      const asked = Loopback.signal()
      const server = yield* Loopback.serve(() => asked.fire())
      const fiber = yield* Effect.scoped(Effect.gen(function*() {
        const dialer = Context.get(yield* Layer.build(UndiciDialer.layer), HttpDialer)
        const call = yield* Effect.forkDetach(Effect.flip(dialer.request(server.call("/"))))
        yield* asked.wait
        return call
      }))
      assert.deepInclude(yield* Fiber.join(fiber), { reason: "aborted", code: "DIALER_CLOSED", sent: true })
    }))

  it.effect("ignores the proxies of the environment", () =>
    Effect.gen(function*() {
      const proxy = yield* Loopback.serve((_, response) => response.writeHead(418).end())
      const server = yield* Loopback.serve((_, response) => response.end("ok"))
      for (const name of ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"]) process.env[name] = proxy.origin
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          for (const name of ["http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"]) delete process.env[name]
        })
      )
      const answer = yield* get(server.origin, [`127.0.0.1:${server.port}`]).pipe(Effect.provide(UndiciDialer.layer))
      assert.strictEqual(answer.status, 200)
      assert.strictEqual(proxy.sockets(), 0)
    }))
})

describe("TLS", () => {
  const pem = readFileSync(new URL("fixtures/loopback.pem", import.meta.url), "utf8")

  const secure = Effect.acquireRelease(
    Effect.promise(async () => {
      const names: Array<string> = []
      const options = {
        cert: pem,
        key: pem,
        SNICallback: (name: string, done: (error: null) => void) => (names.push(name), done(null))
      }
      const server = createServer(options, (_, response) => response.end("ok"))
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      return { server, names, port: (server.address() as AddressInfo).port }
    }),
    ({ server }) =>
      Effect.promise(() => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))))
  )

  const dialer = (ca: string | undefined, port: number) =>
    UndiciDialer.layerNoDeps.pipe(Layer.provide([
      Dns.layerStatic({ hosts: { "agent.example.com": ["127.0.0.1"], "other.example.com": ["127.0.0.1"] } }),
      Connector.layerWith(ca === undefined ? {} : { ca }),
      Layer.succeed(NetPolicy.NetPolicy, { ...NetPolicy.strict, allow: [`127.0.0.1:${port}`] })
    ]))

  it.effect("verifies the certificate for the name in the URL, though the socket goes to an address", () =>
    Effect.gen(function*() {
      const { names, port } = yield* secure
      yield* Effect.gen(function*() {
        assert.strictEqual((yield* get(`https://agent.example.com:${port}/`)).status, 200)
        assert.strictEqual((yield* get(`https://agent.example.com.:${port}/`)).status, 200)
        assert.strictEqual((yield* get(`https://127.0.0.1:${port}/`)).status, 200)
        const wrong = yield* Effect.flip(get(`https://other.example.com:${port}/`))
        assert.deepInclude(wrong, { reason: "tls", code: "TLS_CERTIFICATE", sent: false })
      }).pipe(Effect.provide(dialer(pem, port)))
      assert.deepStrictEqual(new Set(names), new Set(["agent.example.com", "other.example.com"]))
      const unknown = yield* Effect.flip(get(`https://agent.example.com:${port}/`)).pipe(
        Effect.provide(dialer(undefined, port))
      )
      assert.deepInclude(unknown, { reason: "tls", code: "TLS_CERTIFICATE", sent: false })
    }))

  it.effect("calls a port that speaks no TLS an error of TLS", () =>
    Effect.gen(function*() {
      const server = yield* Loopback.serve((_, response) => response.end("ok"))
      const error = yield* Effect.flip(get(`https://127.0.0.1:${server.port}/`)).pipe(
        Effect.provide(dialer(pem, server.port))
      )
      assert.deepInclude(error, { reason: "tls", code: "TLS_FAILED", sent: false })
    }))
})
