/** The commands below `baton webhooks`. */
import { DeliveryState, SignatureForm } from "@baton/kernel/Webhook"
import * as Argument from "effect/cli/Argument"
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Option from "effect/Option"
import { leaf } from "./CommandLeaf.ts"
import * as GlobalFlags from "./GlobalFlags.ts"

const { duration, text, texts, toggle } = GlobalFlags
const orUndefined = Option.getOrUndefined

const target = { id: Argument.String("webhook").pipe(Argument.withDescription("A webhook's id, as list shows it")) }
const ownSecret = toggle("own-secret", "Take the secret from stdin or a hidden prompt instead of making one")

const list = leaf("list", "List webhooks, with what is still to be sent", {}, [
  ["baton webhooks list", "never a secret"]
], () => ({ _tag: "WebhooksList" }))

const add = leaf(
  "add",
  "Tell a URL what happens; the secret that Baton makes is shown this once",
  {
    url: Argument.String("url").pipe(Argument.withDescription("Where deliveries are posted")),
    event: texts("event", "TYPE", "Only this type, such as orchestration.run.failed (default all)"),
    flow: text("flow", "NAME", "Only runs of this flow"),
    tag: texts("tag", "KEY=VALUE", "Only runs that carry this tag"),
    sign: Flag.Literals("sign", SignatureForm.literals).pipe(
      Flag.withDescription("How deliveries are signed (default standard); may be repeated"),
      Flag.atLeast(0),
      Flag.withDefault<ReadonlyArray<SignatureForm>>([])
    ),
    issuer: text("issuer", "TEXT", "`iss` of the JWT form"),
    audience: text("audience", "TEXT", "`aud` of the JWT form"),
    ownSecret
  },
  [
    ["baton webhooks add https://example.com/hook", "every event of every run"],
    ["baton webhooks add https://example.com/hook --event orchestration.run.failed --flow report", "some of them"],
    ["baton webhooks add https://example.com/hook --sign jwt --audience example", "a JWT with the body's hash"]
  ],
  (input) => ({
    _tag: "WebhooksAdd",
    ...input,
    flow: orUndefined(input.flow),
    issuer: orUndefined(input.issuer),
    audience: orUndefined(input.audience)
  })
)

const show = leaf("show", "Show a webhook: what it hears, its secrets' ids, its backlog", target, [
  ["baton webhooks show whk_01K8 --json", "as one document"]
], (input) => ({ _tag: "WebhooksShow", ...input }))

const test = leaf("test", "Send one delivery that no run has made, now (exit 3 when it is not taken)", target, [
  ["baton webhooks test whk_01K8", "status and latency"]
], (input) => ({ _tag: "WebhooksTest", ...input }))

const enable = leaf("enable", "Go on sending, from what is committed from now on", target, [
  ["baton webhooks enable whk_01K8", "after the receiver answered 410"]
], (input) => ({ _tag: "WebhooksState", ...input, state: "active" }))

const disable = leaf("disable", "Stop sending; what was still to be sent is dropped", target, [
  ["baton webhooks disable whk_01K8", "its configuration stays"]
], (input) => ({ _tag: "WebhooksState", ...input, state: "disabled" }))

const rotate = leaf(
  "rotate",
  "Make a new secret; the one before stays good for a while",
  {
    ...target,
    form: Flag.Literals("form", SignatureForm.literals).pipe(
      Flag.withDescription("Which signature's secret; needed when there are several"),
      Flag.optional
    ),
    overlap: duration("overlap", "How long the one before stays good (default 24h)").pipe(Flag.optional),
    ownSecret
  },
  [
    ["baton webhooks rotate whk_01K8", "both secrets sign for a day"],
    ["baton webhooks rotate whk_01K8 --overlap 1h", "for an hour"]
  ],
  (input) => ({
    _tag: "WebhooksRotate",
    ...input,
    form: orUndefined(input.form),
    overlap: orUndefined(input.overlap)
  })
)

const remove = leaf("remove", "Forget a webhook with its log", target, [
  ["baton webhooks remove whk_01K8", "asks first"]
], (input) => ({ _tag: "WebhooksRemove", ...input }))

const deliveries = leaf(
  "deliveries",
  "The log of a webhook, newest first",
  {
    ...target,
    state: Flag.Literals("state", DeliveryState.literals).pipe(
      Flag.withDescription("Only those"),
      Flag.optional
    ),
    run: text("run", "RUN", "Only those of this run"),
    after: text("after", "ID", "The page after this one"),
    limit: Flag.Int("limit").pipe(Flag.withDescription("Per page, 1 to 500"), Flag.withDefault(50))
  },
  [
    ["baton webhooks deliveries whk_01K8", "what was sent, and how it was taken"],
    ["baton webhooks deliveries whk_01K8 --state given_up --json | jq -r '.deliveries[].id'", "ids for resend"]
  ],
  (input) => ({
    _tag: "WebhooksDeliveries",
    ...input,
    state: orUndefined(input.state),
    run: orUndefined(input.run),
    after: orUndefined(input.after)
  })
)

const resend = leaf(
  "resend",
  "Send a delivery once more: the same webhook-id, signed anew",
  { delivery: Argument.String("delivery").pipe(Argument.withDescription("A delivery's id, as deliveries shows it")) },
  [["baton webhooks resend dlv_01K8", "by the process that sends"]],
  (input) => ({ _tag: "WebhooksResend", ...input })
)

export const webhooks = Command.make("webhooks").pipe(
  Command.withDescription("Tell other programs what happens to runs: signed, in order, until they take it"),
  Command.withSubcommands([list, add, show, test, enable, disable, rotate, remove, deliveries, resend])
)
