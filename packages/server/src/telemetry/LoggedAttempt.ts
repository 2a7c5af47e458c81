/** What log lines of an attempt say beside their words, where logs are read by programs. */
import type { Probe } from "@baton/engine/Probe"
import * as Trace from "@baton/kernel/Trace"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as References from "effect/References"

/** `json`: logs are lines of JSON, and each says which run, step and trace it is about. */
export const format = Config.Literals(["text", "json"], "BATON_LOG_FORMAT").pipe(Config.withDefault("text" as const))

export const around = (surroundings: Probe["surroundings"]): Probe["surroundings"] => (offer, state) => {
  const { attempt, path, run, tenant } = offer
  const annotations = {
    run,
    step: path,
    tenant,
    trace_id: Trace.traceId(state),
    span_id: Trace.stepSpan(Trace.runSpan(state), path, attempt)
  }
  return Context.add(surroundings(offer, state) ?? Context.empty(), References.CurrentLogAnnotations, annotations)
}
