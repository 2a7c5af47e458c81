/** Webhooks for people: who is told what, with which secrets, and what has become of it. */
import { ClientError } from "@baton/contract/Client"
import type {
  AddWebhook,
  DeliveriesQuery,
  DeliveryDocument,
  RotateSecret,
  RunHook,
  WebhookDocument
} from "@baton/contract/WebhooksClient"
import { WebhooksClient } from "@baton/contract/WebhooksClient"
import * as WebhookSignature from "@baton/contract/WebhookSignature"
import { timeText } from "@baton/contract/Wire"
import type { Backlog, Delivery, Webhook, WebhookSecret } from "@baton/engine/WebhookStore"
import { webhooksMax } from "@baton/engine/WebhookStore"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Semaphore from "effect/Semaphore"
import * as LocalNote from "./access/LocalNote.ts"
import * as Answers from "./Answers.ts"
import * as Queries from "./http/Queries.ts"
import type { Parts } from "./Parts.ts"
import * as RunId from "./RunId.ts"
import * as Deliveries from "./webhooks/Deliveries.ts"
import * as WebhookRules from "./webhooks/WebhookRules.ts"
import * as WebhookSecrets from "./webhooks/WebhookSecrets.ts"

const { asked } = WebhookSecrets
const { invalid } = WebhookRules

const note = (parts: Parts, action: string, id: string) => LocalNote.note(parts, parts.tenant, `webhooks ${action}`, id)

/** How long the secret before stays good when nothing else is said, in seconds. */
const overlapSecondsDefault = 24 * 3600
const conflict = (code: string, message: string, hint: string) =>
  Effect.fail(new ClientError({ reason: "conflict", code, message, hint }))

const notFound = (id: string) =>
  new ClientError({
    reason: "not_found",
    code: "WEBHOOK_NOT_FOUND",
    message: `there is no webhook ${id}`,
    hint: "baton webhooks list"
  })

const timeOrNull = (at: number | undefined) => at === undefined ? null : timeText(at)

const noBacklog: Omit<Backlog, "webhook"> = { runs: 0, failing: 0, failingSince: undefined }

const unreadable = "its secrets were sealed with another key: start with that key, or rotate them"

const documentOf = (
  webhook: Webhook,
  secrets: ReadonlyArray<WebhookSecret> | undefined,
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
  reason: webhook.reason ?? (secrets === undefined ? unreadable : null),
  createdAt: timeText(webhook.createdAt),
  createdBy: webhook.createdBy,
  updatedAt: timeText(webhook.updatedAt),
  secrets: (secrets ?? []).map(({ createdAt, expiresAt, form, id, value }) => {
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
  yield* WebhookRules.check(parts, request)
  const stray = Object.keys(given).find((form) => !signatures.some((one) => one === form))
  if (stray !== undefined) {
    return yield* invalid("WEBHOOK_SECRET", `there is a secret for ${stray}, which is not among the signatures`)
  }
  const now = parts.clock.currentTimeMillisUnsafe()
  const forms = [...new Set(signatures)]
  const secrets = yield* Effect.forEach(forms, (form) => WebhookSecrets.secretFor(form, given[form], now))
  const told = WebhookRules.eventsOf(events)
  const webhook = { ...blank(parts, url, now), events: told, flow, tags, forms, issuer, audience }
  if (!(yield* asked(parts.webhooks.store.put(webhook, secrets)))) {
    return yield* conflict("WEBHOOKS_MAX", `there are ${webhooksMax} webhooks already`, "baton webhooks remove ID")
  }
  yield* note(parts, "add", webhook.id)
  return { webhook: documentOf(webhook, secrets, noBacklog), secrets: WebhookSecrets.told(secrets, given) }
})

/** The hook of one run, before the run is there; gives back what undoes it. A run that is there already gets none. */
export const addForRun = Effect.fnUntraced(function*(parts: Parts, run: string, hook: RunHook | undefined) {
  if (hook === undefined) return Effect.void
  const { events = ["*"], secret, url } = hook
  yield* WebhookRules.check(parts, { url, events })
  if ((yield* Effect.mapError(parts.store.find(parts.tenant, run), Answers.fromStore)) !== undefined) return Effect.void
  const now = parts.clock.currentTimeMillisUnsafe()
  const secrets = secret === undefined ? [] : [yield* WebhookSecrets.secretFor("standard", secret, now)]
  const forms = secrets.map(({ form }) => form)
  const webhook: Webhook = {
    ...blank(parts, url, now),
    scope: "run",
    run,
    events: WebhookRules.eventsOf(events),
    forms
  }
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
  const made = yield* WebhookSecrets.secretFor(form, request.secret, now)
  const known = yield* WebhookSecrets.read(parts, webhook)
  // What was sealed with another key is lost: every form gets a new secret, else it would be sent without.
  const others = known?.filter((one) => one.form !== form) ??
    (yield* Effect.forEach(
      webhook.forms.filter((one) => one !== form),
      (one) => WebhookSecrets.secretFor(one, undefined, now)
    ))
  // Of more than two at a time no receiver could say which are good: only the newest overlaps.
  const before = known?.findLast((one) => one.form === form)
  const expiresAt = now + overlapSeconds * 1000
  const overlapping = before === undefined || overlapSeconds === 0 ? [] : [{ ...before, expiresAt }]
  const secrets = [...others, ...overlapping, made]
  if (!(yield* asked(parts.webhooks.store.setSecrets(parts.tenant, id, secrets, now)))) {
    return yield* Effect.fail(notFound(id))
  }
  yield* note(parts, "rotate", id)
  const fresh = known === undefined ? secrets : [made]
  return { webhook: yield* show(parts, id), secrets: WebhookSecrets.told(fresh, { [form]: request.secret }) }
})

const show = Effect.fnUntraced(function*(parts: Parts, id: string): Effect.fn.Return<WebhookDocument, ClientError> {
  const webhook = yield* find(parts, id)
  const backlog = (yield* asked(parts.webhooks.store.backlog(parts.tenant))).find((one) => one.webhook === id)
  return documentOf(webhook, yield* WebhookSecrets.read(parts, webhook), backlog ?? noBacklog)
})

const list = Effect.fnUntraced(function*(parts: Parts): Effect.fn.Return<ReadonlyArray<WebhookDocument>, ClientError> {
  const backlogs = new Map((yield* asked(parts.webhooks.store.backlog(parts.tenant))).map((one) => [one.webhook, one]))
  return yield* Effect.forEach(yield* asked(parts.webhooks.store.list(parts.tenant)), (webhook) =>
    Effect.map(
      WebhookSecrets.read(parts, webhook),
      (secrets) => documentOf(webhook, secrets, backlogs.get(webhook.id) ?? noBacklog)
    ))
})

const change = Effect.fnUntraced(function*(
  parts: Parts,
  id: string,
  request: Parameters<WebhooksClient["Service"]["change"]>[1]
) {
  const before = yield* requireOwn(parts, id)
  const { audience, flow, issuer, ...rest } = request
  yield* WebhookRules.check(parts, request)
  if (rest.url !== undefined) yield* WebhookRules.requireSameHost(before, rest.url)
  const orNothing = (name: string, value: string | null | undefined) =>
    value === undefined ? {} : { [name]: value ?? undefined }
  yield* asked(parts.webhooks.store.change(
    parts.tenant,
    id,
    {
      ...rest,
      ...(rest.events === undefined ? {} : { events: WebhookRules.eventsOf(rest.events) }),
      ...orNothing("flow", flow),
      ...orNothing("issuer", issuer),
      ...orNothing("audience", audience),
      ...(rest.state === undefined ? {} : { reason: rest.state === "active" ? undefined : `disabled by ${parts.by}` })
    },
    parts.clock.currentTimeMillisUnsafe()
  ))
  yield* note(parts, "change", id)
  return yield* show(parts, id)
})

const remove = Effect.fnUntraced(function*(parts: Parts, id: string) {
  yield* requireOwn(parts, id)
  if (!(yield* asked(parts.webhooks.store.remove(parts.tenant, id)))) return yield* Effect.fail(notFound(id))
  yield* note(parts, "remove", id)
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
  if (taken) {
    yield* note(parts, "resend", id)
    return deliveryOf(found)
  }
  const { run, state, webhook } = found
  if (run === undefined) {
    return yield* conflict("DELIVERY_UNDER_WAY", `${id} was a test`, `baton webhooks test ${webhook}`)
  }
  return yield* state === "pending" || state === "queued"
    ? conflict("DELIVERY_UNDER_WAY", `${id} is ${state}: it is sent without being asked`, "wait for it")
    : conflict("WEBHOOK_DISABLED", `${webhook} is disabled: it is told nothing`, `baton webhooks enable ${webhook}`)
})

const test = Effect.fnUntraced(function*(parts: Parts, id: string) {
  const webhook = yield* find(parts, id)
  const { limits: { testsMax }, tests } = parts.webhooks
  const line = yield* Semaphore.withPermitsIfAvailable(tests, 1)(asked(Deliveries.test(parts, webhook)))
  if (Option.isSome(line)) return deliveryOf(line.value)
  const message = `${testsMax} webhooks are being tested`
  return yield* Effect.fail(
    new ClientError({ reason: "unavailable", code: "WEBHOOK_TESTS_MAX", message, hint: "ask again in a few seconds" })
  )
})

const deliveries = Effect.fnUntraced(function*(parts: Parts, webhook: string, query: DeliveriesQuery) {
  const { after } = query
  yield* find(parts, webhook)
  const last = after === undefined ? undefined : yield* asked(parts.webhooks.store.delivery(parts.tenant, after))
  if (after !== undefined && last?.webhook !== webhook) return yield* Queries.cursorUnknown(after)
  const rows = yield* asked(parts.webhooks.store.deliveries({ tenant: parts.tenant, webhook, ...query }))
  return rows.map(deliveryOf)
})

const inTurn = <A>(parts: Parts, change: Effect.Effect<A, ClientError>) =>
  Semaphore.withPermits(parts.webhooks.changing, 1)(change)

export const make = (parts: Parts): WebhooksClient["Service"] =>
  WebhooksClient.of({
    list: list(parts),
    add: (request) => add(parts, request),
    show: (id) => show(parts, id),
    change: (id, request) => inTurn(parts, change(parts, id, request)),
    remove: (id) => remove(parts, id),
    rotate: (id, request) => inTurn(parts, rotate(parts, id, request)),
    test: (id) => test(parts, id),
    deliveries: (id, query) => deliveries(parts, id, query),
    resend: (id) => resend(parts, id)
  })
