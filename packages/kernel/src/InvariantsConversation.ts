/** What holds of conversations between two records: only open steps have one, and what is open is counted. */
import { locate } from "./EvolveStep.ts"
import type { RunState } from "./RunState.ts"
import { isSettled } from "./RunState.ts"

export const conversations = (state: RunState, say: (promise: string, message: string) => void): void => {
  for (const path of state.conversations?.paths() ?? []) {
    const talk = state.conversations?.get(path)
    const address = locate(state, path)
    if (talk === undefined || address === undefined) {
      say("K3", `a conversation of ${path}, which is no step`)
      continue
    }
    const { index, node } = address
    const status = index === undefined ? state.nodes.get(node.index).status : state.maps.get(node.index)?.status(index)
    if (index === undefined ? isSettled(state.nodes.get(node.index).status) : status === "succeeded") {
      say("K3", `${path} has ended and still has a conversation`)
    }
    const open = [...talk.calls.values()].filter((call) => call.result === undefined).length
    if (open !== talk.open) say("K3", `${path} has ${open} open calls, the counter says ${talk.open}`)
    const numbers = talk.turns.map(({ turn }) => turn)
    if (numbers.some((turn, at) => turn > talk.last || turn <= (numbers[at - 1] ?? 0))) {
      say("K3", `the turns of ${path} are ${numbers.join(", ")} of ${talk.last}`)
    }
    // An open call stands still: it runs, or it waits for a person.
    if (open > 0 && status !== "queued" && status !== "waiting") say("K2", `${path} has an open call and is ${status}`)
  }
}
