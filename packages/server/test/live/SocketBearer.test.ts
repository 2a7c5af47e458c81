/** The token that a browser offers among a WebSocket's protocols. */
import { assert, describe, it } from "@effect/vitest"
import * as Headers from "effect/http/Headers"
import { translated } from "../../src/live/SocketBearer.ts"

const of = (headers: { readonly [name: string]: string }) => translated(Headers.fromInput(headers))

describe("a token among the protocols", () => {
  it("becomes the header that every route reads, and is named no more", () => {
    const headers = of({ "sec-websocket-protocol": "baton.v1, baton.bearer.bk_1.secret" })
    assert.strictEqual(headers["authorization"], "Bearer bk_1.secret")
    assert.strictEqual(headers["sec-websocket-protocol"], "baton.v1")
  })

  it("changes nothing where there is none, and never wins over the header", () => {
    assert.strictEqual(of({ "sec-websocket-protocol": "baton.v1" })["authorization"], undefined)
    const both = of({ authorization: "Bearer first", "sec-websocket-protocol": "baton.v1, baton.bearer.second" })
    assert.strictEqual(both["authorization"], "Bearer first")
  })
})
