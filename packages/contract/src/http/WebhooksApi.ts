/** Webhooks over HTTP. Their log tells of runs and receivers: reading needs the same scope as writing. */
import { DeliveryState } from "@baton/kernel/Webhook"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import {
  AddWebhook,
  ChangeWebhook,
  DeliveryDocument,
  MadeWebhook,
  RotateSecret,
  WebhookDocument
} from "../WebhooksClient.ts"
import { Access, Readable } from "./Access.ts"
import { about } from "./Operation.ts"
import { page, pageLimit } from "./Paging.ts"
import { problems } from "./Problems.ts"

const one = { id: Schema.String }

const list = HttpApiEndpoint.get("list", "/", {
  success: Schema.Struct({ items: Schema.Array(WebhookDocument) }),
  error: problems
}).annotateMerge(about("webhooks:write", "List webhooks, with what is still to be sent"))

const add = HttpApiEndpoint.post("add", "/", {
  payload: AddWebhook,
  success: MadeWebhook.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotateMerge(about("webhooks:write", "Add a webhook", "Secrets that Baton makes are told in this answer only."))

const show = HttpApiEndpoint.get("show", "/:id", { params: one, success: WebhookDocument, error: problems })
  .annotateMerge(about("webhooks:write", "Show a webhook"))

const change = HttpApiEndpoint.patch("change", "/:id", {
  params: one,
  payload: ChangeWebhook,
  success: WebhookDocument,
  error: problems
}).annotateMerge(
  about(
    "webhooks:write",
    "Change a webhook",
    "`active` begins with what is committed from then on; what is not active drops what it had to send."
  )
)

const remove = HttpApiEndpoint.delete("remove", "/:id", {
  params: one,
  success: HttpApiSchema.NoContent,
  error: problems
}).annotateMerge(about("webhooks:write", "Remove a webhook with its log"))

const rotate = HttpApiEndpoint.post("rotate", "/:id/rotate", {
  params: one,
  payload: RotateSecret,
  success: MadeWebhook,
  error: problems
}).annotateMerge(
  about("webhooks:write", "Rotate a secret of a webhook", "The one before stays good while they overlap.")
)

const test = HttpApiEndpoint.post("test", "/:id/test", { params: one, success: DeliveryDocument, error: problems })
  .annotateMerge(about("webhooks:write", "Send one delivery that no run has made, now"))

const deliveries = HttpApiEndpoint.get("deliveries", "/:id/deliveries", {
  params: one,
  query: {
    state: Schema.optional(DeliveryState),
    run: Schema.optional(Schema.String),
    after: Schema.optional(Schema.String),
    limit: pageLimit
  },
  success: page(DeliveryDocument),
  error: problems
}).annotateMerge(about("webhooks:write", "List deliveries of a webhook, newest first"))

const resend = HttpApiEndpoint.post("resend", "/deliveries/:id/resend", {
  params: one,
  success: DeliveryDocument.pipe(HttpApiSchema.status(202)),
  error: problems
}).annotateMerge(
  about("webhooks:write", "Send a delivery once more", "The same `webhook-id`, signed anew, out of order.")
)

export class WebhooksApi extends HttpApiGroup.make("webhooks")
  .add(list, add, show, change, remove, rotate, test, deliveries, resend)
  .prefix("/api/v1/webhooks")
  .middleware(Access)
  .middleware(Readable)
{}
