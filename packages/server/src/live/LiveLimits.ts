/** Bounds of live streams. Each has a name, a unit and a default. */
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { duration, positive } from "../gate/ServerLimits.ts"

export interface LiveLimits {
  /** Runs that one connection follows. */
  readonly runsMax: number
  /** The newest frames of a run, kept for its readers: how many, and bytes. Who is further behind reads the journal. */
  readonly ringFramesMax: number
  readonly ringBytesMax: number
  /** Bytes of such frames over all runs. */
  readonly ringsBytesMax: number
  /** Bytes that wait in this process for one connection's peer; beyond them nothing more is handed to it. */
  readonly pendingBytesMax: number
  /** Bytes handed to a connection in one go; one frame may be larger. */
  readonly batchBytesMax: number
  /** Records read from a journal in one go. */
  readonly pageRecordsMax: number
  /** A connection on which nothing was sent for this long gets a comment. */
  readonly keepAliveEvery: Duration.Duration
  /** A peer that takes nothing for this long while something waits for it is dropped. */
  readonly stallAfter: Duration.Duration
  /** How long a peer that was dropped may take to read what it was sent before. */
  readonly dropGrace: Duration.Duration
  /** How often it is looked what other processes have written. */
  readonly pollEvery: Duration.Duration
  /** Runs found in one such look. */
  readonly pollRunsMax: number
  /** How long one snapshot of a run serves all who come. */
  readonly snapshotFor: Duration.Duration
  /** A connection ends after this long, and its peer resumes: who may no longer read is found out then at the latest. */
  readonly connectionFor: Duration.Duration
  /** How long a run's frames are kept without a reader: one that was cut comes back soon. */
  readonly restFor: Duration.Duration
  /** Changes of a run are told to the readers of a tenant's stream at most this often. */
  readonly summariesEvery: Duration.Duration
  /** Bytes of one message of a WebSocket's peer. */
  readonly messageBytesMax: number
  /** Messages of a WebSocket's peer in one second. */
  readonly messagesPerSecondMax: number
  /** How often a WebSocket's peer is asked whether it lives; two questions unanswered end the connection. */
  readonly pingEvery: Duration.Duration
}

export const defaults: LiveLimits = {
  runsMax: 100,
  ringFramesMax: 512,
  ringBytesMax: 512 * 1024,
  ringsBytesMax: 64 * 1024 * 1024,
  pendingBytesMax: 64 * 1024,
  batchBytesMax: 32 * 1024,
  pageRecordsMax: 64,
  keepAliveEvery: Duration.seconds(15),
  stallAfter: Duration.seconds(30),
  dropGrace: Duration.seconds(5),
  pollEvery: Duration.millis(100),
  pollRunsMax: 1000,
  snapshotFor: Duration.millis(200),
  connectionFor: Duration.hours(1),
  restFor: Duration.seconds(5),
  summariesEvery: Duration.millis(50),
  messageBytesMax: 64 * 1024,
  messagesPerSecondMax: 50,
  pingEvery: Duration.seconds(20)
}

export const LiveLimits = Context.Reference<LiveLimits>("baton/server/live/LiveLimits", {
  defaultValue: () => defaults
})

/** As the configuration says, else as they are given. */
export const load: Effect.Effect<LiveLimits, Config.ConfigError> = Effect.gen(function*() {
  const given = yield* LiveLimits
  const set = yield* Config.all({
    keepAliveEvery: duration("BATON_LIVE_KEEP_ALIVE", given.keepAliveEvery),
    pingEvery: duration("BATON_LIVE_PING", given.pingEvery),
    stallAfter: duration("BATON_LIVE_STALL_AFTER", given.stallAfter),
    connectionFor: duration("BATON_LIVE_CONNECTION_FOR", given.connectionFor),
    ringsBytesMax: positive("BATON_LIVE_BUFFER_BYTES", given.ringsBytesMax),
    pendingBytesMax: positive("BATON_LIVE_PENDING_BYTES", given.pendingBytesMax)
  })
  return { ...given, ...set }
})
