/** Webhooks of real processes: nothing that was committed is lost when the one that sends is killed in the middle of it. */
import * as WebhookSignature from "@baton/contract/WebhookSignature"
import { assert, describe, it } from "vitest"
import { isLast, Receiver } from "../../packages/server/test/Receiver.ts"
import { atDesk, type Desk, document } from "./Baton.ts"

const flow = `name: many
nodes:
  many:
    map: "\${ input.list }"
    each: { value: "\${ item }" }
`

const serve = async (desk: Desk, host: string) => {
  const server = desk.start(["serve", "--port", "0"], { env: { BATON_NET_ALLOW: host } })
  await server.said("http://")
  return server
}

describe("a server that is killed while it sends", () => {
  it(
    "leaves the rest to the next one: every event comes, in order, and what comes twice has the same id",
    { timeout: 120_000 },
    atDesk(async (desk) => {
      const target = await new Receiver().open()
      try {
        const env = { BATON_NET_ALLOW: target.host }
        const added = await desk.start(["webhooks", "add", target.url, "--json"], { env }).end
        const secret = String((document(added)["secrets"] as { readonly standard: string }).standard)
        desk.write("flow.yaml", flow)
        desk.write("input.json", { list: Array.from({ length: 100 }, (_, n) => n) })
        const run = await desk.start(["run", "flow.yaml", "--input", "input.json", "--detach", "--json"], { env }).end
        assert.strictEqual(run.exit, 0, run.err)
        const id = String(document(run)["id"])
        // Killed three times with a delivery under way: the receiver has it, and its answer never arrives.
        for (const kills of [20, 60, 100]) {
          const server = await serve(desk, target.host)
          const held = new Promise<void>((resolve) => {
            target.answer = (_received, response, n) => {
              if (n < kills) response.writeHead(204).end()
              else resolve()
            }
          })
          await held
          server.kill("SIGKILL")
          await server.end
        }
        target.answer = (_received, response) => void response.writeHead(204).end()
        const last = await serve(desk, target.host)
        await target.until((all) => all.some(isLast))
        const first = [...new Set(target.ids)]
        assert.deepStrictEqual(first, first.map((_, index) => `${id}/${index + 1}`))
        assert.isAtMost(target.ids.length - first.length, 6)
        const now = Math.floor(Date.now() / 1000)
        assert.isTrue(
          target.all.every(({ body, headers }) => WebhookSignature.verify(secret, headers, body, now).valid)
        )
        last.kill("SIGTERM")
        await last.end
      } finally {
        target.close()
      }
    })
  )
})
