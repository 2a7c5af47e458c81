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
import { Access, Needs, Readable } from "./Access.ts"
import { pageLimit } from "./Paging.ts"
import { problems } from "./Problems.ts"

const one = { id: Schema.String }

const list = HttpApiEndpoint.get("list", "/", {
  success: Schema.Struct({ items: Schema.Array(WebhookDocument) }),
  error: problems
}).annotate(Needs, "webhooks:write")

const add = HttpApiEndpoint.post("add", "/", {
  payload: AddWebhook,
  success: MadeWebhook.pipe(HttpApiSchema.status(201)),
  error: problems
}).annotate(Needs, "webhooks:write")

const show = HttpApiEndpoint.get("show", "/:id", { params: one, success: WebhookDocument, error: problems })
  .annotate(Needs, "webhooks:write")

const change = HttpApiEndpoint.patch("change", "/:id", {
  params: one,
  payload: ChangeWebhook,
  success: WebhookDocument,
  error: problems
}).annotate(Needs, "webhooks:write")

const remove = HttpApiEndpoint.delete("remove", "/:id", {
  params: one,
  success: HttpApiSchema.NoContent,
  error: problems
}).annotate(Needs, "webhooks:write")

const rotate = HttpApiEndpoint.post("rotate", "/:id/rotate", {
  params: one,
  payload: RotateSecret,
  success: MadeWebhook,
  error: problems
}).annotate(Needs, "webhooks:write")

const test = HttpApiEndpoint.post("test", "/:id/test", { params: one, success: DeliveryDocument, error: problems })
  .annotate(Needs, "webhooks:write")

const deliveries = HttpApiEndpoint.get("deliveries", "/:id/deliveries", {
  params: one,
  query: {
    state: Schema.optional(DeliveryState),
    run: Schema.optional(Schema.String),
    after: Schema.optional(Schema.String),
    limit: pageLimit
  },
  success: Schema.Struct({ items: Schema.Array(DeliveryDocument), next: Schema.NullOr(Schema.String) }),
  error: problems
}).annotate(Needs, "webhooks:write")

const resend = HttpApiEndpoint.post("resend", "/deliveries/:id/resend", {
  params: one,
  success: DeliveryDocument.pipe(HttpApiSchema.status(202)),
  error: problems
}).annotate(Needs, "webhooks:write")

export class WebhooksApi extends HttpApiGroup.make("webhooks")
  .add(list, add, show, change, remove, rotate, test, deliveries, resend)
  .prefix("/api/v1/webhooks")
  .middleware(Access)
  .middleware(Readable)
{}
