/** What an attempt has really used is told when the bill comes: often after the run has ended. */
import { Client } from "@baton/contract/Client"
import { UsageClient } from "@baton/contract/UsageClient"
import { Plans } from "@baton/engine/Plans"
import { accepted, bytes, summary } from "@baton/engine/testing/Journals"
import type { Command } from "@baton/kernel/Command"
import { decide } from "@baton/kernel/Decide"
import type { Event } from "@baton/kernel/Event"
import { evolve } from "@baton/kernel/Evolve"
import type * as Flow from "@baton/kernel/Flow"
import * as Rates from "@baton/kernel/Rates"
import * as RunState from "@baton/kernel/RunState"
import { inline } from "@baton/kernel/Value"
import * as SqliteStore from "@baton/store-sqlite/SqliteStore"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as Local from "../src/Local.ts"

const folder = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "baton-late-"))),
  (path) => Effect.sync(() => rmSync(path, { recursive: true, force: true }))
)

const flow = { name: "late", nodes: [{ id: "look", type: "agent", agent: { instructions: "Look." } }], edges: [] }
const rates = { asOf: "2026-01-01", models: { m: { input: 1_000, output: 3_000 } }, agents: {}, defaultModel: "m" }
const run = "run_01arz3ndektsv4rrffq69g5fav"
const guess = Rates.turnInputTokens * 1_000 + Rates.turnOutputTokens * 3_000

/** A run that was cancelled after the process of its agent had died: what the agent used is a guess for good. */
const seeded = (data: string) =>
  Effect.gen(function*() {
    const { hash, plan } = yield* Effect.flatMap(
      Plans,
      (plans) => plans.freeze("default", flow as unknown as Flow.Flow)
    )
    const state = RunState.empty(plan)
    const events: Array<Event> = []
    const commands: ReadonlyArray<Command> = [
      {
        type: "CreateRun",
        at: 1_000,
        run,
        flow: { name: "late", version: "0.0.0", hash },
        input: inline(null),
        ledger: { budget: { nanoUsd: guess + 1 }, rates }
      },
      { type: "LoseDelivery", at: 2_000, path: "look", attempt: 1 },
      { type: "CancelRun", at: 3_000 }
    ]
    for (const command of commands) {
      const decision = decide(state, command)
      assert.strictEqual(decision.kind, "events")
      for (const event of decision.kind === "events" ? decision.events : []) {
        evolve(state, event)
        events.push(event)
      }
    }
    const used = {
      path: "look",
      node: "look",
      attempt: 1,
      at: 2_000,
      agent: "look",
      model: undefined,
      calls: 0,
      tokens: 0
    }
    yield* accepted({
      tenant: "default",
      run,
      expected: 0,
      previous: new Uint8Array(),
      owner: undefined,
      n: events.length,
      bytes: bytes(JSON.stringify(events)),
      at: 3_000,
      summary: summary({
        flow: "late",
        version: "0.0.0",
        flowHash: hash,
        status: "cancelled",
        createdAt: 1_000,
        endedAt: 3_000,
        tags: {}
      }),
      usage: [{
        ...used,
        inputTokens: undefined,
        outputTokens: undefined,
        cachedTokens: undefined,
        nanoUsd: guess,
        isUnpriced: false,
        isEstimated: true
      }]
    })
  }).pipe(Effect.provide(Plans.layer.pipe(Layer.provideMerge(SqliteStore.layer({ data })))))

describe("usage that is told after the run has ended", () => {
  it.live("corrects the guess once, in the journal and in what all runs have used", () =>
    Effect.gen(function*() {
      const data = yield* folder
      yield* seeded(data)
      yield* Effect.gen(function*() {
        const usage = yield* UsageClient
        const client = yield* Client
        const cost = Effect.map(usage.summary({ by: "run", run, limit: 1 }), ({ total }) => total.costUsd)
        assert.strictEqual(yield* cost, guess / 1e9)
        const real = { calls: 1, inputTokens: 10, outputTokens: 10, costUsd: 0.000_04 }
        yield* usage.report(run, "look", 1, real)
        assert.strictEqual(yield* cost, 0.000_04)
        assert.strictEqual((yield* Effect.flip(usage.report(run, "look", 1, real))).code, "USAGE_SETTLED")
        const told = yield* Stream.runCollect(client.events(run, { after: 0, follow: false }))
        assert.strictEqual(told.at(-1)?.seq, (yield* client.show(run)).seq)
        assert.strictEqual((yield* client.show(run)).status, "cancelled")
        assert.strictEqual((yield* Effect.flip(client.cancel(run, undefined))).code, "RUN_FINISHED")
        assert.isEmpty((yield* client.list({ limit: 9 })).filter(({ status }) => status !== "cancelled"))
      }).pipe(
        Effect.provide(Local.layer({ data, handlers: undefined, adopt: false, outputRoot: join(data, "output") }))
      )
    }).pipe(Effect.scoped))
})
