/** Where a run stands that waits for a place among the runs of its concurrency key. */
import type { ClientError } from "@baton/contract/Client"
import type { Facts } from "@baton/kernel/Explain"
import { isQueued } from "@baton/kernel/Place"
import type { RunState } from "@baton/kernel/RunState"
import * as Effect from "effect/Effect"
import * as Answers from "./Answers.ts"
import type { Parts } from "./Parts.ts"

const pageMax = 1_000
/** Positions told exactly; one behind that is told as the next. */
const positionMax = 10_000

/** Costs nothing for a run that does not wait for one. */
export const find = Effect.fnUntraced(
  function*(parts: Parts, state: RunState): Effect.fn.Return<Pick<Facts, "place">, ClientError> {
    if (state.place === undefined || !isQueued(state)) return {}
    const query = { tenant: parts.tenant, flow: state.plan.name, key: state.place.key, limit: pageMax }
    let after: string | undefined
    for (let before = 0;; before += pageMax) {
      const found = yield* Effect.mapError(
        parts.store.places({ ...query, ...(after === undefined ? {} : { after }) }),
        Answers.fromStore
      )
      const index = found.waiting.findIndex(({ run }) => run === state.run)
      const { held, holders, max, waiting } = found
      if (index >= 0) return { place: { position: before + index + 1, held, holders, max } }
      if (waiting.length < pageMax) return {}
      if (before + pageMax >= positionMax) return { place: { position: positionMax + 1, held, holders, max } }
      after = waiting.at(-1)?.run
    }
  }
)
