/** Which steps a process works on. */
import * as Context from "effect/Context"

/** The node types that this process works on, when it is not all of them. */
export class WorkerTypes extends Context.Reference<ReadonlySet<string> | undefined>("baton/engine/WorkerTypes", {
  defaultValue: () => undefined
}) {}

/** What a map gives together is never left to others. */
export const serves = (types: ReadonlySet<string> | undefined, type: string): boolean =>
  types === undefined || type === "gather" || types.has(type)
