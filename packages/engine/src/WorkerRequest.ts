/** What the worker pool hands to an attempt: what it may read, and how it speaks with the run it belongs to. */
import type { ItemTable } from "@baton/kernel/ItemTable"
import type { PlanNode, Work } from "@baton/kernel/Plan"
import type { RunState } from "@baton/kernel/RunState"
import type { Value } from "@baton/kernel/Value"
import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { AgentStreamEvent } from "./Agents.ts"
import type { AttemptRequest } from "./AttemptContext.ts"
import type { Coordinator } from "./Coordinator.ts"
import type { EventFeed } from "./EventFeed.ts"
import type { Failpoint } from "./Failpoint.ts"
import * as PlanPatching from "./PlanPatching.ts"
import type { Purse } from "./Purse.ts"
import * as Purses from "./Purse.ts"
import type { ReceiptDesk } from "./Receipts.ts"
import type { ReceiptStore } from "./ReceiptStore.ts"
import type { ConversationMachine } from "./RecordedConversation.ts"
import * as RunSource from "./RunSource.ts"
import type { StepLog } from "./StepLog.ts"
import type { Offer } from "./StepQueue.ts"

/** The parts of the machine that attempts speak with. */
export interface Desk {
  readonly coordinator: Coordinator["Service"]
  readonly feed: EventFeed["Service"]
  readonly log: StepLog["Service"]
  readonly clock: Clock.Clock
  readonly failpoint: ((point: Failpoint) => Effect.Effect<void>) | undefined
  /** Absent where no result is used again. */
  readonly receipts: ReceiptStore["Service"] | undefined
  /** Nodes that were told that they have no receipt. */
  readonly told: Set<string>
}

/** A step as its attempt began. */
export interface Begun {
  /**
   * As it was when the attempt began: the slot may drop its own at any time, when a commit fails. What an attempt may see
   * was settled before its offer, so that later changes make no difference.
   */
  readonly state: RunState
  readonly node: PlanNode
  readonly work: Work
  readonly item: number | undefined
  /** Of a container: kept here, because a patch may move the node while the attempt is under way. */
  readonly table: ItemTable | undefined
}

/** A class, because one is made for every attempt: functions in a literal cost more than all else in it. */
class Request implements AttemptRequest {
  readonly tenant: string
  readonly run: string
  readonly path: string
  readonly attempt: number
  readonly work: Work
  readonly generation: number
  readonly modifications: Value | undefined
  readonly answers: AttemptRequest["answers"]
  readonly source: AttemptRequest["source"]
  readonly agents: AttemptRequest["agents"]
  readonly flowAgents: AttemptRequest["flowAgents"]
  readonly receipts: ReceiptDesk | undefined
  readonly purse: Purse | undefined
  readonly conversation: ConversationMachine | undefined
  readonly #desk: Desk
  readonly #offer: Offer

  constructor(desk: Desk, offer: Offer, begun: Begun, item: RunSource.Item | undefined) {
    const { node, state, work } = begun
    const change = state.changes.size === 0 ? undefined : state.changes.get(offer.path)
    const until = begun.item === undefined
      ? state.nodes.get(state.plan.byId.get(node.id)?.index ?? node.index).offeredSeq
      : begun.table?.offeredSeq ?? state.seq
    this.tenant = offer.tenant
    this.run = offer.run
    this.path = offer.path
    this.attempt = offer.attempt
    this.work = work
    // Whoever asks for a map asks for its items.
    const asked = begun.item === undefined || state.changes.size === 0 ? change : change ?? state.changes.get(node.id)
    this.generation = asked?.generation ?? 0
    this.modifications = change?.modifications
    this.answers = state.answers.size === 0 ? undefined : RunSource.answersTo(state, offer.path)
    this.source = RunSource.make(state, node, until, item)
    this.agents = state.agents
    this.flowAgents = state.plan.document.agents ?? noAgents
    this.receipts = work.receiptMs === undefined || desk.receipts === undefined
      ? undefined
      : receiptsOf(desk, desk.receipts, state.plan.name, node.id)
    this.purse = state.ledger?.terms === undefined ? undefined : purseOf(desk, offer, state, work)
    this.conversation = work.type === "agent" ? conversationOf(desk, offer, state) : undefined
    this.#desk = desk
    this.#offer = offer
  }

  log(line: string): Effect.Effect<void> {
    return writeLog(this.#desk, this.#offer, line)
  }

  emit(event: AgentStreamEvent): Effect.Effect<void> {
    const { path, run, tenant } = this
    return this.#desk.feed.publish([{ kind: "live", tenant, run, path, type: event.type, data: event }])
  }

  startCall(key: string): ReturnType<typeof startCall> {
    return startCall(this.#desk, this.#offer, key)
  }

  patch(request: PlanPatching.PatchRequest): ReturnType<typeof patch> {
    return patch(this.#desk, this.#offer, request)
  }
}

export const make = (
  desk: Desk,
  offer: Offer,
  begun: Begun,
  item: RunSource.Item | undefined
): AttemptRequest => new Request(desk, offer, begun, item)

const patch = (
  { clock, coordinator }: Desk,
  { attempt, path, run, tenant }: Offer,
  request: PlanPatching.PatchRequest
) =>
  PlanPatching.propose(
    {
      command: (command) => coordinator.command(tenant, run, command),
      state: Effect.map(coordinator.peek(tenant, run), (seen) => seen?.state),
      now: () => clock.currentTimeMillisUnsafe()
    },
    { path, attempt },
    request
  )

const purseOf = (
  { clock, coordinator }: Desk,
  { attempt, path, run, tenant }: Offer,
  state: RunState,
  work: Work
): Purse | undefined =>
  Purses.open(state, {
    path,
    attempt,
    work,
    now: () => clock.currentTimeMillisUnsafe(),
    command: (command) => coordinator.command(tenant, run, command)
  })

const receiptsOf = (desk: Desk, store: ReceiptStore["Service"], flow: string, node: string): ReceiptDesk => ({
  store,
  flow,
  node,
  now: () => desk.clock.currentTimeMillisUnsafe(),
  told: desk.told
})

const conversationOf = (desk: Desk, { path, run, tenant }: Offer, state: RunState): ConversationMachine => ({
  command: (command, blobs) =>
    desk.coordinator.command(tenant, run, command, blobs === undefined ? undefined : { blobs }),
  state: Effect.map(desk.coordinator.peek(tenant, run), (seen) => seen?.state),
  json: (ref) => desk.coordinator.json(tenant, ref),
  recorded: state.conversations?.get(path),
  now: () => desk.clock.currentTimeMillisUnsafe(),
  reach: desk.failpoint ?? (() => Effect.void)
})

const noAgents = {}

const writeLog = (desk: Desk, offer: Offer, line: string): Effect.Effect<void> =>
  desk.log.append(offer.tenant, offer.run, [{
    at: desk.clock.currentTimeMillisUnsafe(),
    path: offer.path,
    attempt: offer.attempt,
    line
  }]).pipe(Effect.catch((error) => Effect.logDebug("A log line was not kept", { reason: error.reason })))

const startCall = (desk: Desk, offer: Offer, key: string) =>
  desk.coordinator.command(offer.tenant, offer.run, {
    type: "StartCall",
    at: desk.clock.currentTimeMillisUnsafe(),
    path: offer.path,
    attempt: offer.attempt,
    key
  }).pipe(Effect.flatMap((settled) =>
    settled.kind === "accepted" ? Effect.void : Effect.fail({
      code: "CALL_NOT_STARTED",
      kind: "cancelled" as const,
      message: settled.message,
      retryable: false,
      sent: false
    })
  ))
