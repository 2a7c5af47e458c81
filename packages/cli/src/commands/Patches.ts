/** `patches list|show|diff|approve|reject|revert`, `runs patch` and `runs graph`. */
import { Client } from "@baton/contract/Client"
import type { PatchDocument, PatchView, ProposedPatch } from "@baton/contract/PatchesClient"
import { PatchesClient } from "@baton/contract/PatchesClient"
import { Flow } from "@baton/kernel/Flow"
import * as FlowText from "@baton/kernel/FlowText"
import { Growth } from "@baton/kernel/PatchGrowth"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Backend from "../Backend.ts"
import * as Documents from "../Documents.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import * as FlowPicture from "../FlowPicture.ts"
import * as PatchPicture from "../PatchPicture.ts"
import type * as Requests from "../PatchRequests.ts"
import { Printer, unfit } from "../Printer.ts"
import * as TerminalText from "../TerminalText.ts"

const decodeFlow = (canonical: Json) => Effect.orDie(Schema.decodeUnknownEffect(Flow)(canonical))
const decodeGrowth = (growth: Json) => Effect.orDie(Schema.decodeUnknownEffect(Growth)(growth))

const Envelope = Schema.Struct({
  operations: Schema.Json,
  base: Schema.optionalKey(Schema.Int),
  reason: Schema.optionalKey(Schema.String)
})
const decodeEnvelope = Schema.decodeUnknownOption(Envelope)

/** A list of operations, or an object that holds them. Anything else goes on as it is: the kernel says what is wrong. */
const readPatch = Effect.fnUntraced(function*(request: Requests.RunsPatch) {
  const text = yield* Documents.read(request.file)
  const { data, problems } = FlowText.parse(text, request.file === "-" ? "" : request.file)
  const faults = problems.filter(({ severity }) => severity === "error")
  if (faults.length > 0) {
    return yield* new Failure.Failure({
      exit: exitCodes.usage,
      code: "PATCH_MALFORMED",
      what: `${request.file} cannot be read`,
      problems: faults as ReadonlyArray<Json>
    })
  }
  const envelope = decodeEnvelope(data)
  const { base, operations, reason }: ProposedPatch = envelope._tag === "Some" ? envelope.value : { operations: data }
  const patch: ProposedPatch = {
    operations,
    ...(request.base ?? base) === undefined ? {} : { base: request.base ?? base },
    ...(request.reason ?? reason) === undefined ? {} : { reason: request.reason ?? reason }
  } as ProposedPatch
  return patch
})

const lineOf = (patch: PatchDocument): string =>
  `${patch.id} ${patch.status} run=${patch.run} n=${patch.n}` +
  (patch.revision === null ? "" : ` revision=${patch.revision}`)

/** What people see of a patch. */
const card = Effect.fnUntraced(function*({ after, before, patch }: PatchView) {
  const [old, fresh] = yield* Effect.all([decodeFlow(before), decodeFlow(after)])
  const growth = yield* decodeGrowth(patch.growth)
  const who = patch.step === null ? patch.by ?? "somebody" : `the agent of ${patch.step}`
  const due = patch.dueAt === null ? "" : `, until ${patch.dueAt}`
  const outcome = patch.decidedBy === null ? "" : `, ${patch.status} by ${patch.decidedBy}`
  return [
    `patch ${patch.n} of ${patch.run}: ${patch.status}${patch.status === "review" ? due : outcome}`,
    `  by ${who}${patch.reason === null ? "" : `: ${patch.reason}`}`,
    ...(patch.comment === null ? [] : [`  comment: ${patch.comment}`]),
    `  ${PatchPicture.words(patch)}`,
    ...PatchPicture.powers(growth).map((line) => `  ${line}`),
    "",
    `revision ${patch.base} → ${patch.revision ?? patch.base + 1}`,
    PatchPicture.overlay(old, fresh, patch)
  ].map(TerminalText.block).join("\n")
})

const viewDocument = ({ after, before, patch }: PatchView): Json => ({ ...patch, before, after }) as unknown as Json

const print = Effect.fnUntraced(function*(view: PatchView, line?: string) {
  const printer = yield* Printer
  const { format } = printer.globals
  if (format === "mermaid") {
    yield* printer.answer(PatchPicture.mermaid(yield* decodeFlow(view.after), view.patch))
  } else if (format === "table" || format === "text") {
    yield* printer.answer(line === undefined ? yield* card(view) : TerminalText.line(line))
  } else if (format === "json" || format === "jsonl") yield* printer.document(viewDocument(view))
  else return yield* unfit(format)
})

export const runsPatch = Effect.fnUntraced(function*(request: Requests.RunsPatch) {
  const patch = yield* readPatch(request)
  return yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const patches = yield* PatchesClient
      const run = yield* Effect.flatMap(Client, (client) => client.resolve(request.run))
      const view = yield* (request.dryRun ? patches.rehearse(run, patch) : patches.propose(run, patch))
      if (request.dryRun) yield* Effect.flatMap(Printer, (printer) => printer.note("dry run: nothing has changed"))
      yield* print(view, request.dryRun ? undefined : lineOf(view.patch))
      return exitCodes.done
    })
  )
})

export const runsGraph = Effect.fnUntraced(function*(request: Requests.RunsGraph) {
  const printer = yield* Printer
  const { format } = printer.globals
  if (format === "jsonl" || format === "tsv") return yield* unfit(format)
  const plan = yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const run = yield* Effect.flatMap(Client, (client) => client.resolve(request.run))
      return yield* Effect.flatMap(PatchesClient, (patches) => patches.plan(run))
    })
  )
  const flow = yield* decodeFlow(plan.flow)
  if (format === "json") {
    yield* printer.document({
      schema: "baton.graph/1",
      run: plan.run,
      revision: plan.revision,
      hash: plan.hash,
      nodes: flow.nodes.map(({ id, type }) => ({ id, type, status: plan.nodes[id] ?? "pending" })),
      edges: flow.edges
    })
  } else yield* printer.answer(format === "mermaid" ? FlowPicture.mermaid(flow) : FlowPicture.text(flow))
  return exitCodes.done
})

export const patchesList = Effect.fnUntraced(function*(request: Requests.PatchesList) {
  const printer = yield* Printer
  const list = yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const patches = yield* PatchesClient
      const run = request.run === undefined
        ? undefined
        : yield* Effect.flatMap(Client, (client) => client.resolve(request.run ?? ""))
      return yield* patches.list(run)
    })
  )
  yield* printer.listing({
    document: { schema: "baton.patches/1", patches: list as unknown as Json },
    items: list as unknown as ReadonlyArray<Json>,
    empty: request.run === undefined ? "no patch waits for a review" : "no patches",
    table: {
      header: ["patch", "n", "status", "revision", "by", "run", "what"],
      rows: list.map((patch) => [
        patch.id,
        String(patch.n),
        patch.status,
        patch.revision === null ? "" : String(patch.revision),
        patch.step ?? patch.by ?? "",
        patch.run,
        PatchPicture.words(patch)
      ])
    }
  })
  return exitCodes.done
})

const refOf = ({ patch, run }: { readonly patch: string; readonly run: string | undefined }) => ({
  patch,
  ...(run === undefined ? {} : { run })
})

export const patchesShow = (request: Requests.PatchesShow) =>
  Backend.withPorts(
    {},
    Effect.gen(function*() {
      yield* print(yield* Effect.flatMap(PatchesClient, (patches) => patches.show(refOf(request))))
      return exitCodes.done
    })
  )

export const patchesDiff = Effect.fnUntraced(function*(request: Requests.PatchesDiff) {
  const printer = yield* Printer
  const { format } = printer.globals
  const view = yield* Backend.withPorts(
    {},
    Effect.flatMap(PatchesClient, (patches) => patches.show(refOf(request)))
  )
  if (format === "json") yield* printer.document(viewDocument(view))
  else if (format === "table" || format === "text") {
    const [before, after] = yield* Effect.all([decodeFlow(view.before), decodeFlow(view.after)])
    yield* printer.answer(PatchPicture.lines(before, after).split("\n").map(TerminalText.line).join("\n"))
  } else return yield* unfit(format)
  return exitCodes.done
})

/** An approved patch that no longer fits the run is void: the person is told, and the exit code says so. */
export const patchesDecide = (request: Requests.PatchesDecide) =>
  Backend.withPorts(
    {},
    Effect.gen(function*() {
      const patches = yield* PatchesClient
      const { action, by, comment, group } = request
      const view = yield* patches.decide(refOf(request), action, {
        ...(comment === undefined ? {} : { comment }),
        ...(by === undefined ? {} : { by }),
        ...(group.length === 0 ? {} : { groups: group })
      })
      yield* print(view, lineOf(view.patch))
      if (action === "reject" || view.patch.status === "applied") return exitCodes.done
      return yield* new Failure.Failure({
        exit: exitCodes.notFound,
        code: "PATCH_VOID",
        what: `the run has moved on: ${view.patch.comment ?? "the patch no longer fits"}`,
        hint: `baton runs show ${view.patch.run}`
      })
    })
  )

export const patchesRevert = (request: Requests.PatchesRevert) =>
  Backend.withPorts(
    {},
    Effect.gen(function*() {
      const patches = yield* PatchesClient
      const view = yield* patches.revert(refOf(request), request.reason)
      yield* print(view, `${lineOf(view.patch)} reverts=${view.patch.reverts ?? ""}`)
      return exitCodes.done
    })
  )
