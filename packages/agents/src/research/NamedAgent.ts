/** An agent as a plain value: what it is and how it is called. A registry puts many of them behind the `Agents` port. */
import type { AgentAnswer, AgentCall, AgentError, AgentInfo } from "@baton/engine/Agents"
import type * as Effect from "effect/Effect"

export interface NamedAgent {
  readonly info: AgentInfo
  readonly call: (call: AgentCall) => Effect.Effect<AgentAnswer, AgentError>
}
