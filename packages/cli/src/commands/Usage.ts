/** `baton usage`: what runs have used and cost. */
import { UsageClient, type UsageDocument } from "@baton/contract/UsageClient"
import type { Json } from "@baton/kernel/Value"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import type { Usage } from "../Invocation.ts"
import { Printer } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"

const linesMax = 1_000

type Group = UsageDocument["total"]

const cost = ({ costUsd, estimated, knownCostUsd }: Group): string => {
  const about = estimated ? "~" : ""
  if (costUsd !== null) return `${about}${TerminalText.money(costUsd)}`
  return knownCostUsd > 0 ? `unknown, at least ${TerminalText.money(knownCostUsd)}` : "unknown"
}

const row = (name: string, group: Group): ReadonlyArray<string> => [
  name,
  String(group.runs),
  String(group.calls),
  TerminalText.count(group.tokens),
  cost(group)
]

export const usage = Effect.fnUntraced(function*(request: Usage) {
  const printer = yield* Printer
  if (request.limit < 1 || request.limit > linesMax) {
    return yield* Failure.usage("INVALID_VALUE", `--limit ${request.limit}: expected 1 to ${linesMax}`)
  }
  const now = yield* Clock.currentTimeMillis
  const { by, limit, since } = request
  const document = yield* Backend.withPorts(
    {},
    Effect.flatMap(
      UsageClient,
      (client) => client.summary({ by, limit, ...(since === undefined ? {} : { since: now - since }) })
    )
  )
  const { groups, total } = document
  yield* printer.listing({
    document: document as unknown as Json,
    items: groups as ReadonlyArray<Json>,
    empty: "nothing has been used",
    table: {
      header: [by, "runs", "calls", "tokens", "cost"],
      rows: [
        ...groups.map((group) => row(group.key === "" ? "(not told)" : group.key, group)),
        ...(groups.length === 0 ? [] : [row("total", total)])
      ]
    }
  })
  return exitCodes.done
})
