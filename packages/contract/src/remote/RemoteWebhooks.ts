/** Webhooks over HTTP. */
import * as Effect from "effect/Effect"
import { WebhooksClient } from "../WebhooksClient.ts"
import * as Remote from "./Remote.ts"

export const make = (remote: Remote.Remote): WebhooksClient["Service"] => {
  const { webhooks } = remote.endpoints
  const answer = <A>(call: Effect.Effect<A, unknown>) => Remote.answer(remote, call)
  const one = (id: string) => ({ params: { id } })
  return WebhooksClient.of({
    list: Effect.map(answer(webhooks.list({})), ({ items }) => items),
    add: (payload) => answer(webhooks.add({ payload })),
    show: (id) => answer(webhooks.show(one(id))),
    change: (id, payload) => answer(webhooks.change({ ...one(id), payload })),
    remove: (id) => answer(webhooks.remove(one(id))),
    rotate: (id, payload) => answer(webhooks.rotate({ ...one(id), payload })),
    test: (id) => answer(webhooks.test(one(id))),
    deliveries: (id, query) => Effect.map(answer(webhooks.deliveries({ ...one(id), query })), ({ items }) => items),
    resend: (id) => answer(webhooks.resend(one(id)))
  })
}
