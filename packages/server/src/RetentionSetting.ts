/** How long finished runs are kept. */
import { ClientError } from "@baton/contract/Client"
import * as Retention from "@baton/engine/Retention"
import * as DurationText from "@baton/kernel/DurationText"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** Finished runs older than this are removed by `serve` and `dev`: a duration such as `30d`; `0` or `off`: never. */
const setting = Config.String("BATON_RETENTION").pipe(
  Config.withDefault(DurationText.format(Duration.toMillis(Retention.keepDefault)))
)

/** Absent: for ever. */
export const load: Effect.Effect<Duration.Duration | undefined, ClientError> = Effect.gen(function*() {
  const text = yield* Effect.orDie(setting)
  if (text === "0" || text === "off") return undefined
  const ms = DurationText.parse(text)
  if (ms !== undefined && ms > 0) return Duration.millis(ms)
  return yield* Effect.fail(
    new ClientError({
      reason: "invalid",
      code: "CONFIG_INVALID",
      message: `BATON_RETENTION: ${JSON.stringify(text)} is no duration such as 30d`,
      hint: "give it a duration, or off to keep finished runs for ever"
    })
  )
})
