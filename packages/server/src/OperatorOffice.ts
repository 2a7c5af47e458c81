/** What operators do beyond the steps of a living run. */
import { OperatorClient } from "@baton/contract/OperatorClient"
import * as DeadLetters from "./DeadLetters.ts"
import type { Parts } from "./Parts.ts"
import * as RunFork from "./RunFork.ts"
import * as Waits from "./Waits.ts"

export const make = (parts: Parts): OperatorClient["Service"] =>
  OperatorClient.of({
    fork: (request) => RunFork.fork(parts, request),
    retry: (request) => RunFork.retry(parts, request),
    waits: (reason, limit) => Waits.list(parts, reason, limit),
    letters: (query) => DeadLetters.list(parts, query),
    letter: (id) => DeadLetters.show(parts, id),
    reprocess: (id, options) => DeadLetters.reprocess(parts, id, options),
    discard: (id, note, by) => DeadLetters.discard(parts, id, note, by)
  })
