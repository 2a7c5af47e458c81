/** Where nobody records, what a run came with is passed on as it is (W3C Trace Context, section 3.5). */
import type { Probe } from "@baton/engine/Probe"
import * as Context from "effect/Context"
import { CarriedTrace } from "./CarriedTrace.ts"

export const surroundings: Probe["surroundings"] = (_, { trace }) =>
  trace === undefined ? undefined : Context.make(CarriedTrace, { state: trace.state, parent: trace.parent })

export const childTrace: Probe["childTrace"] = (state) => state.trace
