/** `flows publish|list|diff`: flows that are kept by name and version. */
import { FlowsClient } from "@baton/contract/FlowsClient"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.ts"
import * as Documents from "../Documents.ts"
import { exitCodes } from "../ExitCode.ts"
import * as FlowDifference from "../FlowDifference.ts"
import type { FlowsDiff, FlowsList, FlowsPublish } from "../Invocation.ts"
import { Printer, unfit } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"
import { canonicalOf } from "./Flows.ts"

export const flowsPublish = Effect.fnUntraced(function*(request: FlowsPublish) {
  const printer = yield* Printer
  const { file, text } = yield* Documents.readFlow(request.file)
  const published = yield* Backend.withPorts({}, Effect.flatMap(FlowsClient, (flows) => flows.publish(text, file)))
  const { hash, isNew, name, version } = published
  yield* printer.isJson
    ? printer.document({ schema: "baton.published/1", ...published })
    : printer.answer(TerminalText.line(`${name}@${version} ${isNew ? "published" : "unchanged"} ${hash}`))
  return exitCodes.done
})

export const flowsList = Effect.fnUntraced(function*(request: FlowsList) {
  const printer = yield* Printer
  const items = yield* Backend.withPorts({}, Effect.flatMap(FlowsClient, (flows) => flows.list(request.name)))
  yield* printer.listing({
    document: { schema: "baton.flows/1", flows: items as ReadonlyArray<Json> },
    items: items as ReadonlyArray<Json>,
    empty: request.name === undefined ? "no flows" : `no flow ${request.name} is published`,
    table: {
      header: ["flow", "version", "published", "hash", "description"],
      rows: items.map((item) => [
        item.name,
        item.version,
        item.publishedAt ?? "with Baton",
        item.hash.slice(0, 19),
        item.description ?? ""
      ])
    }
  })
  return exitCodes.done
})

export const flowsDiff = Effect.fnUntraced(function*(request: FlowsDiff) {
  const printer = yield* Printer
  const { format } = printer.globals
  if (format !== "json" && format !== "table") return yield* unfit(format)
  const difference = FlowDifference.between(yield* canonicalOf(request.before), yield* canonicalOf(request.after))
  if (printer.isJson) {
    yield* printer.document({
      schema: "baton.flowDiff/1",
      before: request.before,
      after: request.after,
      ...difference
    } as unknown as Json)
  } else {
    yield* printer.answer(
      difference.isSame ? `${request.before} and ${request.after} are the same flow` : FlowDifference.text(difference)
    )
  }
  return exitCodes.done
})
