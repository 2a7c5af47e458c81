/**
 * `patch_plan`: an agent changes the plan of its own run, as far as the flow's policy lets it (SEMANTICS 8.9d).
 *
 * The patch is committed before the tool answers and stays if the attempt fails. The call's key makes it count once. A
 * refused patch is a failed call whose detail lists every problem, so that the model can mend it.
 */
import { type AgentTool, type ToolContext, ToolError } from "@baton/engine/AgentTool"
import * as PlanPatching from "@baton/engine/PlanPatching"
import type { Json, JsonObject } from "@baton/kernel/Value"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

export const name = "patch_plan"

const description = `Adds steps to the plan of the run you work in. operations is a JSON Patch (RFC 6902): \
{"op":"add","path":"/nodes/-","value":{"id":"check","agent":"scout","needs":["plan"],"input":{"q":"…"}}} adds a node after \
the node plan; {"op":"add","path":"/edges/-","value":{"from":"check","to":"write"}} lets write wait for it. Every new node \
needs an incoming edge (needs, or an edge). base is the revision you saw; an empty list of operations only shows the plan. \
The answer says applied, review (people decide; go on with your work), or what was wrong.`

export const tool: AgentTool = {
  name,
  description,
  inputSchema: {
    type: "object",
    properties: {
      operations: { type: "array", items: { type: "object" }, description: "RFC 6902 operations on /nodes and /edges" },
      base: { type: "integer", description: "The plan's revision that the patch is made for" },
      reason: { type: "string", description: "Why, in a sentence; people read it when they review the patch" }
    },
    required: ["operations"],
    additionalProperties: false
  },
  effect: "keyed",
  version: "1",
  execute: (input, context) => execute(input, context)
}

const execute = Effect.fnUntraced(function*(input: JsonObject, context: ToolContext) {
  const clock = yield* Clock.Clock
  const { attempt, command, key, path, state } = context
  const seen = yield* state
  if (command === undefined || seen === undefined) {
    return yield* failed("PATCH_OFF", "There is no run here whose plan could be changed.")
  }
  const operations = input["operations"] ?? null
  if (Array.isArray(operations) && operations.length === 0) return { output: PlanPatching.outline(seen) }
  const machine = { command, state, now: () => clock.currentTimeMillisUnsafe() }
  const { base, reason } = input
  const answer = yield* PlanPatching.propose(machine, { path, attempt }, {
    operations,
    key,
    ...(typeof base === "number" ? { base } : {}),
    ...(typeof reason === "string" ? { reason } : {})
  })
  if (answer.status === "refused") {
    const { code, message, problems, revision } = answer
    return yield* failed(code, message, { revision, problems: problems as ReadonlyArray<Json> })
  }
  return { output: { ...answer } }
})

const failed = (code: string, message: string, detail?: Json) =>
  Effect.fail(new ToolError({ outcome: "failed", code, message, ...(detail === undefined ? {} : { detail }) }))
