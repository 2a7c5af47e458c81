/** `approvals list|show|approve|reject|retry|answer`. */
import type { ApprovalDocument, ApprovalItem, Decision } from "@baton/contract/ApprovalsClient"
import { ApprovalsClient } from "@baton/contract/ApprovalsClient"
import type { Json } from "@baton/kernel/Value"
import * as Effect from "effect/Effect"
import * as Backend from "../Backend.ts"
import * as Documents from "../Documents.ts"
import { exitCodes } from "../ExitCode.ts"
import * as Failure from "../Failure.ts"
import type { ApprovalsDecide, ApprovalsList, ApprovalsShow, ApprovalTarget } from "../Invocation.ts"
import { Printer, unfit } from "../Printer.ts"
import { Screen } from "../Screen.ts"
import * as TerminalText from "../TerminalText.ts"

/** Longest page of `approvals list`. */
const pageMax = 1_000

const targetOf = ({ step, target }: ApprovalTarget) => ({ target, ...(step === undefined ? {} : { step }) })

export const approvalsList = Effect.fnUntraced(function*(request: ApprovalsList) {
  const printer = yield* Printer
  if (request.limit < 1 || request.limit > pageMax) {
    return yield* Failure.usage("INVALID_VALUE", `--limit ${request.limit}: expected 1 to ${pageMax}`)
  }
  const items = yield* Backend.withPorts(
    {},
    Effect.flatMap(ApprovalsClient, (client) =>
      client.list({
        limit: request.limit,
        closed: request.all,
        ...(request.kind.length === 0 ? {} : { kinds: request.kind }),
        ...(request.run === undefined ? {} : { run: request.run }),
        ...(request.after === undefined ? {} : { after: request.after })
      }))
  )
  const next = items.length < request.limit ? null : items.at(-1)?.id ?? null
  yield* printer.listing({
    document: { schema: "baton.approvals/1", approvals: items as ReadonlyArray<Json>, next },
    items: items as ReadonlyArray<Json>,
    empty: "nothing waits for a person",
    table: {
      header: ["id", "kind", "run", "step", "since", "due", "question"],
      rows: items.map((item: ApprovalItem) => [
        item.id,
        item.closedAt === null ? item.kind : `${item.kind} (over)`,
        item.run,
        item.path,
        item.since,
        item.dueAt ?? "",
        item.title
      ])
    }
  })
  if (next !== null) yield* printer.note(`more: baton approvals list --after ${next}`)
  return exitCodes.done
})

const part = (name: string, value: Json): ReadonlyArray<string> =>
  value === null ? [] : typeof value === "string" ? [`${name}: ${value}`] : [`${name}:`, TerminalText.json(value)]

const policyOf = (document: ApprovalDocument): string => {
  const { approvers, dueAt, onTimeout, quorum, requester, requesterMayApprove, votes } = document
  return [
    approvers === null ? "anybody may decide" : `decided by ${approvers.join(", ")}`,
    ...(quorum > 1 ? [`${votes.length} of ${quorum} have approved`] : []),
    ...(requesterMayApprove ? [] : [`not by ${requester ?? "who started the run"}`]),
    ...(dueAt === null ? [] : [`counts as ${onTimeout} at ${dueAt}`])
  ].join("; ")
}

const verdictOf = ({ decision, door }: ApprovalDocument & { readonly door: string }): string =>
  decision === null
    ? door
    : `decided: ${decision.decision} at ${decision.at}` +
      (decision.cause === "timeout" ? " because nobody decided in time" : ` by ${decision.by ?? "somebody"}`) +
      (decision.comment === null ? "" : `: ${decision.comment}`)

const doorOf = ({ ask, decisions, id, status }: ApprovalDocument): string => {
  if (status === "void") return "void: the step ended before anybody decided"
  if (ask === "question") return `baton approvals answer ${id} --text TEXT`
  return `baton approvals ${decisions.includes("retry") ? "approve|retry|reject" : "approve|reject"} ${id}`
}

const shownText = (document: ApprovalDocument): string =>
  [
    `${document.id}  ${document.ask}  ${document.status}`,
    `run ${document.run}  ${document.flow}  step ${document.path}#${document.attempt}  since ${document.since}`,
    ...part("question", document.question),
    ...part("options", document.options),
    ...part("input", document.input),
    ...part("output", document.output),
    ...part("form", document.form),
    policyOf(document),
    ...document.votes.map(({ at, by, comment }) =>
      `approved by ${by} at ${at}${comment === null ? "" : `: ${comment}`}`
    ),
    `hash ${document.hash}`,
    verdictOf({ ...document, door: doorOf(document) })
  ].flatMap((line) => line.split("\n")).map((line) => TerminalText.line(line)).join("\n")

export const approvalsShow = Effect.fnUntraced(function*(request: ApprovalsShow) {
  const printer = yield* Printer
  const { stdout } = yield* Screen
  const document = yield* Backend.withPorts(
    {},
    Effect.flatMap(ApprovalsClient, (client) => client.show(targetOf(request)))
  )
  const { format } = printer.globals
  if (format === "json") yield* printer.document(document)
  else if (format === "jsonl") yield* stdout.write(`${TerminalText.json(document, 0)}\n`)
  else if (format === "table") yield* printer.answer(shownText(document))
  else return yield* unfit(format)
  return exitCodes.done
})

/** `-i` fields are typed by the form, so what is asked is looked at first. */
const formOf = Effect.fnUntraced(function*(request: ApprovalsDecide) {
  if (request.set.length === 0) return undefined
  const client = yield* ApprovalsClient
  return (yield* client.show(targetOf(request))).form ?? undefined
})

const decisionOf = Effect.fnUntraced(function*(request: ApprovalsDecide) {
  const { as, comment, group, hash, option, text, verb } = request
  if (verb === "reject" && (comment ?? "").trim() === "") {
    return yield* Failure.usage("COMMENT_REQUIRED", "a rejection says why", "add --comment TEXT")
  }
  const filled = request.set.length > 0 || request.input !== undefined
  if (verb === "answer" && [text !== undefined, filled, option !== undefined].filter(Boolean).length !== 1) {
    return yield* Failure.usage("ANSWER_REQUIRED", "an answer is one of --text, --option, and -i or --input")
  }
  const data = filled ? yield* Documents.input(request, yield* formOf(request)) : text
  const modifications = request.modify === undefined ? undefined : yield* Documents.json(request.modify, "--modify")
  const decision: Decision = {
    decision: option ?? verb,
    ...(as === undefined ? {} : { by: as }),
    ...(group.length === 0 ? {} : { groups: group }),
    ...(comment === undefined ? {} : { comment }),
    ...(data === undefined ? {} : { data }),
    ...(modifications === undefined ? {} : { modifications }),
    ...(hash === undefined ? {} : { hash })
  }
  return decision
})

const past: { readonly [verb in ApprovalsDecide["verb"]]: string } = {
  approve: "approved",
  reject: "rejected",
  retry: "sent-back",
  answer: "answered"
}

/** One stable line: what became of it, or how many approvals are still needed. */
const receiptOf = (document: ApprovalDocument, request: ApprovalsDecide): string => {
  const { decision, id, path, quorum, run, votes } = document
  const what = decision === null ? `voted votes=${votes.length}/${quorum}` : request.option ?? past[request.verb]
  return `${id} ${what} run=${run} step=${path} by=${decision?.by ?? request.as ?? "local"}`
}

export const approvalsDecide = Effect.fnUntraced(function*(request: ApprovalsDecide) {
  const printer = yield* Printer
  const document = yield* Backend.withPorts(
    {},
    Effect.gen(function*() {
      const decision = yield* decisionOf(request)
      const client = yield* ApprovalsClient
      return yield* client.decide(targetOf(request), decision)
    })
  )
  yield* printer.isJson
    ? printer.document(document)
    : printer.answer(TerminalText.line(receiptOf(document, request)))
  if (document.resume !== null && document.decision !== null) {
    yield* printer.note(`no process executes the run now; go on with: ${document.resume}`)
  }
  return exitCodes.done
})
