import { assert, it } from "@effect/vitest"
import { once } from "node:events"
import type { AddressInfo } from "node:net"
import { serve } from "../../examples/patches/model.ts"
import * as Transcript from "./Transcript.ts"

it(
  "an agent patches the live plan, a process is killed, a person approves, and the run ends as its transcript says",
  async () => {
    const server = serve(0)
    await once(server, "listening")
    const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    try {
      const { actual, expected } = await Transcript.play("patches", { BATON_MODEL: `${origin}/v1#script` })
      assert.strictEqual(actual, expected)
    } finally {
      server.closeAllConnections()
      server.close()
    }
  },
  300_000
)
