/** What operators do beyond the steps of a living run. */
import { OperatorClient } from "@baton/contract/OperatorClient"
import type { Parts } from "./Parts.ts"
import * as RunFork from "./RunFork.ts"

export const make = (parts: Parts): OperatorClient["Service"] =>
  OperatorClient.of({
    fork: (request) => RunFork.fork(parts, request),
    retry: (request) => RunFork.retry(parts, request)
  })
