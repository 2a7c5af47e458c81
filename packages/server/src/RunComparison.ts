/** Two runs side by side, with all their steps, whichever way runs are read. */
import type { Client, ClientError } from "@baton/contract/Client"
import * as Diff from "@baton/contract/RunDiff"
import type { StepDocument } from "@baton/contract/RunDocument"
import * as Effect from "effect/Effect"

/** Steps asked for in one go. */
const pageSteps = 1_000

const allSteps = Effect.fnUntraced(function*(client: Client["Service"], run: string) {
  const found: Array<StepDocument> = []
  for (;;) {
    const page = yield* client.steps(run, found.length, pageSteps)
    found.push(...page)
    if (page.length < pageSteps) return found
  }
})

export const make = Effect.fnUntraced(
  function*(client: Client["Service"], a: string, b: string): Effect.fn.Return<Diff.RunDiff, ClientError> {
    const [one, other] = [yield* client.resolve(a), yield* client.resolve(b)]
    return Diff.diff(
      yield* client.show(one),
      yield* allSteps(client, one),
      yield* client.show(other),
      yield* allSteps(client, other)
    )
  }
)
