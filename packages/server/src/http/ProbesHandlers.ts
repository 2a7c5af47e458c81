/** `/health` and `/ready`. */
import { Api } from "@baton/contract/http/Api"
import type { Health } from "@baton/contract/http/ProbesApi"
import { Unavailable } from "@baton/contract/http/Problems"
import { timeText } from "@baton/contract/Wire"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Countersign from "../gate/Countersign.ts"
import { Drain } from "../gate/Drain.ts"
import { Gate } from "../gate/Gate.ts"
import * as StoreWatch from "../gate/StoreWatch.ts"
import { Host } from "../Local.ts"

const document = (
  { lastCommitAt, ...store }: StoreWatch.StoreHealth,
  requestsInFlight: number
): Health => ({
  status: StoreWatch.isDegraded({ ...store }) ? "degraded" : "ok",
  store: { ...store, ...(lastCommitAt === undefined ? {} : { lastCommitAt: timeText(lastCommitAt) }) },
  requestsInFlight
})

const notReady = (code: string, detail: string) => Effect.fail(new Unavailable({ code, detail }))

export const ProbesHandlers = HttpApiBuilder.group(
  Api,
  "probes",
  Effect.fnUntraced(function*(handlers) {
    const { health } = yield* Host
    const drain = yield* Drain
    const gate = yield* Gate
    return handlers.handleAll({
      health: () =>
        Effect.andThen(Countersign.answered, Effect.map(health, (store) => document(store, gate.load().inFlight))),
      ready: () =>
        Effect.flatMap(health, ({ reason, writable }) => {
          if (drain.isStopping()) return notReady("STOPPING", "The server stops.")
          return writable
            ? Effect.succeed({ ready: true })
            : notReady("STORE_UNWRITABLE", `The store cannot be written: ${reason ?? "unknown"}.`)
        })
    })
  })
)
