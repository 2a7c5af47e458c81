/** Bounds of what is sent to webhooks, and when it is sent again. */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { duration, positive } from "../gate/ServerLimits.ts"

export interface Limits {
  /** From the start of a delivery to the last byte of its answer. */
  readonly timeout: Duration.Duration
  /** Bytes of an answer that are read; a receiver has nothing to say but its status. */
  readonly answerBytesMax: number
  /** Bytes of a body; of a larger event only the type and the time are sent. */
  readonly bodyBytesMax: number
  /** Lanes (runs of a webhook) that are sent at once, in all. */
  readonly lanesMax: number
  /** Lanes of one webhook that are sent at once; one, until it takes something, and again when it fails. */
  readonly lanesOfOneMax: number
  /** Tests that are sent at once: each holds the request that has asked for it. */
  readonly testsMax: number
  /** Events that one lane sends before others have their turn. */
  readonly burstMax: number
  /** Records of the journal that one lane reads in one go. */
  readonly readMax: number
  /** Records of the journal that are noted in one transaction. */
  readonly relayMax: number
  /** How often the journal is looked at, while there are webhooks. */
  readonly lookEvery: Duration.Duration
  /** How often it is asked whether there are any, or whether the one that sends has died. */
  readonly idleEvery: Duration.Duration
  /** The n-th try waits a random part of `retryFirst` · 2ⁿ⁻¹, and of `retryMax` at most. */
  readonly retryFirst: Duration.Duration
  readonly retryMax: Duration.Duration
  /** An event that was refused for so long is given up, and the next one has its turn. */
  readonly giveUpAfter: Duration.Duration
  /** How long an orderly stop goes on sending what is due. */
  readonly stopGrace: Duration.Duration
}

export const defaults: Limits = {
  timeout: Duration.seconds(15),
  answerBytesMax: 64 * 1024,
  bodyBytesMax: 256 * 1024,
  lanesMax: 64,
  lanesOfOneMax: 8,
  testsMax: 16,
  burstMax: 100,
  readMax: 16,
  relayMax: 1000,
  lookEvery: Duration.millis(50),
  idleEvery: Duration.millis(500),
  retryFirst: Duration.seconds(1),
  retryMax: Duration.hours(1),
  giveUpAfter: Duration.days(3),
  stopGrace: Duration.seconds(5)
}

export class WebhookLimits extends Context.Reference<Limits>("baton/server/WebhookLimits", {
  defaultValue: () => defaults
}) {}

/** As the configuration says, else as they are given. */
export const load: Effect.Effect<Limits, Config.ConfigError> = Effect.gen(function*() {
  const given = yield* WebhookLimits
  const set = yield* Config.all({
    timeout: duration("BATON_WEBHOOK_TIMEOUT", given.timeout),
    bodyBytesMax: positive("BATON_WEBHOOK_BODY_BYTES", given.bodyBytesMax),
    lanesMax: positive("BATON_WEBHOOK_CONCURRENCY", given.lanesMax),
    lanesOfOneMax: positive("BATON_WEBHOOK_CONCURRENCY_EACH", given.lanesOfOneMax),
    retryFirst: duration("BATON_WEBHOOK_RETRY_FIRST", given.retryFirst),
    retryMax: duration("BATON_WEBHOOK_RETRY_MAX", given.retryMax),
    giveUpAfter: duration("BATON_WEBHOOK_GIVE_UP_AFTER", given.giveUpAfter)
  })
  return { ...given, ...set }
})

/** Lanes of all webhooks of one tenant that are sent at once: half of them, so that others always have the rest. */
export const lanesOfTenantMax = ({ lanesMax }: Limits): number => Math.ceil(lanesMax / 2)

/** Milliseconds before the next try, after `attempts` failed ones: exponential with full jitter (`chance` in [0, 1)). */
export const retryDelay = (limits: Limits, attempts: number, chance: number, asked: number | undefined): number => {
  const most = Math.min(
    Duration.toMillis(limits.retryMax),
    Duration.toMillis(limits.retryFirst) * 2 ** Math.min(attempts - 1, 40)
  )
  return Math.max(Math.ceil(most * chance), asked ?? 0)
}
