/** Approvals for people: found by id, by run or by step; shown as they were asked; decided wherever the run lives. */
import type { ApprovalDocument, ApprovalItem, Decision, Target } from "@baton/contract/ApprovalsClient"
import { ApprovalsClient } from "@baton/contract/ApprovalsClient"
import { ClientError } from "@baton/contract/Client"
import * as Projection from "@baton/contract/RunProjection"
import { timeText } from "@baton/contract/Wire"
import * as RunLoader from "@baton/engine/RunLoader"
import type { OpenDoor } from "@baton/engine/RunStore"
import type { Decided } from "@baton/kernel/Approval"
import * as ApprovalRefusal from "@baton/kernel/ApprovalRefusal"
import type { Command } from "@baton/kernel/Command"
import type { RunState } from "@baton/kernel/RunState"
import type { Json, Value } from "@baton/kernel/Value"
import { resolve } from "@baton/kernel/Value"
import type { ApprovalWait } from "@baton/kernel/Wait"
import { shownPart } from "@baton/kernel/Wait"
import * as Effect from "effect/Effect"
import * as Answers from "./Answers.ts"
import type { Parts } from "./Parts.ts"
import * as RunControl from "./RunControl.ts"
import * as RunReading from "./RunReading.ts"
import { bounded } from "./StoredInput.ts"

/** Doors looked through for the beginning of an id. */
const prefixDoorsMax = 10_000
/** Journal records read in one go. */
const pageRecords = 1000

const kinds = ["approval", "checkpoint", "question"] as const

type DecideApproval = Extract<Command, { readonly type: "DecideApproval" }>

const timeOrNull = (at: number | undefined): string | null => at === undefined ? null : timeText(at)

const commandFor = ({ id, kind, path, run }: OpenDoor): string => {
  switch (kind) {
    case "question":
      return `baton approvals answer ${id} --text TEXT`
    case "approval":
      return `baton approvals approve|reject ${id}`
    case "checkpoint":
      return `baton approvals approve|retry|reject ${id}`
    case "patch":
      return `baton patches approve|reject ${id}`
    case "budget":
      return `baton runs resume ${run} --budget +0.50`
    default:
      return `baton runs retry|skip|abort ${run} ${path}`
  }
}

const item = (door: OpenDoor): ApprovalItem => ({
  id: door.id,
  kind: door.kind,
  run: door.run,
  flow: door.flow,
  path: door.path,
  title: door.title,
  since: timeText(door.since),
  dueAt: timeOrNull(door.dueAt),
  closedAt: timeOrNull(door.closedAt),
  door: commandFor(door),
  data: door.data
})

const refuse = (reason: ClientError["reason"], code: string, message: string, hint: string) =>
  Effect.fail(new ClientError({ reason, code, message, hint }))

interface Place {
  readonly run: string
  readonly path: string
  /** Absent: what the step waits for now. */
  readonly id?: string
}

const doors = (parts: Parts, query: { id?: string; run?: string; closed?: boolean; after?: string; limit: number }) =>
  Effect.mapError(parts.store.doors({ tenant: parts.tenant, kinds, ...query }), Answers.fromStore)

const byPrefix = Effect.fnUntraced(function*(parts: Parts, text: string): Effect.fn.Return<Place, ClientError> {
  const matching: Array<OpenDoor> = []
  let after: string | undefined
  for (let seen = 0; seen < prefixDoorsMax && matching.length < 2; seen += 500) {
    const page = yield* doors(parts, { closed: true, limit: 500, ...(after === undefined ? {} : { after }) })
    for (const door of page) if (door.id.startsWith(text)) matching.push(door)
    after = page.at(-1)?.id
    if (page.length < 500) break
  }
  const [only] = matching
  if (only !== undefined && matching.length === 1) return only
  return yield* only === undefined
    ? refuse("not_found", "APPROVAL_NOT_FOUND", `there is no approval ${text}`, "baton approvals list --all")
    : refuse("not_found", "APPROVAL_AMBIGUOUS", `${text} begins more than one approval's id`, "write more of the id")
})

const byEnd = (one: OpenDoor, other: OpenDoor): number => (one.closedAt ?? 0) - (other.closedAt ?? 0)

const ofRun = Effect.fnUntraced(function*(parts: Parts, text: string): Effect.fn.Return<Place, ClientError> {
  const run = yield* RunReading.find(parts, text)
  const open = yield* doors(parts, { run, limit: 100 })
  const [only] = open
  if (only === undefined) {
    // Whoever comes later is told who decided what, and when.
    const ended = (yield* doors(parts, { run, closed: true, limit: 100 })).toSorted(byEnd).at(-1)
    if (ended !== undefined) return ended
    return yield* refuse("conflict", "APPROVAL_NOT_FOUND", `${run} waits for no decision`, `baton runs explain ${run}`)
  }
  if (open.length === 1) return only
  const list = open.map(({ id, path }) => `${path} (${id})`).join(", ")
  return yield* refuse(
    "conflict",
    "APPROVAL_AMBIGUOUS",
    `${run} waits for ${open.length} decisions: ${list}`,
    "say which"
  )
})

/** Patches, budgets and failed steps wait for people too, and have commands of their own. */
const decidable = (door: OpenDoor): Effect.Effect<Place, ClientError> =>
  kinds.some((kind) => kind === door.kind)
    ? Effect.succeed(door)
    : refuse("conflict", "NOT_AN_APPROVAL", `${door.id} is no approval, but a ${door.kind}`, commandFor(door))

const place = Effect.fnUntraced(function*(
  parts: Parts,
  { step, target }: Target
): Effect.fn.Return<Place, ClientError> {
  if (step !== undefined) return { run: yield* RunReading.find(parts, target), path: step }
  const [door] = yield* Effect.mapError(
    parts.store.doors({ tenant: parts.tenant, id: target, closed: true, limit: 1 }),
    Answers.fromStore
  )
  if (door !== undefined) return yield* decidable(door)
  return yield* (target.startsWith("apr_") ? byPrefix(parts, target) : ofRun(parts, target))
})

/** What was asked, from the journal: a decided approval is no longer in the state. */
const asked = Effect.fnUntraced(
  function*(parts: Parts, run: string, wanted: (wait: ApprovalWait, path: string) => boolean) {
    let found: { readonly wait: ApprovalWait; readonly path: string; readonly attempt: number; at: number } | undefined
    for (let after = 0;;) {
      const records = yield* Effect.mapError(
        parts.store.records(parts.tenant, run, after, pageRecords),
        Answers.fromStore
      )
      for (const record of records) {
        for (const event of yield* Effect.mapError(RunLoader.events(record), Answers.fromStore)) {
          if (event.type !== "StepWaiting" || event.wait.kind !== "approval" || !wanted(event.wait, event.path)) {
            continue
          }
          found = { wait: event.wait, path: event.path, attempt: event.attempt, at: event.at }
        }
        after = record.seq + record.n - 1
      }
      if (records.length < pageRecords) return found
    }
  }
)

const decisionOf = (decided: Decided | undefined): ApprovalDocument["decision"] =>
  decided === undefined ? null : {
    decision: decided.decision,
    cause: decided.cause,
    by: decided.by ?? null,
    at: timeText(decided.at),
    comment: decided.comment ?? null
  }

const shownNames = ["question", "options", "form", "input", "output"] as const

const shown = Effect.fnUntraced(function*(parts: Parts, wait: ApprovalWait) {
  const values = shownNames.flatMap((name): ReadonlyArray<readonly [string, Value]> => {
    const value = shownPart(wait, name)
    return value === undefined ? [] : [[name, value]]
  })
  const loaded = yield* RunReading.load(parts, values.map(([, value]) => value))
  const read = new Map(values.map(([name, value]) => [name, resolve(value, loaded) ?? Projection.address(value)]))
  return (name: typeof shownNames[number]): Json => read.get(name) ?? null
})

/** Where nobody else executes the run, what was decided takes effect when somebody resumes it. */
const resumeOf = (parts: Parts, run: string, { finished, paused }: RunState): string | null =>
  finished === undefined && (paused || (!parts.execute && parts.coordinator.slot(parts.tenant, run) !== undefined))
    ? `baton runs resume ${run}`
    : null

const show = Effect.fnUntraced(function*(parts: Parts, at: Place): Effect.fn.Return<ApprovalDocument, ClientError> {
  const { run } = at
  const state = yield* RunReading.stateOf(parts, run)
  const now = ApprovalRefusal.waitOf(state, at.path)
  const wanted = at.id ?? now?.wait.id
  const story = yield* asked(parts, run, (wait, path) => wanted === undefined ? path === at.path : wait.id === wanted)
  if (story === undefined) {
    return yield* refuse("not_found", "APPROVAL_NOT_FOUND", `${at.path} has asked nobody`, `baton runs show ${run}`)
  }
  const open = now?.wait.id === story.wait.id
  const wait = open ? now.wait : story.wait
  const read = yield* shown(parts, story.wait)
  const decided = state.decisions.get(wait.id)
  return {
    schema: "baton.approval/1",
    id: wait.id,
    run,
    flow: state.plan.name,
    path: story.path,
    attempt: story.attempt,
    ask: wait.ask,
    status: open ? "open" : decided === undefined ? "void" : "decided",
    decisions: ApprovalRefusal.decisionsOf(wait),
    question: read("question"),
    options: read("options"),
    form: read("form"),
    input: read("input"),
    output: read("output"),
    approvers: wait.approvers ?? null,
    quorum: wait.quorum,
    requester: state.by ?? null,
    requesterMayApprove: wait.requesterMayApprove,
    votes: (wait.votes ?? []).map(({ at, by, comment }) => ({ by, at: timeText(at), comment: comment ?? null })),
    since: timeText(story.at),
    dueAt: timeOrNull(wait.dueAt),
    onTimeout: wait.onTimeout,
    hash: wait.hash,
    decision: decisionOf(decided),
    resume: resumeOf(parts, run, state)
  }
})

const withHint = (error: ClientError, { id, run }: Place): ClientError =>
  new ClientError({
    reason: error.reason,
    code: error.code,
    message: error.message,
    hint: id === undefined ? error.hint ?? `baton runs explain ${run}` : `baton approvals show ${id}`
  })

const decide = Effect.fnUntraced(function*(
  parts: Parts,
  target: Target,
  made: Decision
): Effect.fn.Return<ApprovalDocument, ClientError> {
  const at = yield* place(parts, target)
  const data = made.data === undefined ? undefined : yield* bounded(parts, made.data, "FORM_INVALID", "the data")
  const modifications = made.modifications === undefined
    ? undefined
    : yield* bounded(parts, made.modifications, "MODIFICATIONS_INVALID", "the modifications")
  const groups = made.groups ?? parts.groups
  const command = (now: number): DecideApproval => ({
    type: "DecideApproval",
    at: now,
    by: made.by ?? parts.by,
    path: at.path,
    decision: made.decision,
    ...(at.id === undefined ? {} : { id: at.id }),
    ...(groups === undefined ? {} : { groups }),
    ...(made.comment === undefined ? {} : { comment: made.comment }),
    ...(made.hash === undefined ? {} : { hash: made.hash }),
    ...(data === undefined ? {} : { data }),
    ...(modifications === undefined ? {} : { modifications })
  })
  yield* Effect.mapError(RunControl.ask(parts, at.run, command), (error) => withHint(error, at))
  return yield* show(parts, at)
})

export const make = (parts: Parts): ApprovalsClient["Service"] =>
  ApprovalsClient.of({
    list: Effect.fnUntraced(function*({ run, ...query }) {
      const found = run === undefined ? undefined : yield* RunReading.find(parts, run)
      const list = yield* Effect.mapError(
        parts.store.doors({ tenant: parts.tenant, ...query, ...(found === undefined ? {} : { run: found }) }),
        Answers.fromStore
      )
      return list.map(item)
    }),
    show: (target) => Effect.flatMap(place(parts, target), (at) => show(parts, at)),
    decide: (target, made) => decide(parts, target, made)
  })
