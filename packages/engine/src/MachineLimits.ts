/** Bounds of the machine. Each has a name, a unit and a default; `server` reads overrides from the configuration. */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"

export interface MachineLimits {
  /** Runs whose records share one commit. */
  readonly batchRunsMax: number
  /** Events of one run in one record. */
  readonly recordEventsMax: number
  /** Times a run is folded anew and asked again after it lost the fence. */
  readonly conflictsMax: number
  /** Runs whose folded state is kept although nothing happens to them. */
  readonly residentRunsMax: number
  /** Attempts of one node type that run at once, by type; `default` for the rest. */
  readonly concurrency: { readonly [type: string]: number }
  /** Running attempts get this long to end when the machine stops. */
  readonly stopGrace: Duration.Duration
  /** How often handed-in commands are looked for. */
  readonly commandsEvery: Duration.Duration
  /** How often the sweeper compares what must be with what is. */
  readonly sweepEvery: Duration.Duration
  /** How often a run that waits for a place looks for one that another process has freed. */
  readonly placesEvery: Duration.Duration
  /** Runs adopted in one go. */
  readonly adoptMax: number
  /** Bytes of decoded blobs kept at hand. */
  readonly blobCacheBytesMax: number
  /** A run that has not moved for this long while it claims to be running is reported as stalled. */
  readonly stallAfter: Duration.Duration
}

export const defaults: MachineLimits = {
  batchRunsMax: 1024,
  recordEventsMax: 1024,
  conflictsMax: 8,
  residentRunsMax: 4096,
  concurrency: { default: 256 },
  stopGrace: Duration.seconds(30),
  commandsEvery: Duration.millis(50),
  sweepEvery: Duration.seconds(5),
  placesEvery: Duration.millis(250),
  adoptMax: 1000,
  blobCacheBytesMax: 64 * 1024 * 1024,
  stallAfter: Duration.minutes(5)
}

export const MachineLimits = Context.Reference<MachineLimits>("baton/engine/MachineLimits", {
  defaultValue: () => defaults
})
