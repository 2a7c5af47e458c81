/** The endpoints of what is kept beside runs, over the ports of whoever asks. */
import { BlobsClient } from "@baton/contract/BlobsClient"
import { Api } from "@baton/contract/http/Api"
import * as Paging from "@baton/contract/http/Paging"
import { ReceiptsClient } from "@baton/contract/ReceiptsClient"
import { SecretsClient } from "@baton/contract/SecretsClient"
import { StoreClient } from "@baton/contract/StoreClient"
import { UsageClient } from "@baton/contract/UsageClient"
import * as Effect from "effect/Effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { asked } from "./Asked.ts"
import * as Queries from "./Queries.ts"

export const StoreHandlers = HttpApiBuilder.group(
  Api,
  "store",
  (handlers) =>
    handlers.handleAll({
      usage: ({ query: { by = "flow", limit = Paging.pageDefault, since, ...query } }) =>
        asked(UsageClient, (usage) =>
          Effect.gen(function*() {
            const from = since === undefined ? {} : { since: yield* Queries.time(since) }
            return yield* usage.summary({ ...query, ...from, by, limit })
          })),
      reportUsage: ({ params, payload }) =>
        asked(UsageClient, (usage) => usage.report(params.id, params.path, payload.attempt, payload.usage)),
      receipts: () => asked(ReceiptsClient, (receipts) => Effect.map(receipts.stats, Queries.whole)),
      clearReceipts: ({ query }) =>
        asked(ReceiptsClient, (receipts) => Effect.map(receipts.clear(query), (cleared) => ({ cleared }))),
      secrets: () => asked(SecretsClient, (secrets) => Effect.map(secrets.list, Queries.whole)),
      setSecret: ({ params, payload }) =>
        asked(SecretsClient, (secrets) => secrets.set(params.name, payload.value, payload.hosts)),
      removeSecret: ({ params }) =>
        asked(SecretsClient, (secrets) => Effect.map(secrets.remove(params.name), (removed) => ({ removed }))),
      blob: ({ params }) => asked(BlobsClient, (blobs) => blobs.read(params.ref)),
      doctor: () => asked(StoreClient, (store) => Effect.map(store.diagnose, (findings) => ({ findings })))
    })
)
