/** Calls whose outcome nobody knows: what the far side has seen, after processes died and clocks ran out. */
import { once } from "node:events"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "vitest"
import { atDesk, type Desk, document } from "./Baton.ts"

interface Shop {
  readonly host: string
  /** The idempotency key of each order that has arrived, or its absence. */
  readonly orders: ReadonlyArray<string | undefined>
  /** Resolves when the n-th order has arrived. */
  readonly arrived: (n: number) => Promise<void>
  /** From now on orders are answered; before, they hang. */
  readonly open: () => void
}

const withShop = (test: (desk: Desk, shop: Shop) => Promise<void>) =>
  atDesk(async (desk) => {
    const orders: Array<string | undefined> = []
    let open = false
    const server = createServer((request, response) => {
      const key = request.headers["idempotency-key"]
      orders.push(Array.isArray(key) ? key[0] : key)
      server.emit("order")
      if (open) response.setHeader("content-type", "application/json").end("{\"order\":1}")
    }).listen(0, "127.0.0.1")
    await once(server, "listening")
    try {
      await test(desk, {
        host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
        orders,
        arrived: async (n) => {
          while (orders.length < n) await once(server, "order")
        },
        open: () => {
          open = true
        }
      })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

const order = (host: string, more: object): object => ({
  name: "order",
  nodes: { order: { http: `POST http://${host}/orders`, body: { item: 1 }, ...more } }
})

/** The process is killed while its order is on the way. */
const killedMidway = async (desk: Desk, shop: Shop, more: object) => {
  desk.write("order.json", order(shop.host, more))
  const env = { BATON_NET_ALLOW: shop.host }
  const live = desk.start(["run", "order.json"], { env })
  await shop.arrived(1)
  live.kill("SIGKILL")
  await live.end
  shop.open()
  return desk.start(["runs", "resume", "@last", "--json"], { env }).end
}

describe("a call whose outcome nobody knows", { timeout: 90_000 }, () => {
  it(
    "is not made again when it cannot be taken back: the step waits for a person, who may skip it",
    withShop(async (desk, shop) => {
      const resumed = await killedMidway(desk, shop, {})
      assert.strictEqual(resumed.exit, 5, resumed.err)
      const { reasons } = document(await desk.run("runs", "explain", "@last", "--json"))
      assert.include(
        reasons.map(({ path, reason }: Record<string, string>) => `${path} ${reason}`),
        "order unknown_outcome"
      )
      const skipped = await desk.run("runs", "skip", "@last", "order", "--output", "{\"order\":\"by hand\"}", "--json")
      assert.strictEqual(skipped.exit, 0, skipped.err)
      assert.deepStrictEqual(shop.orders, [undefined])
    })
  )

  it(
    "is made again under the same key when the far side knows keys",
    withShop(async (desk, shop) => {
      const resumed = await killedMidway(desk, shop, { effect: "keyed" })
      assert.strictEqual(resumed.exit, 0, resumed.err)
      assert.lengthOf(shop.orders, 2)
      assert.match(shop.orders[0] ?? "", /^[A-Za-z0-9_-]{43}$/)
      assert.strictEqual(shop.orders[0], shop.orders[1])
    })
  )

  it(
    "parks the step as well when its time is up, whatever its retries say",
    withShop(async (desk, shop) => {
      desk.write("order.json", order(shop.host, { timeout: "3s", retry: { attempts: 5, initial: "1ms" } }))
      const env = { BATON_NET_ALLOW: shop.host }
      const run = await desk.start(["run", "order.json", "--json"], { env }).end
      assert.strictEqual(run.exit, 5, run.err)
      assert.strictEqual(document(run).steps[0].error.code, "HTTP_TIMEOUT")
      assert.lengthOf(shop.orders, 1)
    })
  )
})
