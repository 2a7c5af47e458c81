/** The kernel's promises over random flows, orders and noise. A failing seed is in the message; it fails again. */
import type { Command } from "@baton/kernel/Command"
import { decide, decideUnknown } from "@baton/kernel/Decide"
import * as Events from "@baton/kernel/Event"
import { evolve } from "@baton/kernel/Evolve"
import { explain } from "@baton/kernel/Explain"
import { violations } from "@baton/kernel/Invariants"
import * as Outstanding from "@baton/kernel/Outstanding"
import * as RunState from "@baton/kernel/RunState"
import type { Json } from "@baton/kernel/Value"
import { inline } from "@baton/kernel/Value"
import * as Schema from "effect/Schema"
import { assert, describe, it } from "vitest"
import { Chance } from "./random/Chance.ts"
import { fingerprint } from "./random/Fingerprint.ts"
import * as FlowWorld from "./random/FlowWorld.ts"
import * as Junk from "./random/Junk.ts"
import * as MixedWorld from "./random/MixedWorld.ts"
import type { Decided, Noise } from "./random/RandomRun.ts"
import { RandomRun } from "./random/RandomRun.ts"

const noises: ReadonlyArray<Noise> = [
  { harmless: 0, harmful: 0 },
  { harmless: 0.3, harmful: 0 },
  { harmless: 0.2, harmful: 0.2 }
]

const over = (worlds: number, body: (seed: number, noise: Noise) => void): void => {
  for (let seed = 1; seed <= worlds; seed++) {
    try {
      body(seed, noises[seed % noises.length] ?? { harmless: 0, harmful: 0 })
    } catch (error) {
      throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
    }
  }
}

/** Every other world has people in it, patches and other runs. */
const worldOf = (seed: number): FlowWorld.World => seed % 2 === 0 ? FlowWorld.make(seed) : MixedWorld.make(seed)

const drive = (seed: number, noise: Noise, watch?: (decided: Decided) => void): RandomRun =>
  new RandomRun(worldOf(seed), seed, noise, watch).run()

const decided = (found: Decided): ReadonlyArray<Events.Event> =>
  found.decision.kind === "events" ? found.decision.events : []

/** What is violated after any record of any world, with the seed; found once for all promises. */
const found = (() => {
  let known: ReadonlyArray<string> | undefined
  return (): ReadonlyArray<string> => {
    if (known !== undefined) return known
    const all: Array<string> = []
    over(800, (seed, noise) => {
      const add = (state: RunState.RunState): void => {
        for (const violation of violations(state)) all.push(`${violation}, seed ${seed}`)
      }
      add(drive(seed, noise, ({ before }) => add(before)).state)
    })
    return known = all
  }
})()

describe("promises that hold after every record", () => {
  for (
    const [promise, title] of [
      ["K1", "a step is offered only when its join is met by the edges as they stand"],
      ["K4", "a run is finished exactly when every step is settled; the counters are folds of the steps"],
      ["K10", "no more than limits.parallel steps are offered at once"],
      ["K12", "a run that is not finished has a reason with a door, and can go on"]
    ] as const
  ) {
    it(`${promise}: ${title}`, () => {
      assert.deepStrictEqual(found().filter((violation) => violation.startsWith(`${promise}:`)), [])
    }, 60_000)
  }
})

describe("promises about single steps", () => {
  it("K2: a settled step never changes", () => {
    over(400, (seed, noise) => {
      const settled = new Map<string, string>()
      const check = (state: RunState.RunState): void => {
        for (const node of state.plan.nodes) {
          // A patch may give its edges other numbers.
          const { deadIn: _dead, live: _ordinals, liveIn: _live, ...at } = state.nodes.get(node.index)
          if (!RunState.isSettled(at.status)) continue
          const now = JSON.stringify(at)
          assert.strictEqual(settled.get(node.id) ?? now, now)
          settled.set(node.id, now)
        }
      }
      check(drive(seed, noise, ({ before }) => check(before)).state)
    })
  }, 60_000)

  it("K3: a completion counts once; a repeated or stale one yields no event", () => {
    over(600, (seed) => {
      const answered = new Set<string>()
      const world = worldOf(seed)
      const failing = { ...world, outcomes: { ...world.outcomes, failing: 0.4 } }
      const run = new RandomRun(failing, seed, { harmless: 0.5, harmful: 0 }, (found) => {
        const { command } = found
        // What ends for want of money is offered again as the same attempt.
        if (command.type !== "CompleteStep" || command.outcome.ok === "unfunded") return
        const key = `${command.path}#${command.attempt}`
        if (answered.has(key)) assert.deepStrictEqual(decided(found), [], key)
        if (decided(found).length > 0) answered.add(key)
      }).run()
      const counted = run.events.flatMap((event) =>
        (event.type === "StepSucceeded" || event.type === "StepFailed" || event.type === "StepRetryScheduled") &&
          event.attempt > 0
          ? [`${event.path}#${event.attempt}`]
          : []
      )
      assert.strictEqual(new Set(counted).size, counted.length)
    })
  }, 60_000)

  it("a paused run offers nothing (SEMANTICS 8.5e)", () => {
    over(400, (seed, noise) => {
      drive(seed, noise, (found) => {
        const paused = found.before.paused && found.command.type !== "ResumeRun"
        if (paused) assert.isFalse(decided(found).some((event) => event.type === "StepsDispatched"))
      })
    })
  }, 60_000)

  it("K11: after a cancel nothing is offered", () => {
    over(400, (seed) => {
      const chance = new Chance(seed)
      let cut = false
      const run = new RandomRun(worldOf(seed), seed, { harmless: 0.1, harmful: 0 }, ({ before }) => {
        if (cut || before.seq === 0 || !chance.is(0.2)) return
        cut = true
        throw new Cut()
      })
      try {
        run.run()
      } catch (error) {
        if (!(error instanceof Cut)) throw error
      }
      if (run.state.finished !== undefined || run.state.closing !== undefined) return
      const offered = new Set(Outstanding.offered(run.state).map((offer) => offer.path))
      const children = new Set(Outstanding.children(run.state).map(({ wait }) => wait.run))
      run.ask({ type: "CancelRun", at: run.at })
      for (let turn = 0; run.state.finished === undefined; turn++) {
        assert.isBelow(turn, 100)
        const offers = Outstanding.offered(run.state)
        for (const { path } of offers) assert.isTrue(offered.has(path), path)
        for (const { wait } of Outstanding.children(run.state)) assert.isTrue(children.has(wait.run))
        const [offer] = offers
        if (offer === undefined) {
          endChild(run)
          continue
        }
        const error = { code: "FLAKY", kind: "internal", message: "", retryable: true, sent: false } as const
        const outcome = chance.is(0.5) ? { ok: "interrupted" as const } : { ok: false as const, error }
        run.ask({ type: "CompleteStep", at: run.at, path: offer.path, attempt: offer.attempt, outcome })
      }
      assert.strictEqual(RunState.status(run.state), "cancelled")
    })
  }, 60_000)
})

class Cut extends Error {}

/** A child that was told to stop has. */
const endChild = (run: RandomRun): void => {
  const [child] = Outstanding.children(run.state)
  if (child === undefined) throw new Error("a cancelled run hangs")
  assert.strictEqual(child.want, "stop")
  const { attempt, path, wait } = child
  const ended = { status: "cancelled" as const, code: "CANCELLED", message: "it was told to stop" }
  run.ask({ type: "EndChild", at: run.at, path, attempt, run: wait.run, ...ended })
}

const commands = (run: RandomRun): ReadonlyArray<Command> => {
  const { at, plan } = run
  const path = plan.nodes[0]?.id ?? ""
  const kinds = ["retry", "wait", "timeout", "deadline", "grace", "rate", "patch"] as const
  const flow = { name: "x", version: "1", hash: "" }
  return [
    ...run.answered,
    ...kinds.map((kind): Command => ({ type: "FireTimer", at: at + 1e9, kind, path, n: 1 })),
    ...(["retry", "skip", "abort"] as const).map((action): Command => ({ type: "ResolveStep", at, path, action })),
    { type: "CreateRun", at, run: "run_1", flow, input: inline({}) },
    { type: "StartCall", at, path, attempt: 1, key: "k" },
    { type: "SendEvent", at, id: "late", name: "late", data: inline(1) },
    { type: "PauseRun", at },
    { type: "ResumeRun", at },
    { type: "CancelRun", at },
    { type: "AdoptRun", at, session: "s", epoch: 1_000 },
    { type: "LoseDelivery", at, path, attempt: 1 },
    { type: "ProposePatch", at, id: "pat_late", base: run.state.plan.revision, operations: [] },
    { type: "DecidePatch", at, patch: "pat_0", action: "approve" },
    { type: "RevertPatch", at, id: "rev_late", patch: "pat_0" },
    { type: "DecideApproval", at, path, decision: "approve" },
    ...run.said
  ]
}

describe("promises about runs as a whole", () => {
  it("K5: a finished run takes no further events except annotations", () => {
    over(300, (seed, noise) => {
      const run = drive(seed, noise)
      const before = fingerprint(run.state)
      for (const command of commands(run)) {
        const decision = decide(run.state, command)
        if (decision.kind === "events") assert.deepStrictEqual(decision.events, [], command.type)
      }
      assert.strictEqual(fingerprint(run.state), before)
      run.ask({ type: "AddNote", at: run.at, text: "seen" })
      assert.deepStrictEqual(run.events.at(-1)?.type, "NoteAdded")
      run.ask({ type: "GiveUpDelivery", at: run.at, webhook: "whk_1", seq: 1, attempts: 3 })
      assert.deepStrictEqual(run.events.at(-1)?.type, "DeliveryGivenUp")
      assert.isDefined(run.state.finished)
      assert.deepStrictEqual(violations(run.state), [])
    })
  }, 60_000)

  it("K8: the same state and command give the same events, and the state is not touched", () => {
    over(250, (seed, noise) => {
      drive(seed, noise, ({ before, command, decision }) => {
        const mark = fingerprint(before)
        assert.strictEqual(JSON.stringify(decide(before, command)), JSON.stringify(decision))
        assert.strictEqual(fingerprint(before), mark)
      })
    })
  }, 60_000)

  it("K8: what is decided has the published shape", () => {
    const isEvent = Schema.is(Events.Event)
    over(150, (seed, noise) => {
      for (const event of drive(seed, noise).events) assert.isTrue(isEvent(event), JSON.stringify(event))
    })
  }, 60_000)

  it("K8: decide answers any JSON", () => {
    over(300, (seed, noise) => {
      const chance = new Chance(seed)
      drive(seed, noise, ({ before, command }) => {
        const kind = decideUnknown(before, Junk.json(chance)).kind
        assert.strictEqual(kind, "refused")
        const garbled = decideUnknown(before, Junk.garble(chance, command as unknown as Json))
        assert.include(["refused", "events", "needs"], garbled.kind)
      })
    })
    const run = drive(1, { harmless: 0, harmful: 0 })
    for (const input of [Junk.nested(100_000), { type: "AddNote", at: 1, text: Junk.nested(100_000) }]) {
      assert.strictEqual(decideUnknown(run.state, input).kind, "refused")
    }
    assert.strictEqual(decideUnknown(run.state, { type: "AddNote", at: 9e15, text: "" }).kind, "refused")
  }, 60_000)

  it("K8: evolve folds any journal, and what is left can be asked", () => {
    const runs = new Map<number, RandomRun>()
    over(1_500, (seed, noise) => {
      const chance = new Chance(seed)
      const base = 1 + seed % 200
      const run = runs.get(base) ?? drive(base, noise)
      runs.set(base, run)
      const journal = run.events.map((event): unknown => event)
      for (let change = chance.int(1, 3); change > 0; change--) {
        const at = chance.int(0, journal.length - 1)
        const way = chance.int(0, 3)
        if (way === 0) journal.splice(at, 1)
        else if (way === 1) journal.splice(at, 0, journal[chance.int(0, journal.length - 1)])
        else journal[at] = Junk.garble(chance, journal[at] as Json)
      }
      const state = RunState.empty(run.plan)
      for (const event of journal) evolve(state, event as Events.Event)
      assert.strictEqual(state.seq, journal.length)
      if (state.sealed === undefined) return
      assert.strictEqual(decideUnknown(state, { type: "CancelRun", at: run.at }).kind, "refused")
      assert.isNotEmpty(state.finished === undefined ? explain(state, run.at) : ["finished"])
      Outstanding.outstanding(state)
    })
  }, 60_000)

  it("K9: a journal read back from its text folds to the state of the one who wrote it", () => {
    over(300, (seed, noise) => {
      const run = drive(seed, noise)
      const state = RunState.empty(run.plan)
      const text = JSON.stringify(run.events)
      for (const event of JSON.parse(text) as ReadonlyArray<Events.Event>) evolve(state, event)
      assert.strictEqual(fingerprint(state), fingerprint(run.state))
    })
  }, 60_000)

  it("K9: a view of a state folds as the state itself does", () => {
    over(250, (seed, noise) => {
      const state = RunState.empty(drive(seed, noise).plan)
      drive(seed, noise, (found) => {
        const events = decided(found)
        const view = RunState.fork(state)
        for (const event of events) evolve(view, event)
        // Read before the state moves: a view stands on the state as it was.
        const seen = fingerprint(view)
        for (const event of events) evolve(state, event)
        assert.strictEqual(seen, fingerprint(state))
      })
    })
  }, 60_000)
})
