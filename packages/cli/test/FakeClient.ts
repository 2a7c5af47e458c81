/**
 * A Baton that plays scripts: each flow name stands for a list of events with the milliseconds before each. It answers
 * the client ports as the real one does, so that commands can be tested without an engine.
 */
import { ApprovalsClient } from "@baton/contract/ApprovalsClient"
import { AuditClient } from "@baton/contract/AuditClient"
import { BlobsClient } from "@baton/contract/BlobsClient"
import { Client, ClientError, type StartRun } from "@baton/contract/Client"
import type { EventEnvelope } from "@baton/contract/EventEnvelope"
import { FlowsClient } from "@baton/contract/FlowsClient"
import { KeysClient } from "@baton/contract/KeysClient"
import { LinksClient } from "@baton/contract/LinksClient"
import { type DeadLetterItem, OperatorClient } from "@baton/contract/OperatorClient"
import { PatchesClient } from "@baton/contract/PatchesClient"
import type { Ports } from "@baton/contract/Ports"
import { ReceiptsClient } from "@baton/contract/ReceiptsClient"
import type { Reason, RunDocument, RunListItem, RunStatus, StepDocument } from "@baton/contract/RunDocument"
import { SecretsClient } from "@baton/contract/SecretsClient"
import { StoreClient } from "@baton/contract/StoreClient"
import { UsageClient } from "@baton/contract/UsageClient"
import { WebhooksClient } from "@baton/contract/WebhooksClient"
import * as Wire from "@baton/contract/Wire"
import type { Event } from "@baton/kernel/Event"
import type { Problem } from "@baton/kernel/Problem"
import type { Json } from "@baton/kernel/Value"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import * as FakeApprovals from "./FakeApprovals.ts"
import * as FakeKeys from "./FakeKeys.ts"
import * as FakeUsage from "./FakeUsage.ts"
import * as FakeWebhooks from "./FakeWebhooks.ts"

import { fakePatches } from "./FakePatches.ts"

type Draft = Event extends infer E ? (E extends Event ? Omit<E, "v" | "at"> : never) : never

export interface Script {
  readonly nodes: ReadonlyArray<readonly [id: string, type: string]>
  /** Milliseconds to wait, then the event. */
  readonly events: ReadonlyArray<readonly [wait: number, event: Draft]>
  readonly reasons?: ReadonlyArray<Reason>
  readonly output?: Json
}

export interface Seen {
  readonly started: Array<StartRun>
  readonly calls: Array<ReadonlyArray<unknown>>
  readonly secrets: Map<string, string>
  readonly runs: Array<FakeRun>
}

export const nothingSeen = (): Seen => ({ started: [], calls: [], secrets: new Map(), runs: [] })

export interface FakeRun {
  readonly id: string
  readonly script: Script
  readonly request: StartRun
  readonly name: string
  readonly journal: Array<EventEnvelope>
  readonly events: Array<Event>
  readonly listeners: Set<Queue.Queue<EventEnvelope>>
}

const letter: DeadLetterItem = {
  id: "dl_1",
  run: "run_0001",
  path: "greet",
  attempt: 2,
  code: "HTTP_500",
  message: "the server said 500",
  at: "2026-11-21T10:00:00.000Z",
  state: "open",
  settledAt: null,
  by: null,
  note: null,
  into: null
}

export const none = (message: string) =>
  new ClientError({ reason: "not_found", code: "RUN_NOT_FOUND", message, hint: "baton runs list" })

const finishedOf = (run: FakeRun) => run.events.find((event) => event.type === "RunFinished")

const statusOf = (run: FakeRun): RunStatus => {
  const finished = finishedOf(run)
  if (finished !== undefined) return finished.status
  return run.events.at(-1)?.type === "StepWaiting" ? "waiting" : "running"
}

const stepsOf = (run: FakeRun): ReadonlyArray<StepDocument> =>
  run.script.nodes.map(([id, type]) => {
    const last = run.events.findLast((event) => "path" in event && event.path === id)
    const status = last?.type === "StepSucceeded"
      ? "succeeded"
      : last?.type === "StepFailed"
      ? "failed"
      : last?.type === "StepWaiting"
      ? "waiting"
      : "pending"
    const error = last?.type === "StepFailed" ? last.error : null
    return {
      path: id,
      node: id,
      type,
      status,
      attempt: 1,
      startedAt: null,
      endedAt: null,
      output: null,
      error,
      usage: null
    }
  })

const documentOf = (run: FakeRun): RunDocument => {
  const finished = finishedOf(run)
  const cause = run.events.find((event) => event.type === "RunClosing")
  const steps = stepsOf(run)
  const failed = finished?.status === "failed"
  return {
    schema: "baton.run/1",
    id: run.id,
    flow: run.name,
    version: "1.0.0",
    revision: 0,
    status: statusOf(run),
    reason: finished?.message ?? "",
    code: finished?.code ?? "",
    input: run.request.input,
    output: finished !== undefined && !failed ? run.script.output ?? null : null,
    error: failed
      ? { code: finished.code, message: finished.message, ...(cause?.path === undefined ? {} : { path: cause.path }) }
      : null,
    warnings: [...(finished?.warnings ?? [])],
    tags: { ...run.request.tags },
    startedAt: run.journal[0]?.time ?? "1970-01-01T00:00:00.000Z",
    endedAt: finished === undefined ? null : run.journal.at(-1)!.time,
    seq: run.journal.length,
    steps,
    stepsTotal: steps.length,
    metrics: {
      totalTimeMs: 0,
      stepTimesMs: {},
      parallelEfficiency: 0,
      tokensTotal: 0,
      costUsd: 0,
      estimated: false,
      reserved: null,
      budget: null,
      stepsSucceeded: steps.filter((step) => step.status === "succeeded").length,
      stepsFailed: steps.filter((step) => step.status === "failed").length
    }
  }
}

const append = (run: FakeRun, draft: Draft) =>
  Effect.gen(function*() {
    const at = yield* Clock.currentTimeMillis
    const event = { ...draft, v: 1, at } as Event
    const envelope = Wire.fromEvent(run.id, run.journal.length + 1, event)
    run.events.push(event)
    run.journal.push(envelope)
    for (const queue of run.listeners) Queue.offerUnsafe(queue, envelope)
  })

const created = (run: FakeRun): Draft => ({
  type: "RunCreated",
  semantics: 1,
  run: run.id,
  flow: { name: run.name, version: "1.0.0", hash: "sha256:0" },
  input: { v: run.request.input }
})

const play = (run: FakeRun) =>
  Effect.forEach(
    run.script.events,
    ([wait, draft]) => Effect.andThen(wait > 0 ? Effect.sleep(wait) : Effect.yieldNow, append(run, draft)),
    { discard: true }
  )

const eventsOf = (run: FakeRun, options: { readonly after: number; readonly follow: boolean }) =>
  Stream.unwrap(Effect.gen(function*() {
    const past = run.journal.filter((envelope) => envelope.seq! > options.after)
    if (!options.follow || finishedOf(run) !== undefined) return Stream.fromIterable(past)
    const queue = yield* Queue.unbounded<EventEnvelope>()
    run.listeners.add(queue)
    return Stream.concat(Stream.fromIterable(past), Stream.fromQueue(queue)).pipe(
      Stream.takeUntil((envelope) => /run\.(completed|failed|cancelled)$/.test(envelope.type)),
      Stream.ensuring(Effect.sync(() => run.listeners.delete(queue)))
    )
  }))

const problem: Problem = {
  code: "UNKNOWN_NODE_TYPE",
  severity: "error",
  pointer: "/nodes/greet",
  line: 3,
  column: 5,
  message: "there is no node type \"agnet\"",
  expected: "one of agent, http",
  suggestion: "agent"
}

const canonical: Json = {
  name: "hello",
  version: "1.0.0",
  input: { type: "object", properties: { zip: { type: "string" } } },
  nodes: [{ id: "greet", type: "transform", value: 1 }, { id: "send", type: "http", url: "http://x" }],
  edges: [{ from: "greet", to: "send" }]
}

const nameOf = (request: StartRun): string =>
  "name" in request.flow ? request.flow.name : /name:\s*(\S+)/.exec(request.flow.text)?.[1] ?? "unnamed"

/** The flow texts `bad` and `warned` have problems; every other text is fine. */
const checkFlow = (text: string) =>
  Effect.succeed(
    text.includes("bad")
      ? { problems: [problem], canonical: undefined }
      : { problems: text.includes("warned") ? [{ ...problem, severity: "warning" as const }] : [], canonical }
  )

export const layer = (
  scripts: { readonly [flow: string]: Script },
  seen: Seen
): Layer.Layer<Ports> =>
  Layer.effectContext(Effect.gen(function*() {
    const scope = yield* Effect.scope
    const { runs } = seen
    const find = (id: string) => {
      const run = runs.find((run) => run.id === id)
      return run === undefined ? Effect.fail(none(`there is no run ${id}`)) : Effect.succeed(run)
    }
    const start = (request: StartRun) =>
      Effect.gen(function*() {
        seen.started.push(request)
        const name = nameOf(request)
        const script = scripts[name]
        if (script === undefined) {
          return yield* new ClientError({
            reason: "not_found",
            code: "FLOW_NOT_FOUND",
            message: `there is no flow ${name}`
          })
        }
        if (name === "invalid") {
          const problems = [{ ...problem } as Json]
          return yield* new ClientError({ reason: "invalid", code: "FLOW_INVALID", message: "1 problem", problems })
        }
        const run: FakeRun = {
          id: `run_${String(runs.length + 1).padStart(4, "0")}`,
          script,
          request,
          name,
          journal: [],
          events: [],
          listeners: new Set()
        }
        runs.push(run)
        yield* append(run, created(run))
        const document = documentOf(run)
        if (request.submitOnly !== true) yield* Effect.forkIn(play(run), scope)
        return document
      })
    const record = (...call: ReadonlyArray<unknown>) => Effect.sync(() => void seen.calls.push(call))
    const client = Client.of({
      start,
      resolve: (text) =>
        text === "@last"
          ? runs.length === 0 ? Effect.fail(none("there are no runs")) : Effect.succeed(runs.at(-1)!.id)
          : Effect.map(find(text), (run) => run.id),
      show: (id) => Effect.map(find(id), documentOf),
      steps: (id) => Effect.map(find(id), stepsOf),
      list: (query) =>
        Effect.sync(() => {
          seen.calls.push(["list", query])
          return runs.map((run): RunListItem => ({ ...documentOf(run), code: null, reason: null })).slice(
            0,
            query.limit
          )
        }),
      events: (id, options) => Stream.unwrap(Effect.map(find(id), (run) => eventsOf(run, options))),
      explain: (id) => Effect.map(find(id), (run) => (finishedOf(run) === undefined ? run.script.reasons ?? [] : [])),
      logs: () =>
        Stream.fromIterable([{
          n: 1,
          at: "2026-11-21T10:00:00.000Z",
          path: "greet",
          attempt: 1,
          line: "hi \u001b[2J there"
        }]),
      send: (...call) => record("send", ...call),
      cancel: (...call) => record("cancel", ...call),
      pause: (...call) => record("pause", ...call),
      resume: (id) =>
        Effect.gen(function*() {
          const run = yield* find(id)
          yield* record("resume", id)
          yield* Effect.forkIn(play(run), scope)
        }),
      resolveStep: (...call) => record("resolveStep", ...call),
      remove: (...call) => record("remove", ...call),
      prune: (before) => Effect.as(record("prune", before), 3),
      checkFlow
    })
    const noFlow = Effect.fail(new ClientError({ reason: "not_found", code: "FLOW_MISSING", message: "no such flow" }))
    const flows = FlowsClient.of({
      publish: () => noFlow,
      list: () => Effect.succeed([]),
      find: () => noFlow
    })
    const made = (name: string, run: string, request: unknown) =>
      Effect.gen(function*() {
        yield* record(name, request)
        return { document: documentOf(yield* find(run)), reused: 2, running: ["greet"], guarded: ["charge"] }
      })
    const operators = OperatorClient.of({
      fork: (request) => made("fork", request.run, request),
      retry: (request) => made("retry", request.run, request),
      waits: (reason, limit) => Effect.as(record("waits", reason, limit), []),
      letters: (query) => Effect.as(record("letters", query), [letter]),
      letter: (id) => id === letter.id ? Effect.succeed(letter) : Effect.fail(none(`there is no ${id}`)),
      reprocess: (...call) => Effect.as(record("reprocess", ...call), { kind: "step" as const, letter }),
      discard: (...call) =>
        Effect.as(record("discard", ...call), { ...letter, state: "discarded" as const, by: "local" })
    })
    const receipts = ReceiptsClient.of({
      stats: Effect.succeed([{ flow: "brief", node: "fetch", entries: 2, hits: 3, misses: 1 }]),
      clear: ({ flow }) => Effect.succeed(flow === undefined ? 2 : 1)
    })
    const secrets = SecretsClient.of({
      set: (name, value, hosts) =>
        Effect.sync(() => {
          seen.secrets.set(name, `${Redacted.value(value)}@${hosts.join(",")}`)
        }),
      list: Effect.sync(() =>
        [...seen.secrets.keys()].map((name) => ({ name, hosts: ["x.test"], source: "store" as const, updatedAt: null }))
      ),
      remove: (name) => Effect.sync(() => seen.secrets.delete(name))
    })
    const store = StoreClient.of({
      backup: (file) =>
        file.endsWith("taken.db")
          ? Effect.fail(new ClientError({ reason: "conflict", code: "FILE_EXISTS", message: `${file} exists` }))
          : Effect.succeed({ file, bytes: 4096, runs: runs.length }),
      diagnose: Effect.succeed([{ id: "store.migrations", status: "ok", message: "current" }])
    })
    return Context.make(Client, client).pipe(
      Context.add(FlowsClient, flows),
      Context.add(KeysClient, FakeKeys.keys(seen.calls)),
      Context.add(AuditClient, FakeKeys.audit),
      Context.add(LinksClient, FakeKeys.links),
      Context.add(ApprovalsClient, FakeApprovals.make(seen.calls)),
      Context.add(BlobsClient, BlobsClient.of({ read: (ref) => Effect.fail(none(`there is no ${ref}`)) })),
      Context.add(OperatorClient, operators),
      Context.add(PatchesClient, fakePatches(record)),
      Context.add(ReceiptsClient, receipts),
      Context.add(SecretsClient, secrets),
      Context.add(StoreClient, store),
      Context.add(UsageClient, FakeUsage.make()),
      Context.add(WebhooksClient, FakeWebhooks.make(record))
    )
  }))
