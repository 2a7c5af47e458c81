/** `runs diff`: two runs side by side. */
import { Client } from "@baton/contract/Client"
import * as Diff from "@baton/contract/RunDiff"
import type { StepDocument } from "@baton/contract/RunDocument"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.ts"
import { exitCodes } from "../ExitCode.ts"
import type { RunsDiff } from "../OperatorRequests.ts"
import { Printer } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"

/** Steps asked for in one go. */
const pageSteps = 1000

const allSteps = Effect.fnUntraced(function*(run: string) {
  const client = yield* Client
  const found: Array<StepDocument> = []
  for (;;) {
    const page = yield* client.steps(run, found.length, pageSteps)
    found.push(...page)
    if (page.length < pageSteps) return found
  }
})

const words: { readonly [change in Diff.StepDiff["change"]]: string } = {
  same: "same",
  output: "output differs",
  status: "end differs",
  a: "only in a",
  b: "only in b"
}

const took = (side: Diff.Side | null): string =>
  side === null
    ? ""
    : side.status + (side.tookMs === null ? "" : ` ${TerminalText.duration(side.tookMs)}`) +
      (side.costUsd === null || side.costUsd === 0 ? "" : ` ${TerminalText.money(side.costUsd)}`)

export const runsDiff = Effect.fnUntraced(function*(request: RunsDiff) {
  const printer = yield* Printer
  const found = yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const client = yield* Client
      const a = yield* client.resolve(request.a)
      const b = yield* client.resolve(request.b)
      return Diff.diff(yield* client.show(a), yield* allSteps(a), yield* client.show(b), yield* allSteps(b))
    })
  )
  const { steps, ...rest } = found
  yield* printer.listing({
    document: { schema: "baton.diff/1", ...rest, steps: steps as unknown as ReadonlyArray<Json> } as Json,
    items: steps as unknown as ReadonlyArray<Json>,
    empty: "neither run has a step",
    table: {
      header: ["step", "a", "b", "change"],
      rows: steps.map((step) => [step.path, took(step.a), took(step.b), words[step.change]])
    }
  })
  const { counts, sameInput, sameOutput } = found
  yield* printer.note(
    `same=${counts.same} output=${counts.output} status=${counts.status} a-only=${counts.a} b-only=${counts.b}` +
      ` input=${sameInput ? "same" : "differs"} result=${sameOutput ? "same" : "differs"}`
  )
  return exitCodes.done
})
