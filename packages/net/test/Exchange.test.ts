import { assert, describe, it } from "@effect/vitest"
import type { Dispatcher } from "undici"
import { BUFFER_MAX, Exchange } from "../src/Exchange.ts"
import * as Failure from "../src/Failure.ts"

class Controller implements Dispatcher.DispatchController {
  paused = false
  aborted = false
  reason: Error | null = null
  pause() {
    this.paused = true
  }
  resume() {
    this.paused = false
  }
  abort(reason: Error) {
    this.aborted = true
    this.reason = reason
  }
}

const begun = () => {
  const controller = new Controller()
  const exchange = new Exchange({ host: "example.com", secure: false, sentBefore: false }, () => {})
  exchange.onRequestStart(controller)
  exchange.onResponseStart(controller, 200, {})
  return { controller, exchange }
}

describe("an exchange", () => {
  it("holds the socket back while nobody reads, and lets it go when somebody does", () => {
    const { controller, exchange } = begun()
    exchange.onResponseData(controller, Buffer.alloc(BUFFER_MAX - 1))
    assert.isFalse(controller.paused)
    exchange.onResponseData(controller, Buffer.alloc(1))
    assert.isTrue(controller.paused)
    assert.strictEqual(exchange.take()._tag, "Bytes")
    assert.isFalse(controller.paused)
    assert.strictEqual(exchange.take()._tag, "Pending")
  })

  it("gives out every byte before it tells of the end", () => {
    const { controller, exchange } = begun()
    exchange.onResponseData(controller, Buffer.from("a"))
    exchange.onResponseEnd()
    assert.deepStrictEqual([exchange.take()._tag, exchange.take()._tag], ["Bytes", "End"])
  })

  it("sends nothing when it was given up before its turn came", () => {
    const controller = new Controller()
    const exchange = new Exchange({ host: "example.com", secure: false, sentBefore: false }, () => {})
    exchange.abort(Failure.failure("CALL_CLOSED", "", false))
    exchange.onRequestStart(controller)
    assert.isTrue(controller.aborted)
    assert.isFalse(exchange.sent)
  })

  it("breaks off at the cap, and answers with that from then on", () => {
    const { controller, exchange } = begun()
    exchange.limitReceived(10)
    exchange.onResponseData(controller, Buffer.alloc(11))
    assert.isTrue(controller.aborted)
    const taken = exchange.take()
    assert.strictEqual(taken._tag === "Failed" ? taken.error.code : taken._tag, "BODY_TOO_LARGE")
  })
})
