/** `webhooks list|add|show|test|enable|disable|rotate|remove|deliveries|resend`. */
import type { ClientError } from "@baton/contract/Client"
import { Client } from "@baton/contract/Client"
import type { DeliveryDocument, EventSelector, MadeWebhook, WebhookDocument } from "@baton/contract/WebhooksClient"
import { EventSelector as Selector, WebhooksClient } from "@baton/contract/WebhooksClient"
import type { Json } from "@baton/kernel/Value"
import type { SignatureForm } from "@baton/kernel/Webhook"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Backend from "../Backend.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import { Printer } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"
import type {
  WebhooksAdd,
  WebhooksDeliveries,
  WebhooksList,
  WebhooksRemove,
  WebhooksResend,
  WebhooksRotate,
  WebhooksShow,
  WebhooksState,
  WebhooksTest
} from "../WebhookRequests.ts"
import * as Confirmation from "./Confirmation.ts"
import * as Secrets from "./Secrets.ts"

/** Longest page of `webhooks deliveries`. */
const pageMax = 500

const asked = <A>(request: (client: WebhooksClient["Service"]) => Effect.Effect<A, ClientError>) =>
  Backend.withPorts({}, Effect.flatMap(WebhooksClient, request))

const waiting = ({ backlog: { failing, failingSince, runs } }: WebhookDocument): string =>
  runs === 0 ? "" : `${runs} run${runs === 1 ? "" : "s"}${failing === 0 ? "" : `, failing since ${failingSince}`}`

export const webhooksList = Effect.fnUntraced(function*(_request: WebhooksList) {
  const printer = yield* Printer
  const items = yield* asked((client) => client.list)
  yield* printer.listing({
    document: { schema: "baton.webhooks/1", webhooks: items as ReadonlyArray<Json> },
    items: items as ReadonlyArray<Json>,
    empty: "no webhooks",
    table: {
      header: ["webhook", "state", "url", "events", "flow", "to send"],
      rows: items.map((item) => [
        item.id,
        item.state,
        item.url,
        item.events.length === 1 ? item.events[0]! : `${item.events.length} types`,
        item.flow ?? "",
        waiting(item)
      ])
    }
  })
  return exitCodes.done
})

const isSelector = Schema.is(Selector)

const eventsOf = Effect.fnUntraced(function*(types: ReadonlyArray<string>) {
  const wrong = types.find((type) => !isSelector(type))
  if (wrong === undefined) return types as ReadonlyArray<EventSelector>
  return yield* Failure.usage(
    "INVALID_VALUE",
    `--event ${wrong}: no event has this type`,
    "such as orchestration.run.completed; the reference of events lists them"
  )
})

const tagsOf = Effect.fnUntraced(function*(tags: ReadonlyArray<string>) {
  const wrong = tags.find((tag) => tag.indexOf("=") < 1)
  if (wrong !== undefined) return yield* Failure.usage("INVALID_VALUE", `--tag ${wrong}: expected KEY=VALUE`)
  return Object.fromEntries(tags.map((tag) => [tag.slice(0, tag.indexOf("=")), tag.slice(tag.indexOf("=") + 1)]))
})

/** The secret goes to stdout, once: what else it may be told to is for whoever runs the command. */
const answerMade = Effect.fnUntraced(function*({ secrets, webhook }: MadeWebhook) {
  const printer = yield* Printer
  if (printer.isJson) return yield* printer.document({ schema: "baton.webhook.made/1", webhook, secrets } as Json)
  yield* printer.answer(TerminalText.line(webhook.id))
  for (const [form, secret] of Object.entries(secrets)) {
    yield* printer.answer(TerminalText.line(`secret ${form} ${secret}`))
  }
  for (const { form, publicKey } of webhook.secrets) {
    if (publicKey !== undefined) yield* printer.answer(TerminalText.line(`public key ${form} ${publicKey}`))
  }
  if (Object.keys(secrets).length > 0) yield* printer.note("keep the secret: it is shown this once")
})

export const webhooksAdd = Effect.fnUntraced(function*(request: WebhooksAdd) {
  const events = yield* eventsOf(request.event)
  const tags = yield* tagsOf(request.tag)
  const signatures: ReadonlyArray<SignatureForm> = request.sign.length === 0 ? ["standard"] : request.sign
  if (request.ownSecret && signatures.length > 1) {
    return yield* Failure.usage("FLAGS_CONFLICT", "--own-secret gives one secret, and there are several signatures")
  }
  const secret = request.ownSecret
    ? yield* Secrets.readValue("the webhook's secret", "baton webhooks add URL --own-secret")
    : undefined
  const made = yield* asked((client) =>
    client.add({
      url: request.url,
      signatures,
      tags,
      ...(events.length === 0 ? {} : { events }),
      ...(request.flow === undefined ? {} : { flow: request.flow }),
      ...(request.issuer === undefined ? {} : { issuer: request.issuer }),
      ...(request.audience === undefined ? {} : { audience: request.audience }),
      ...(secret === undefined ? {} : { secrets: { [signatures[0]!]: secret } })
    })
  )
  yield* answerMade(made)
  return exitCodes.done
})

const shown = (webhook: WebhookDocument): string =>
  [
    `${webhook.id}  ${webhook.state}${webhook.reason === null ? "" : ` (${webhook.reason})`}`,
    `url ${webhook.url}`,
    `events ${webhook.events.join(" ")}`,
    ...(webhook.flow === null ? [] : [`flow ${webhook.flow}`]),
    ...Object.entries(webhook.tags).map(([key, value]) => `tag ${key}=${value}`),
    `signed ${webhook.signatures.length === 0 ? "no" : webhook.signatures.join(" ")}`,
    ...webhook.secrets.map(({ createdAt, expiresAt, form, id, publicKey }) =>
      `secret ${id} ${form} since ${createdAt}${expiresAt === null ? "" : ` until ${expiresAt}`}${
        publicKey === undefined ? "" : ` ${publicKey}`
      }`
    ),
    `to send ${waiting(webhook) === "" ? "nothing" : waiting(webhook)}`
  ].map(TerminalText.line).join("\n")

const answerWebhook = Effect.fnUntraced(function*(webhook: WebhookDocument) {
  const printer = yield* Printer
  yield* printer.isJson ? printer.document(webhook as Json) : printer.answer(shown(webhook))
  return exitCodes.done
})

export const webhooksShow = ({ id }: WebhooksShow) => Effect.flatMap(asked((client) => client.show(id)), answerWebhook)

export const webhooksState = ({ id, state }: WebhooksState) =>
  Effect.flatMap(asked((client) => client.change(id, { state })), answerWebhook)

const outcome = ({ attempts, code, latencyMs, message, state, status }: DeliveryDocument): string =>
  [
    state,
    ...(status === null ? [] : [String(status)]),
    ...(latencyMs === null ? [] : [`${latencyMs}ms`]),
    ...(attempts > 1 ? [`${attempts} attempts`] : []),
    ...(code === null ? [] : [`${code}: ${message}`])
  ].join(" ")

const answerDelivery = Effect.fnUntraced(function*(delivery: DeliveryDocument) {
  const printer = yield* Printer
  yield* printer.isJson
    ? printer.document(delivery as Json)
    : printer.answer(TerminalText.line(`${delivery.id} ${delivery.event} ${outcome(delivery)}`))
})

export const webhooksTest = Effect.fnUntraced(function*({ id }: WebhooksTest) {
  const delivery = yield* asked((client) => client.test(id))
  yield* answerDelivery(delivery)
  return delivery.state === "delivered" ? exitCodes.done : exitCodes.runFailed
})

export const webhooksRotate = Effect.fnUntraced(function*(request: WebhooksRotate) {
  const secret = request.ownSecret
    ? yield* Secrets.readValue("the webhook's secret", `baton webhooks rotate ${request.id} --own-secret`)
    : undefined
  const made = yield* asked((client) =>
    client.rotate(request.id, {
      ...(request.form === undefined ? {} : { form: request.form }),
      ...(request.overlap === undefined ? {} : { overlapSeconds: Math.ceil(request.overlap / 1000) }),
      ...(secret === undefined ? {} : { secret })
    })
  )
  yield* answerMade(made)
  return exitCodes.done
})

export const webhooksRemove = Effect.fnUntraced(function*({ id }: WebhooksRemove) {
  const printer = yield* Printer
  yield* Confirmation.require(`forget the webhook ${id}, its log and what is still to be sent to it`)
  yield* asked((client) => client.remove(id))
  yield* printer.isJson
    ? printer.document({ schema: "baton.receipt/1", action: "removed", webhook: id })
    : printer.answer(TerminalText.line(`${id} removed`))
  return exitCodes.done
})

export const webhooksDeliveries = Effect.fnUntraced(function*(request: WebhooksDeliveries) {
  const printer = yield* Printer
  const { after, id, limit, state } = request
  if (limit < 1 || limit > pageMax) {
    return yield* Failure.usage("INVALID_VALUE", `--limit ${limit}: expected 1 to ${pageMax}`)
  }
  const items = yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      const webhooks = yield* WebhooksClient
      const run = request.run === undefined ? undefined : yield* client.resolve(request.run)
      return yield* webhooks.deliveries(id, {
        limit,
        ...(state === undefined ? {} : { state }),
        ...(run === undefined ? {} : { run }),
        ...(after === undefined ? {} : { after })
      })
    })
  )
  const next = items.length < limit ? null : items.at(-1)?.id ?? null
  yield* printer.listing({
    document: { schema: "baton.deliveries/1", deliveries: items as ReadonlyArray<Json>, next },
    items: items as ReadonlyArray<Json>,
    empty: "no deliveries",
    table: {
      header: ["delivery", "event", "type", "at", "result"],
      rows: items.map((item) => [item.id, item.event, item.type, item.at, outcome(item)])
    }
  })
  if (next !== null) yield* printer.note(`more: baton webhooks deliveries ${id} --after ${next}`)
  return exitCodes.done
})

export const webhooksResend = Effect.fnUntraced(function*({ delivery }: WebhooksResend) {
  yield* answerDelivery(yield* asked((client) => client.resend(delivery)))
  return exitCodes.done
})
