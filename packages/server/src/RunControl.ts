/** Asking something of a run, whoever owns it: here, in another living process, or nobody any more. */
import { ClientError } from "@baton/contract/Client"
import type { Settled } from "@baton/engine/RunSlot"
import type { RunRow } from "@baton/engine/RunStore"
import type { Command } from "@baton/kernel/Command"
import * as Decide from "@baton/kernel/Decide"
import { Problem } from "@baton/kernel/Problem"
import type { BlobRef, Json } from "@baton/kernel/Value"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Answers from "./Answers.ts"
import type { Parts } from "./Parts.ts"
import * as RunAnnotation from "./RunAnnotation.ts"
import * as RunReading from "./RunReading.ts"
import * as RunStart from "./RunStart.ts"

/** How often a handed-in command's answer is looked for. */
const lookEvery = Duration.millis(20)
/** How long a living owner may take to answer: it looks every 50 ms, but its process may be suspended. */
const answerWait = Duration.seconds(10)
/** How often a run is asked again because its owner changed under our hands. */
const triesMax = 5

const Answer = Schema.fromJsonString(Schema.Union([
  Schema.Struct({ kind: Schema.Literal("accepted"), events: Schema.Int, head: Schema.Int }),
  Schema.Struct({
    kind: Schema.Literal("refused"),
    code: Schema.String,
    message: Schema.String,
    problems: Schema.optionalKey(Schema.Array(Problem))
  }),
  Schema.Struct({
    kind: Schema.Literal("lost"),
    reason: Schema.Literals(["not_owner", "exists", "conflict", "unavailable", "missing"]),
    message: Schema.String
  })
]))
const decodeAnswer = Schema.decodeUnknownOption(Answer)

const silent = (run: string): ClientError =>
  new ClientError({
    reason: "conflict",
    code: "OWNER_SILENT",
    message: `the process that runs ${run} lives but does not answer; it may be suspended. It decides when it goes on`,
    hint: "let that process go on, or end it and ask again"
  })

/** Waits for the owner's answer; `undefined` when the owner is gone and will not give one. */
const awaitAnswer = Effect.fnUntraced(function*(
  parts: Parts,
  run: string,
  id: number,
  owner: string
): Effect.fn.Return<Settled | undefined, ClientError> {
  const until = parts.clock.currentTimeMillisUnsafe() + Duration.toMillis(answerWait)
  for (;;) {
    const answer = yield* Effect.mapError(parts.sessions.answer(id), Answers.fromStore)
    if (answer !== undefined) return Option.getOrUndefined(decodeAnswer(answer))
    if (!(yield* Effect.mapError(parts.sessions.isAlive(owner), Answers.fromStore))) return undefined
    if (parts.clock.currentTimeMillisUnsafe() >= until) return yield* Effect.fail(silent(run))
    yield* Effect.sleep(lookEvery)
  }
})

const elsewhere = Effect.fnUntraced(function*(
  parts: Parts,
  run: string,
  command: Command
): Effect.fn.Return<Settled | undefined, ClientError> {
  const row = yield* Effect.mapError(parts.store.find(parts.tenant, run), Answers.fromStore)
  if (row === undefined) return yield* Effect.fail(Answers.runNotFound(run))
  const isOver = row.endedAt !== undefined
  if (!isOver && (yield* isOwned(parts, row)) && row.owner !== undefined && row.owner !== parts.sessions.id) {
    const id = yield* Effect.mapError(
      parts.sessions.give(parts.tenant, run, JSON.stringify(command)),
      Answers.fromStore
    )
    return yield* awaitAnswer(parts, run, id, row.owner)
  }
  const settled = yield* rehearse(parts, row, command)
  if (settled !== undefined) return settled
  return isOver ? yield* annotate(parts, row, command) : yield* adopt(parts, row, command)
})

/** What a run that is over still takes is said to it without an owner; `undefined` when somebody else has said something. */
const annotate = Effect.fnUntraced(function*(
  parts: Parts,
  row: RunRow,
  command: Command
): Effect.fn.Return<Settled | undefined, ClientError> {
  const written = yield* Effect.mapError(
    RunAnnotation.write(parts, row, command),
    (error) => error._tag === "RunStoreError" ? Answers.fromStore(error) : Answers.fromFlows(error)
  )
  if (written === undefined) return undefined
  return written.events === 0
    ? { kind: "refused", code: "RUN_FINISHED", message: `the run has ended: ${row.code ?? row.status}` }
    : { kind: "accepted", ...written }
})

/** How often values are loaded that a decision reads. */
const roundsMax = 8

/**
 * Asked of the run as it stands, before anybody takes it over: what is refused leaves no trace in a run that nobody owns,
 * and a run that is over still tells what became of what is asked. `undefined`: it is not refused.
 */
const rehearse = Effect.fnUntraced(function*(
  parts: Parts,
  row: RunRow,
  command: Command
): Effect.fn.Return<Settled | undefined, ClientError> {
  const state = yield* RunReading.stateOf(parts, row.run)
  const blobs = new Map<BlobRef, Json>()
  for (let round = 0; round < roundsMax; round++) {
    const decision = Decide.decide(state, command, blobs)
    if (decision.kind === "refused") return { kind: "refused", ...decision.refusal }
    if (decision.kind === "events") return undefined
    for (const ref of decision.needs.refs) {
      blobs.set(ref, yield* Effect.mapError(parts.coordinator.json(parts.tenant, ref), Answers.fromBlobs))
    }
  }
  return undefined
})

/**
 * Nobody owns it: whoever has something to say takes it over, and says it in the same breath. A process that executes
 * steps must have the run's functions: taken up without them, the run would fail, and a failure is final.
 */
const adopt = Effect.fnUntraced(function*(
  parts: Parts,
  row: RunRow,
  command: Command | undefined
): Effect.fn.Return<Settled | undefined, ClientError> {
  const { run } = row
  if (parts.execute) {
    // As patches have left it: a patched-in function must be here too.
    const { plan } = yield* RunReading.stateOf(parts, run)
    yield* RunStart.requireServed(parts, plan, `baton runs resume ${run}`)
  }
  const [settled] = yield* Effect.mapError(
    parts.sweeper.adopt({ tenant: parts.tenant, run }, command),
    Answers.fromStore
  )
  return settled
})

const isOwned = (parts: Parts, row: RunRow): Effect.Effect<boolean, ClientError> =>
  row.owner === undefined
    ? Effect.succeed(false)
    : Effect.mapError(parts.sessions.isAlive(row.owner), Answers.fromStore)

/** Decides a command wherever the run lives, and answers when that is durable. */
export const ask = Effect.fnUntraced(function*(
  parts: Parts,
  run: string,
  make: (at: number) => Command
): Effect.fn.Return<Settled, ClientError> {
  for (let tries = 0; tries < triesMax; tries++) {
    const command = make(parts.clock.currentTimeMillisUnsafe())
    const here = parts.coordinator.slot(parts.tenant, run) !== undefined
    const settled = here
      ? yield* parts.coordinator.command(parts.tenant, run, command)
      : yield* elsewhere(parts, run, command)
    if (settled !== undefined && !(settled.kind === "lost" && settled.reason === "not_owner")) {
      return yield* Answers.fromSettled(run, settled)
    }
  }
  return yield* Effect.fail(
    new ClientError({
      reason: "conflict",
      code: "RUN_OWNED_ELSEWHERE",
      message: `${run} changed its owner again and again; try once more`
    })
  )
})

/** Takes over a run whose process died; nothing happens when it lives here or elsewhere. */
export const takeOver = Effect.fnUntraced(function*(parts: Parts, run: string): Effect.fn.Return<void, ClientError> {
  if (parts.coordinator.slot(parts.tenant, run) !== undefined) return
  const row = yield* Effect.mapError(parts.store.find(parts.tenant, run), Answers.fromStore)
  if (row === undefined) return yield* Effect.fail(Answers.runNotFound(run))
  if (!(yield* isOwned(parts, row))) yield* adopt(parts, row, undefined)
})
