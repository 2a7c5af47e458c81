/** What the process answers with. Each code has one meaning; `docs/reference/exit-codes.md` lists them. */
import type { ClientError } from "@baton/contract/Client"
import type { RunStatus } from "@baton/contract/RunDocument"

export const exitCodes = {
  done: 0,
  /** A bug in Baton. */
  bug: 1,
  /** Wrong command line, invalid input, or a store that cannot serve. */
  usage: 2,
  runFailed: 3,
  runCancelled: 4,
  /** A person must decide, and nobody could be asked here. */
  humanNeeded: 5,
  /** `--wait-timeout` passed; the run is not over. */
  stoppedWaiting: 6,
  /** Not found, ambiguous, or in conflict with what is there. */
  notFound: 7,
  denied: 8,
  /** No server, or the event stream ended before the run did. */
  unreachable: 9,
  /** Done with warnings, under `--strict`. */
  warned: 10,
  /** `flows check` or `doctor` found problems. */
  problems: 11,
  /** 128 + SIGHUP. */
  hungUp: 129,
  /** 128 + SIGINT. */
  interrupted: 130,
  /** 128 + SIGTERM. */
  terminated: 143
} as const

export const ofClientError = (reason: ClientError["reason"]): number => {
  switch (reason) {
    case "invalid":
    case "unavailable":
      return exitCodes.usage
    case "not_found":
    case "conflict":
      return exitCodes.notFound
    case "denied":
      return exitCodes.denied
    case "unreachable":
      return exitCodes.unreachable
    case "internal":
      return exitCodes.bug
  }
}

/** The code of a run that was waited for; a run that is not over has none. */
export const ofStatus = (status: RunStatus, strict: boolean): number | undefined => {
  switch (status) {
    case "succeeded":
      return exitCodes.done
    case "warned":
      return strict ? exitCodes.warned : exitCodes.done
    case "failed":
      return exitCodes.runFailed
    case "cancelled":
      return exitCodes.runCancelled
    default:
      return undefined
  }
}
