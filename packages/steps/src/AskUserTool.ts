/**
 * `ask_user`: an agent puts a question to a person. The attempt ends there and holds no worker; the answer is the result of
 * the call, and the conversation goes on behind it. Asking has no effect outside.
 */
import type { AgentTool } from "@baton/engine/AgentTool"
import { optionsMax, questionLengthMax } from "@baton/kernel/Approval"
import * as Effect from "effect/Effect"

export const name = "ask_user"

export const make: AgentTool = {
  name,
  description:
    "Ask a person a question and wait for the answer, which may take hours. Ask only what you cannot find out yourself. " +
    "The result is {answer, by}; answer is null when nobody answered in time.",
  inputSchema: {
    type: "object",
    required: ["question"],
    additionalProperties: false,
    properties: {
      question: { type: "string", minLength: 1, maxLength: questionLengthMax },
      options: {
        type: "array",
        maxItems: optionsMax,
        items: { type: "string", minLength: 1 },
        description: "Answers to choose from, where there are a few."
      },
      form: { type: "object", description: "JSON Schema of the answer, where it has parts." }
    }
  },
  effect: "pure",
  version: "1",
  execute: (input) => Effect.succeed({ asks: input })
}
