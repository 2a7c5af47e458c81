import { assert, it } from "@effect/vitest"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { serve } from "../../examples/effects/model.ts"
import * as Transcript from "./Transcript.ts"

it(
  "an agent whose process dies twice pays each turn once and charges once, as the transcript of the effects example tells",
  async () => {
    const turns: Array<number> = []
    const server = serve(0, (turn) => turns.push(turn))
    await once(server, "listening")
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const { actual, expected } = await Transcript.play("effects", { BATON_MODEL: `${origin}/v1#script` })
      assert.strictEqual(actual, expected)
      assert.deepStrictEqual(turns, [1, 2])
    } finally {
      server.closeAllConnections()
      server.close()
    }
  },
  300_000
)
