/** Who may read a live stream: as every route, by the credential, and of its tenant only. */
import * as NodeWS from "@effect/platform-node/NodeWS"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { AccessServer, flow, layer } from "../access/AccessServer.ts"

/** The protocol that was chosen, or the status of a refusal. */
const shake = (url: string, protocols: ReadonlyArray<string>, headers = {}) =>
  Effect.promise(() =>
    new Promise<string | number>((done) => {
      const socket = new NodeWS.WebSocket(`${url.replace("http", "ws")}/ws`, [...protocols], { headers })
      socket.on("open", () => {
        done(socket.protocol)
        socket.close()
      })
      socket.on("unexpected-response", (_, response) => {
        done(response.statusCode ?? 0)
        response.destroy()
      })
      socket.on("error", () => undefined)
    })
  )

const accept = { accept: "text/event-stream" }

describe("a live stream", () => {
  it.live("is opened by a key among the protocols or in the header, and by nothing else", () =>
    Effect.gen(function*() {
      const server = yield* AccessServer
      const { key } = yield* server.newKey({ scopes: ["runs:read"] })
      const other = yield* server.newKey({ scopes: ["runs:write"] })
      assert.strictEqual(yield* shake(server.url, ["baton.v1", `baton.bearer.${key}`]), "baton.v1")
      assert.strictEqual(yield* shake(server.url, [], { authorization: `Bearer ${key}` }), "")
      assert.strictEqual(yield* shake(server.url, ["baton.v1"]), 401)
      assert.strictEqual(yield* shake(server.url, ["baton.v1", "baton.bearer.wrong"]), 401)
      assert.strictEqual(yield* shake(server.url, ["baton.v1", `baton.bearer.${other.key}`]), 403)
      for (const path of ["/api/v1/stream", "/api/v1/events?after=run_1", "/api/v1/runs/run_1/events"]) {
        assert.strictEqual((yield* server.ask("GET", path, { headers: accept })).status, 401, path)
        assert.strictEqual((yield* server.ask("GET", path, { headers: accept, key: other.key })).status, 403, path)
      }
    }).pipe(Effect.provide(layer())))

  it.live("shows nothing of another tenant", () =>
    Effect.gen(function*() {
      const server = yield* AccessServer
      const { key } = yield* server.newKey({})
      const { key: foreign } = yield* server.newKey({ tenant: "other" })
      const { body } = yield* server.ask("POST", "/api/v1/runs", { key, body: { flow: JSON.parse(flow) } })
      const path = `/api/v1/runs/${body["id"]}/events`
      assert.strictEqual((yield* server.ask("GET", path, { key, headers: accept })).status, 200)
      for (const query of ["", "?after=0"]) {
        const refused = yield* server.ask("GET", path + query, { key: foreign, headers: accept })
        assert.deepStrictEqual([refused.status, refused.body["code"]], [404, "RUN_NOT_FOUND"])
      }
      const many = yield* server.ask("GET", `/api/v1/events?after=${body["id"]}`, { key: foreign })
      assert.strictEqual(many.status, 404)
      const resumed = yield* server.ask("GET", `${path}?after=3`, { key: foreign, headers: accept })
      const unknown = yield* server.ask("GET", "/api/v1/runs/run_none/events?after=3", {
        key: foreign,
        headers: accept
      })
      assert.deepStrictEqual([resumed.status, unknown.status], [410, 410], "no difference tells that the run is there")
    }).pipe(Effect.provide(layer())))
})
