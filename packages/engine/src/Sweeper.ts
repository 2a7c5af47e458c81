/**
 * What keeps a run going when a hint was lost, a process died or a clock rang: alarms, adoption, handed-in commands, and
 * the sweep that compares what the journal says must be in the queue with what workers have begun.
 */
import type { Command } from "@baton/kernel/Command"
import * as Commands from "@baton/kernel/Command"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { ChildRuns } from "./ChildRuns.ts"
import { Coordinator } from "./Coordinator.ts"
import { outstanding } from "./CoordinatorFiber.ts"
import type { Failpoint } from "./Failpoint.ts"
import { Failpoints } from "./Failpoint.ts"
import { MachineLimits } from "./MachineLimits.ts"
import type { Settled } from "./RunSlot.ts"
import { attemptKey } from "./RunSlot.ts"
import type { RunStoreError } from "./RunStore.ts"
import { RunStore } from "./RunStore.ts"
import type { HandedCommand } from "./Sessions.ts"
import { Sessions } from "./Sessions.ts"
import * as StandingCheck from "./StandingCheck.ts"

/** The longest the alarm fiber sleeps, so that an alarm set meanwhile or a clock that jumped is noticed. */
const alarmEveryMsMax = 1000
/** Alarms fired in one go. */
const alarmsMax = 1000
/** Commands taken in one go. */
const commandsMax = 100

interface Parts {
  readonly coordinator: Coordinator["Service"]
  readonly children: ChildRuns["Service"]
  readonly store: RunStore["Service"]
  readonly sessions: Sessions["Service"]
  readonly clock: Clock.Clock
  readonly limits: MachineLimits
  readonly reach: (point: Failpoint) => Effect.Effect<void>
  readonly scope: Scope.Scope
}

/** Fires what is due, then sleeps until the next alarm; a new, earlier one is noticed within the shortest sleep. */
const alarms = ({ clock, coordinator }: Parts): Effect.Effect<never> => {
  const ring = Effect.suspend(() => {
    const now = clock.currentTimeMillisUnsafe()
    for (const { slot, timer } of coordinator.alarms.take(now, alarmsMax)) {
      coordinator.post(slot.tenant, slot.run, {
        type: "FireTimer",
        at: now,
        kind: timer.kind,
        path: timer.path,
        n: timer.n
      }, [])
    }
    const next = coordinator.alarms.nextDue
    const sleep = Math.min(next === undefined ? alarmEveryMsMax : Math.max(1, next - now), alarmEveryMsMax)
    return Effect.raceFirst(Effect.sleep(sleep), coordinator.alarms.earlier.await)
  })
  return Effect.forever(unbroken("alarms", ring))
}

/** How long a part of the machine rests after a bug of ours broke it, in milliseconds. */
const brokenRestMs = 1000

/** A part that ends would stop the runs of this process without a word: it says so, rests, and goes on. */
export const unbroken = <E>(name: string, effect: Effect.Effect<void, E>): Effect.Effect<void, E> =>
  Effect.catchDefect(effect, (defect) =>
    Effect.andThen(
      Effect.logError(`The ${name} broke`, { reason: defect instanceof Error ? defect.message : "an unknown error" }),
      Effect.sleep(brokenRestMs)
    ))

/** Offers of this process that no worker has begun for a whole sweep were lost on the way. */
const repair = (parts: Parts, before: Map<string, number>): Effect.Effect<Map<string, number>> =>
  Effect.gen(function*() {
    const waiting = new Map<string, number>()
    for (const slot of parts.coordinator.slots()) {
      // What is not durable yet must not leave the process (SEMANTICS 8.1d).
      if (slot.state?.seq !== slot.head) continue
      const missing = outstanding(slot).filter(({ attempt, path }) => !slot.begun.has(attemptKey(path, attempt)))
      const lost = missing.filter(({ attempt, path }) => before.has(`${slot.run} ${path}#${attempt}`))
      for (const { attempt, path } of missing) waiting.set(`${slot.run} ${path}#${attempt}`, slot.head)
      if (lost.length > 0) yield* parts.coordinator.offerAgain(slot, lost)
    }
    return waiting
  })

/** Total: whatever stands in the row, it is a command or none. */
const decode = (text: string): Option.Option<Command> => {
  const parsed = Result.try((): unknown => JSON.parse(text))
  return Result.isSuccess(parsed) ? Commands.decode(parsed.success) : Option.none()
}

/** A command that another process handed in: decided as any other, its answer written with its record. */
const serve = (parts: Parts, handed: HandedCommand): Effect.Effect<void, RunStoreError> => {
  const command = decode(handed.command)
  if (Option.isNone(command)) {
    const refused: Settled = {
      kind: "refused",
      code: "COMMAND_INVALID",
      message: "this is no command that Baton knows"
    }
    return parts.sessions.reply(handed.id, JSON.stringify(refused))
  }
  // The giver's clock is not the owner's: a run's time is told by its owner.
  const now: Command = { ...command.value, at: parts.clock.currentTimeMillisUnsafe() }
  return parts.coordinator.command(handed.tenant, handed.run, now, { handed: handed.id }).pipe(
    Effect.flatMap((settled) =>
      settled.kind === "lost" ? parts.sessions.reply(handed.id, JSON.stringify(settled)) : Effect.void
    )
  )
}

/** One run that cannot answer keeps no other command waiting. */
const commands = (parts: Parts, serving: Set<number>): Effect.Effect<void, RunStoreError> =>
  Effect.flatMap(
    parts.sessions.taken(commandsMax),
    (handed) =>
      Effect.forEach(handed.filter(({ id }) => !serving.has(id)), (one) => {
        serving.add(one.id)
        return serve(parts, one).pipe(
          Effect.catch((error) => Effect.logWarning("A command must wait", { id: one.id, reason: error.reason })),
          Effect.ensuring(Effect.sync(() => serving.delete(one.id))),
          Effect.forkIn(parts.scope)
        )
      }, { discard: true })
  )

/** Takes over the runs of dead sessions, all at once. */
export const adopt = Effect.fnUntraced(function*(
  parts: Pick<Parts, "coordinator" | "sessions" | "limits" | "reach" | "clock">,
  only?: { readonly tenant: string; readonly run: string },
  command?: Command
) {
  yield* parts.reach("coordinator.before-adopt")
  const owned = yield* parts.sessions.adopt(parts.limits.adoptMax, only)
  yield* parts.reach("coordinator.after-adopt-before-commit")
  const adopted = Effect.forEach(owned, (run) => parts.coordinator.adopt(run), { concurrency: "unbounded" })
  if (command === undefined) return yield* adopted
  // What is to be said of the run comes into the same record as the adoption, before any worker begins something.
  const said = Effect.suspend(() => {
    const now: Command = { ...command, at: parts.clock.currentTimeMillisUnsafe() }
    return Effect.forEach(owned, ({ run, tenant }) => parts.coordinator.command(tenant, run, now), {
      concurrency: "unbounded"
    })
  })
  const [, settled] = yield* Effect.all([adopted, said], { concurrency: "unbounded" })
  return settled
})

const adoptSafely = (parts: Parts): Effect.Effect<void> =>
  adopt(parts).pipe(
    Effect.catch((error) => Effect.logWarning("Runs could not be adopted", { reason: error.reason })),
    Effect.asVoid
  )

/** Every so many sweeps the reasons of all runs are asked for. */
const deepEvery = 12

/** Runs that have stalled are told so, and those nobody can explain are a bug of ours that must be seen. */
const check = Effect.fnUntraced(function*(parts: Parts, before: StandingCheck.Standing, isDeep: boolean) {
  const now = parts.clock.currentTimeMillisUnsafe()
  const afterMs = Duration.toMillis(parts.limits.stallAfter)
  const found = StandingCheck.look(parts.coordinator.slots(), now, afterMs, isDeep, before)
  for (const { run } of found.unexplained) yield* Effect.logError("Nobody can say why a run is not finished", { run })
  for (const { begun, run, tenant } of found.stalled) {
    yield* Effect.logWarning("A run does not move", { run })
    const limit = begun.size === 0 ? { afterMs } : {}
    parts.coordinator.post(tenant, run, { type: "CheckStall", at: now, ...limit }, [])
  }
  return found.standing
})

const expired = (parts: Parts): Effect.Effect<void, RunStoreError> =>
  parts.store.dispatchRows
    ? Effect.gen(function*() {
      const now = parts.clock.currentTimeMillisUnsafe()
      yield* parts.sessions.heartbeat(now)
      for (const lost of yield* parts.store.releaseExpired(now)) {
        parts.coordinator.slot(lost.tenant, lost.run)?.begun.delete(attemptKey(lost.path, lost.attempt))
        parts.coordinator.post(lost.tenant, lost.run, {
          type: "LoseDelivery",
          at: now,
          path: lost.path,
          attempt: lost.attempt
        }, [])
      }
    })
    : Effect.void

/** Goes on for ever: a store that does not serve now is asked again at the next turn. */
const every = (
  name: string,
  pause: Duration.Duration,
  effect: Effect.Effect<void, RunStoreError>
): Effect.Effect<never> =>
  unbroken(`sweeper's ${name}`, effect).pipe(
    Effect.catch((error) => Effect.logWarning(`The sweeper's ${name} must wait`, { reason: error.reason })),
    Effect.andThen(Effect.sleep(pause)),
    Effect.forever
  )

export interface SweeperOptions {
  /** Whether this process takes over runs whose process died (`dev`, `serve`, `runs resume`; never `run`). */
  readonly adopt: boolean
}

export class Sweeper extends Context.Service<Sweeper, {
  /** Adopts now, all that is free or one run; answers how each adoption ended or, with a command, how that ended. */
  readonly adopt: (
    only?: { readonly tenant: string; readonly run: string },
    command?: Command
  ) => Effect.Effect<ReadonlyArray<Settled>, RunStoreError>
  /** What the last standing check found of the runs owned here. */
  readonly standing: () => StandingCheck.Standing
}>()("baton/engine/Sweeper") {
  static readonly layer = (
    options: SweeperOptions
  ): Layer.Layer<Sweeper, never, Coordinator | ChildRuns | RunStore | Sessions> =>
    Layer.effect(
      Sweeper,
      Effect.gen(function*() {
        const failpoint = yield* Failpoints
        const parts: Parts = {
          coordinator: yield* Coordinator,
          children: yield* ChildRuns,
          store: yield* RunStore,
          sessions: yield* Sessions,
          clock: yield* Clock.Clock,
          limits: yield* MachineLimits,
          reach: failpoint ?? (() => Effect.void),
          scope: yield* Effect.scope
        }
        const serving = new Set<number>()
        let waiting = new Map<string, number>()
        let standing = StandingCheck.nothing
        let sweeps = 0
        const sweep = Effect.gen(function*() {
          waiting = yield* repair(parts, waiting)
          yield* parts.children.sweep
          parts.coordinator.trim()
          yield* expired(parts)
          standing = yield* check(parts, standing, sweeps++ % deepEvery === 0)
          // A run that cannot be read answers late or never: the sweep goes on without it.
          if (options.adopt) yield* Effect.forkIn(adoptSafely(parts), parts.scope)
        })
        yield* Effect.forkScoped(alarms(parts))
        yield* Effect.forkScoped(every("look for commands", parts.limits.commandsEvery, commands(parts, serving)))
        yield* Effect.forkScoped(every("sweep", parts.limits.sweepEvery, sweep))
        yield* Effect.addFinalizer(() => release(parts))
        return {
          adopt: (only, command) => adopt(parts, only, command),
          standing: () => standing
        }
      })
    )
}

/** An orderly stop: everything is written, and the runs are free for whoever comes next. */
const release = (parts: Parts): Effect.Effect<void> =>
  parts.children.settled.pipe(
    // A store that does not serve keeps nobody from stopping: the next owner does again what is lost.
    Effect.timeoutOrElse({ duration: parts.limits.stopGrace, orElse: () => Effect.void }),
    Effect.andThen(Effect.suspend(() =>
      parts.sessions.release([...parts.coordinator.slots()].map(({ run, tenant }) => ({ tenant, run })))
    )),
    Effect.catch((error) =>
      Effect.logWarning("Runs could not be released", { reason: error.reason })
    )
  )
