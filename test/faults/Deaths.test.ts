/** Processes that die between two durable writes: nothing acknowledged is lost, nothing counts twice, no call is repeated blindly. */
import type { Failpoint } from "@baton/engine/Failpoint"
import * as MemoryState from "@baton/engine/MemoryState"
import type { Node } from "@baton/kernel/Flow"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { afterAll } from "vitest"
import { Chance } from "../../packages/kernel/test/random/Chance.ts"
import { flow } from "../../packages/kernel/test/RunDriver.ts"
import * as Loopbacks from "../../packages/net/test/Loopback.ts"
import * as Scenario from "../crash/Scenario.ts"
import * as Machine from "./Machine.ts"

const reached = new Set<string>()

/** Lives under way; the next one waits for a free place. */
const places = [Promise.resolve(), Promise.resolve()]

const check = async (scenarios: ReadonlyArray<ReadonlyArray<Scenario.Kill>>): Promise<void> => {
  const found = await Promise.all(scenarios.map((kills, index) => {
    const turn = places[index % places.length] ?? Promise.resolve()
    const life = turn.then(() => Scenario.run(kills))
    places[index % places.length] = life.then(() => undefined, () => undefined)
    return life
  }))
  for (const point of found.flatMap((life) => [...life.reached])) reached.add(point)
  const complaints = found.flatMap((life, index) =>
    life.complaints.map((complaint) => `${complaint}, after ${JSON.stringify(scenarios[index])}`)
  )
  assert.deepStrictEqual(complaints, [])
}

const named: { readonly [point in Failpoint]?: string } = {
  "coordinator.before-commit": "fault 01: a process killed before it commits what it has decided",
  "coordinator.after-commit-before-reply": "fault 02: a process killed after its commit, before anybody knows",
  "coordinator.after-reply-before-offer": "fault 03: a process killed before what it has committed goes out",
  "worker.after-attempt-before-completion": "fault 04: a process killed after the work, before it is reported"
}

describe.concurrent("a process that is killed loses nothing that was acknowledged, and counts nothing twice", () => {
  const others = Scenario.points.filter((point) => named[point] === undefined)
  for (const point of Scenario.points) {
    const title = named[point]
    if (title !== undefined) it(title, () => check([Scenario.towards(point, 1)]), 120_000)
  }

  it("fault 05: at every other named place", () => check(others.map((point) => Scenario.towards(point, 1))), 120_000)

  it("fault 05: at random pairs of places and moments", () => {
    const chance = new Chance(1)
    const kills = (): Scenario.Kill =>
      chance.is(0.5)
        ? { afterMs: chance.int(400, 1_200) }
        : { point: chance.pick(Scenario.points), n: chance.int(2, 6) }
    // The third loss of one attempt is taken for its fault: two deaths a life.
    return check(Array.from({ length: 3 }, () => [kills(), kills()]))
  }, 120_000)

  afterAll(() => {
    const never = Scenario.points.filter((point) => !reached.has(point))
    if (never.length > 0) console.log(`never reached: ${never.join(", ")}`)
  })
})

/**
 * A call is made, then its process dies without a word. Another process takes the run over. Answers what the server was
 * asked with, and the journal.
 */
const afterTheCall = (fields: Partial<Node>, isOver: Parameters<typeof Machine.until>[1]) =>
  Effect.gen(function*() {
    const keys: Array<string | undefined> = []
    const server = yield* Loopbacks.serve((request, response) => {
      keys.push(request.headers["idempotency-key"] as string | undefined)
      response.end("done")
    })
    const call = { id: "call", type: "http", method: "POST", url: `${server.origin}/`, ...fields } as Node
    const died = Loopbacks.signal()
    const allow = [`127.0.0.1:${server.port}`]
    const reach = (point: Failpoint): Effect.Effect<void> =>
      point === "worker.after-attempt-before-completion"
        ? Effect.andThen(Effect.sync(() => died.fire()), Effect.never)
        : Effect.void
    return yield* Effect.gen(function*() {
      const state = yield* MemoryState.MemoryState
      const victim = yield* Layer.build(Machine.processOn({ allow, reach }))
      yield* Effect.provide(Machine.start("run", flow([call])), victim)
      yield* died.wait
      for (const session of [...state.sessions.keys()]) MemoryState.kill(state, session)
      const heir = yield* Layer.build(Machine.processOn({ allow }))
      const events = yield* Effect.provide(Machine.until("run", isOver), heir)
      return { keys, events }
    }).pipe(Effect.provide(MemoryState.MemoryState.layer))
  })

describe("a worker that dies after a call, before it could report", () => {
  it.live("fault 04: the call of a keyed step is made again under the same key, and counts once", () =>
    Effect.gen(function*() {
      const { events, keys } = yield* afterTheCall({ effect: "keyed" }, Machine.isEnded)
      assert.strictEqual(Machine.end(events)?.status, "succeeded")
      assert.strictEqual(keys.length, 2)
      assert.isString(keys[0])
      assert.strictEqual(keys[1], keys[0])
      assert.strictEqual(Machine.all(events, "StepSucceeded").length, 1)
      assert.deepStrictEqual(Machine.all(events, "RunAdopted").map(({ lost }) => lost), [["call"]])
      assert.deepStrictEqual(Machine.all(events, "StepRetryScheduled"), [])
    }))

  it.live("fault 04: an irreversible call is not made again; the step waits for a human", () =>
    Effect.gen(function*() {
      const waits = (events: Parameters<typeof Machine.isEnded>[0]): boolean =>
        events.some((event) => event.type === "StepWaiting")
      const { events, keys } = yield* afterTheCall({}, waits)
      assert.strictEqual(keys.length, 1)
      assert.strictEqual(Machine.all(events, "CallStarted").length, 1)
      const [waiting] = Machine.all(events, "StepWaiting")
      assert.deepInclude(waiting?.wait, { kind: "operator", reason: "unknown_outcome" })
    }))
})
