/** Webhooks for people: who is told what, with which secrets, and what has become of it. */
import { ClientError } from "@baton/contract/Client"
import type { Finding } from "@baton/contract/StoreClient"
import type {
  AddWebhook,
  DeliveryDocument,
  RotateSecret,
  RunHook,
  WebhookDocument
} from "@baton/contract/WebhooksClient"
import { WebhooksClient } from "@baton/contract/WebhooksClient"
import * as WebhookSignature from "@baton/contract/WebhookSignature"
import { timeText } from "@baton/contract/Wire"
import type { Backlog, Delivery, Webhook, WebhookSecret, WebhookStoreError } from "@baton/engine/WebhookStore"
import { webhooksMax } from "@baton/engine/WebhookStore"
import type { SignatureForm } from "@baton/kernel/Webhook"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { randomBytes } from "node:crypto"
import * as Answers from "./Answers.ts"
import type { Parts } from "./Parts.ts"
import * as RunId from "./RunId.ts"
import * as Deliveries from "./webhooks/Deliveries.ts"

/** Tags that a webhook may ask for. */
const tagsMax = 16
/** How long the secret before stays good when nothing else is said, in seconds. */
const overlapSecondsDefault = 24 * 3600
/** Bytes of a secret that Baton makes. */
const secretBytes = 32

const fromStore = ({ message, reason }: WebhookStoreError): ClientError =>
  new ClientError({
    reason: "unavailable",
    code: reason === "undecryptable" ? "WEBHOOK_UNDECRYPTABLE" : Answers.storeCodes[reason],
    message
  })

const asked = <A>(effect: Effect.Effect<A, WebhookStoreError>) => Effect.mapError(effect, fromStore)

const invalid = (code: string, message: string, hint?: string) =>
  Effect.fail(new ClientError({ reason: "invalid", code, message, ...(hint === undefined ? {} : { hint }) }))

const notFound = (id: string) =>
  new ClientError({
    reason: "not_found",
    code: "WEBHOOK_NOT_FOUND",
    message: `there is no webhook ${id}`,
    hint: "baton webhooks list"
  })

const timeOrNull = (at: number | undefined) => at === undefined ? null : timeText(at)

const noBacklog: Omit<Backlog, "webhook"> = { runs: 0, failing: 0, failingSince: undefined }

const documentOf = (
  webhook: Webhook,
  secrets: ReadonlyArray<WebhookSecret>,
  { failing, failingSince, runs }: Omit<Backlog, "webhook">
): WebhookDocument => ({
  schema: "baton.webhook/1",
  id: webhook.id,
  scope: webhook.scope,
  run: webhook.run ?? null,
  url: webhook.url,
  events: webhook.events,
  flow: webhook.flow ?? null,
  tags: webhook.tags,
  body: webhook.body,
  signatures: webhook.forms,
  issuer: webhook.issuer ?? null,
  audience: webhook.audience ?? null,
  state: webhook.state,
  reason: webhook.reason ?? null,
  createdAt: timeText(webhook.createdAt),
  createdBy: webhook.createdBy,
  updatedAt: timeText(webhook.updatedAt),
  secrets: secrets.map(({ createdAt, expiresAt, form, id, value }) => {
    const publicKey = form === "ed25519" ? WebhookSignature.publicKeyOf(value) : undefined
    return {
      id,
      form,
      createdAt: timeText(createdAt),
      expiresAt: timeOrNull(expiresAt),
      ...(publicKey === undefined ? {} : { publicKey })
    }
  }),
  backlog: { runs, failing, failingSince: timeOrNull(failingSince) }
})

const deliveryOf = (delivery: Delivery): DeliveryDocument => ({
  schema: "baton.delivery/1",
  id: delivery.id,
  webhook: delivery.webhook,
  run: delivery.run ?? null,
  event: delivery.run === undefined ? delivery.id : `${delivery.run}/${delivery.seq}`,
  type: delivery.type,
  state: delivery.state,
  attempts: delivery.attempts,
  status: delivery.status ?? null,
  code: delivery.code ?? null,
  message: delivery.message ?? null,
  latencyMs: delivery.latencyMs ?? null,
  at: timeText(delivery.at),
  nextAt: timeOrNull(delivery.dueAt)
})

const find = (parts: Parts, id: string): Effect.Effect<Webhook, ClientError> =>
  Effect.flatMap(
    asked(parts.webhooks.store.find(parts.tenant, id)),
    (found) => found === undefined ? Effect.fail(notFound(id)) : Effect.succeed(found)
  )

const requireOwn = Effect.fnUntraced(function*(parts: Parts, id: string) {
  const found = yield* find(parts, id)
  if (found.scope !== "environment") return found
  return yield* Effect.fail(
    new ClientError({
      reason: "conflict",
      code: "WEBHOOK_OF_ENVIRONMENT",
      message: `${id} is set by ${found.createdBy}, and only there`,
      hint: `change ${found.createdBy} and start the server again`
    })
  )
})

const requireUrl = (parts: Parts, url: string): Effect.Effect<void, ClientError> => {
  const problem = parts.webhooks.urlRule(url)
  return problem === undefined ? Effect.void : Effect.fail(problem)
}

const requireEvents = (events: ReadonlyArray<string>) =>
  events.length === 0
    ? invalid("WEBHOOK_EVENTS", "a webhook without events would never be told anything", "leave them out for all")
    : Effect.void

const requireTags = (tags: { readonly [key: string]: string }) =>
  Object.keys(tags).length > tagsMax
    ? invalid("WEBHOOK_TAGS", `a webhook asks for ${tagsMax} tags at most`)
    : Effect.void

/** A given secret that fits its form, or a fresh one. */
const secretFor = Effect.fnUntraced(function*(
  form: SignatureForm,
  given: Redacted.Redacted<string> | undefined,
  now: number
): Effect.fn.Return<WebhookSecret, ClientError> {
  const problem = given === undefined ? undefined : WebhookSignature.secretProblem(form, given)
  if (problem !== undefined) return yield* invalid("WEBHOOK_SECRET", `the secret of ${form} ${problem}`)
  const value = given ?? WebhookSignature.secretOf(form, randomBytes(secretBytes))
  return { id: RunId.make("wks", now), form, value, createdAt: now, expiresAt: undefined }
})

/** What Baton has made itself, but private keys: their public half is in the document. */
const told = (
  secrets: ReadonlyArray<WebhookSecret>,
  given: { readonly [form in SignatureForm]?: Redacted.Redacted<string> | undefined }
) =>
  Object.fromEntries(
    secrets.flatMap(({ form, value }) =>
      form === "ed25519" || given[form] !== undefined ? [] : [[form, Redacted.value(value)]]
    )
  )

const blank = (parts: Parts, url: string, now: number): Webhook => ({
  tenant: parts.tenant,
  id: RunId.make("whk", now),
  scope: "tenant",
  run: undefined,
  url,
  events: ["*"],
  flow: undefined,
  tags: {},
  body: "event",
  forms: [],
  issuer: undefined,
  audience: undefined,
  state: "active",
  reason: undefined,
  createdAt: now,
  createdBy: parts.by,
  updatedAt: now
})

const add = Effect.fnUntraced(function*(parts: Parts, request: AddWebhook) {
  const { audience, events = ["*"], flow, issuer, secrets: given = {}, signatures = ["standard"], tags = {}, url } =
    request
  yield* requireUrl(parts, url)
  yield* requireEvents(events)
  yield* requireTags(tags)
  const stray = Object.keys(given).find((form) => !signatures.some((one) => one === form))
  if (stray !== undefined) {
    return yield* invalid("WEBHOOK_SECRET", `there is a secret for ${stray}, which is not among the signatures`)
  }
  const all = yield* asked(parts.webhooks.store.list(parts.tenant))
  if (all.length >= webhooksMax) {
    return yield* invalid("WEBHOOKS_MAX", `there are ${webhooksMax} webhooks already`, "baton webhooks remove ID")
  }
  const now = parts.clock.currentTimeMillisUnsafe()
  const forms = [...new Set(signatures)]
  const secrets = yield* Effect.forEach(forms, (form) => secretFor(form, given[form], now))
  const webhook = { ...blank(parts, url, now), events, flow, tags, forms, issuer, audience }
  yield* asked(parts.webhooks.store.put(webhook, secrets))
  return { webhook: documentOf(webhook, secrets, noBacklog), secrets: told(secrets, given) }
})

/** The hook of one run, before the run is there; gives back what undoes it. A run that is there already gets none. */
export const addForRun = Effect.fnUntraced(function*(parts: Parts, run: string, hook: RunHook | undefined) {
  if (hook === undefined) return Effect.void
  const { events = ["*"], secret, url } = hook
  yield* requireUrl(parts, url)
  yield* requireEvents(events)
  if ((yield* Effect.mapError(parts.store.find(parts.tenant, run), Answers.fromStore)) !== undefined) return Effect.void
  const now = parts.clock.currentTimeMillisUnsafe()
  const secrets = secret === undefined ? [] : [yield* secretFor("standard", secret, now)]
  const forms = secrets.map(({ form }) => form)
  const webhook: Webhook = { ...blank(parts, url, now), scope: "run", run, events, forms }
  yield* asked(parts.webhooks.store.put(webhook, secrets))
  return Effect.ignore(parts.webhooks.store.remove(parts.tenant, webhook.id))
})

const rotate = Effect.fnUntraced(function*(parts: Parts, id: string, request: RotateSecret) {
  const webhook = yield* requireOwn(parts, id)
  const { form = webhook.forms.length === 1 ? webhook.forms[0] : undefined, overlapSeconds = overlapSecondsDefault } =
    request
  if (form === undefined || !webhook.forms.includes(form)) {
    const known = webhook.forms.length === 0 ? "it is not signed" : `it has ${webhook.forms.join(", ")}`
    return yield* invalid(
      "WEBHOOK_FORM",
      `say which secret of ${id} is to be rotated: ${known}`,
      "baton webhooks show ID"
    )
  }
  const now = parts.clock.currentTimeMillisUnsafe()
  const made = yield* secretFor(form, request.secret, now)
  const expiresAt = now + overlapSeconds * 1000
  // Of more than two at a time no receiver could say which are good: only the newest overlaps.
  const before = (yield* asked(parts.webhooks.store.secrets(parts.tenant, id))).filter((one) => one.form === form).at(
    -1
  )
  const others = (yield* asked(parts.webhooks.store.secrets(parts.tenant, id))).filter((one) => one.form !== form)
  const overlapping = before === undefined || overlapSeconds === 0 ? [] : [{ ...before, expiresAt }]
  const secrets = [...others, ...overlapping, made]
  if (!(yield* asked(parts.webhooks.store.setSecrets(parts.tenant, id, secrets, now)))) {
    return yield* Effect.fail(notFound(id))
  }
  return { webhook: yield* show(parts, id), secrets: told([made], { [form]: request.secret }) }
})

const show = Effect.fnUntraced(function*(parts: Parts, id: string): Effect.fn.Return<WebhookDocument, ClientError> {
  const webhook = yield* find(parts, id)
  const backlog = (yield* asked(parts.webhooks.store.backlog(parts.tenant))).find((one) => one.webhook === id)
  return documentOf(webhook, yield* asked(parts.webhooks.store.secrets(parts.tenant, id)), backlog ?? noBacklog)
})

const list = Effect.fnUntraced(function*(parts: Parts): Effect.fn.Return<ReadonlyArray<WebhookDocument>, ClientError> {
  const backlogs = new Map((yield* asked(parts.webhooks.store.backlog(parts.tenant))).map((one) => [one.webhook, one]))
  return yield* Effect.forEach(yield* asked(parts.webhooks.store.list(parts.tenant)), (webhook) =>
    Effect.map(
      asked(parts.webhooks.store.secrets(parts.tenant, webhook.id)),
      (secrets) => documentOf(webhook, secrets, backlogs.get(webhook.id) ?? noBacklog)
    ))
})

const change = Effect.fnUntraced(function*(
  parts: Parts,
  id: string,
  request: Parameters<WebhooksClient["Service"]["change"]>[1]
) {
  yield* requireOwn(parts, id)
  const { audience, flow, issuer, ...rest } = request
  if (rest.url !== undefined) yield* requireUrl(parts, rest.url)
  if (rest.events !== undefined) yield* requireEvents(rest.events)
  if (rest.tags !== undefined) yield* requireTags(rest.tags)
  const orNothing = (name: string, value: string | null | undefined) =>
    value === undefined ? {} : { [name]: value ?? undefined }
  yield* asked(parts.webhooks.store.change(
    parts.tenant,
    id,
    {
      ...rest,
      ...orNothing("flow", flow),
      ...orNothing("issuer", issuer),
      ...orNothing("audience", audience),
      ...(rest.state === undefined ? {} : { reason: rest.state === "active" ? undefined : `disabled by ${parts.by}` })
    },
    parts.clock.currentTimeMillisUnsafe()
  ))
  return yield* show(parts, id)
})

const remove = Effect.fnUntraced(function*(parts: Parts, id: string) {
  yield* requireOwn(parts, id)
  if (!(yield* asked(parts.webhooks.store.remove(parts.tenant, id)))) return yield* Effect.fail(notFound(id))
})

const deliveryNotFound = (id: string) =>
  new ClientError({
    reason: "not_found",
    code: "DELIVERY_NOT_FOUND",
    message: `there is no delivery ${id}`,
    hint: "baton webhooks deliveries WEBHOOK"
  })

const resend = Effect.fnUntraced(function*(parts: Parts, id: string) {
  const now = parts.clock.currentTimeMillisUnsafe()
  const taken = yield* asked(parts.webhooks.store.resend(parts.tenant, id, now))
  const found = yield* asked(parts.webhooks.store.delivery(parts.tenant, id))
  if (found === undefined) return yield* Effect.fail(deliveryNotFound(id))
  if (taken) return deliveryOf(found)
  return yield* Effect.fail(
    new ClientError({
      reason: "conflict",
      code: "DELIVERY_UNDER_WAY",
      message: found.run === undefined ? `${id} was a test` : `${id} is ${found.state}: it is sent without being asked`,
      hint: found.run === undefined ? `baton webhooks test ${found.webhook}` : "wait for it"
    })
  )
})

/** What the doctor has to say of webhooks; nothing where there are none. */
export const findings = Effect.fnUntraced(
  function*(parts: Parts): Effect.fn.Return<ReadonlyArray<Finding>, ClientError> {
    const all = yield* asked(parts.webhooks.store.list(parts.tenant))
    if (all.length === 0) return []
    const disabled = all.filter(({ state }) => state === "disabled")
    const failing = (yield* asked(parts.webhooks.store.backlog(parts.tenant))).filter((one) => one.failing > 0)
    const [first] = failing
    return [
      disabled.length === 0
        ? { id: "webhooks.active", status: "ok", message: `${all.length} webhooks, all active` }
        : {
          id: "webhooks.active",
          status: "warn",
          message: `${disabled.length} webhooks are disabled, such as ${disabled[0]?.id}: ${disabled[0]?.reason}`,
          fix: `baton webhooks enable ${disabled[0]?.id}`
        },
      first === undefined
        ? { id: "webhooks.backlog", status: "ok", message: "no webhook refuses what it is sent" }
        : {
          id: "webhooks.backlog",
          status: "warn",
          message:
            `${failing.length} webhooks do not take what they are sent, such as ${first.webhook}: ${first.failing} runs${
              first.failingSince === undefined ? "" : ` since ${timeText(first.failingSince)}`
            }`,
          fix: `baton webhooks deliveries ${first.webhook}`
        }
    ]
  }
)

export const make = (parts: Parts): WebhooksClient["Service"] =>
  WebhooksClient.of({
    list: list(parts),
    add: (request) => add(parts, request),
    show: (id) => show(parts, id),
    change: (id, request) => change(parts, id, request),
    remove: (id) => remove(parts, id),
    rotate: (id, request) => rotate(parts, id, request),
    test: (id) =>
      Effect.gen(function*() {
        const webhook = yield* find(parts, id)
        return deliveryOf(yield* asked(Deliveries.test(parts, webhook)))
      }),
    deliveries: (id, query) =>
      Effect.andThen(
        find(parts, id),
        Effect.map(
          asked(parts.webhooks.store.deliveries({ tenant: parts.tenant, webhook: id, ...query })),
          (rows) => rows.map(deliveryOf)
        )
      ),
    resend: (id) => resend(parts, id)
  })
