import { assert, it } from "@effect/vitest"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { serve } from "../../examples/budget/model.ts"
import * as Transcript from "./Transcript.ts"

it(
  "a run with a budget waits when it is used up and goes on with more, as the transcript of the budget example tells",
  async () => {
    const caps: Array<number> = []
    const server = serve(0, (cap) => caps.push(cap))
    await once(server, "listening")
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const { actual, expected } = await Transcript.play("budget", {
        OLLAMA_HOST: origin,
        BATON_MODEL: "ollama/writer"
      })
      assert.strictEqual(actual, expected)
      assert.deepStrictEqual(caps, [1000, 1000, 1000])
    } finally {
      server.closeAllConnections()
      server.close()
    }
  },
  300_000
)
