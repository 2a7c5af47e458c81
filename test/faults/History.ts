/**
 * Runs as they were decided and recorded by some version: each command with the events that it led to. A later version must
 * decide the same and fold them to the same state (SEMANTICS 8.13c).
 */
import type { Command } from "@baton/kernel/Command"
import type { Event } from "@baton/kernel/Event"
import type { Flow } from "@baton/kernel/Flow"
import type { RunState } from "@baton/kernel/RunState"
import * as RunStates from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import { readdirSync, readFileSync } from "node:fs"

export interface Turn {
  readonly command: Command
  readonly events: ReadonlyArray<Event>
}

/** What anybody can see of a run's end. */
export interface Ending {
  readonly status: string
  readonly code: string | null
  readonly output: Json
  readonly steps: { readonly [path: string]: string }
}

export interface History {
  readonly semantics: number
  readonly flow: Flow
  readonly turns: ReadonlyArray<Turn>
  readonly end: Ending
}

export const folder = new URL("../corpora/histories/", import.meta.url)

export const histories = (): ReadonlyArray<readonly [name: string, history: History]> =>
  readdirSync(folder).filter((name) => name.endsWith(".json")).sort().map((name) => [
    name,
    JSON.parse(readFileSync(new URL(name, folder), "utf8")) as History
  ])

export const ending = (state: RunState): Ending => ({
  status: RunStates.status(state),
  code: state.finished?.code ?? null,
  output: (state.finished?.output ?? null) as Json,
  steps: Object.fromEntries(
    state.plan.nodes.map((node) => {
      const { attempt, outcome, output, status } = state.nodes.get(node.index)
      return [node.id, `${status} #${attempt} ${outcome ?? ""} ${JSON.stringify(output ?? null)}`]
    })
  )
})
