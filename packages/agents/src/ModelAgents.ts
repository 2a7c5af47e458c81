/**
 * Agents that are defined by instructions and a model.
 *
 *   - With an output schema the answer is JSON that conforms to it. A model that misses it is shown its problems once;
 *     missing it again is `validation`, with the problems and with the usage, which is paid all the same.
 *   - Without one the answer is `{ text }`.
 *   - Tools that the definition lists may be called on the way; see `AgentLoop`.
 *   - Every answer is JSON that can be stored (SEMANTICS 8.15); what was repaired for that is a warning.
 *   - Text passes through `emit` as it comes, that of every turn; `agent.stream.complete` carries the last.
 */
import { type AgentAnswer, type AgentCall, AgentError, type AgentFacts, type AgentInfo } from "@baton/engine/Agents"
import type { AgentTool } from "@baton/engine/AgentTool"
import * as CanonicalJson from "@baton/engine/CanonicalJson"
import type * as Flow from "@baton/kernel/Flow"
import * as Effect from "effect/Effect"
import * as AgentLoop from "./AgentLoop.ts"
import * as AgentPrompt from "./AgentPrompt.ts"
import type { AgentSource, DefinitionCall } from "./AgentRegistry.ts"
import * as AgentTools from "./AgentTools.ts"
import type * as ModelNotes from "./model/ModelNotes.ts"
import type { ModelRegistry } from "./model/ModelRegistry.ts"
import * as ProviderModel from "./model/ProviderModel.ts"
import * as StructuredOutput from "./output/StructuredOutput.ts"

export interface ModelAgentsOptions {
  readonly registry: ModelRegistry["Service"]
  /** The tools that definitions may list, by name. */
  readonly tools?: ReadonlyMap<string, AgentTool>
}

/** Answers that a schema may take: the first, and one repair. */
const answersMax = 2

const noTools: ReadonlyMap<string, AgentTool> = new Map()

/** Serves definitions written in flows. */
export const make = ({ registry, tools = noTools }: ModelAgentsOptions): DefinitionCall =>
  Effect.fnUntraced(
    function*(definition: Flow.AgentDefinition, call: AgentCall) {
      const listed = yield* AgentTools.listed(definition.tools ?? [], tools)
      const prompt = yield* promptOf(definition, call, listed.size > 0)
      const model = yield* registry.open(definition.model)
      const output = call.outputSchema === undefined ? undefined : StructuredOutput.make(call.outputSchema)
      const ended = yield* AgentLoop.run({
        call,
        model,
        prompt,
        tools: listed,
        settings: settingsOf(definition, output),
        judge: output === undefined ? judgeText : judgeJson(output)
      })
      if (ended.asks === undefined) {
        yield* call.emit({ type: "agent.stream.complete", text: textOf(ended.output, output) })
      }
      return answerOf(call, ended)
    },
    (effect, _, call) =>
      Effect.tapError(effect, (error) => call.emit({ type: "agent.stream.error", message: error.message }))
  )

/** Definitions that have a name of their own, as a source of agents. */
export const named = (
  definitions: { readonly [name: string]: Flow.AgentDefinition },
  options: ModelAgentsOptions
): AgentSource => {
  const define = make(options)
  const infos = new Map(
    Object.entries(definitions).map(([name, definition]) => [name, infoOf(name, definition, options)])
  )
  return {
    find: (name) => Effect.succeed(infos.get(name)),
    list: Effect.succeed([...infos.values()]),
    call: (call) => {
      const definition = typeof call.agent === "string" ? definitions[call.agent] : call.agent
      const schema = call.outputSchema ?? definition?.outputSchema
      return define(definition ?? {}, schema === undefined ? call : { ...call, outputSchema: schema })
    }
  }
}

/** A model without tools changes nothing in the world. With tools the worst of them counts. */
const infoOf = (
  name: string,
  definition: Flow.AgentDefinition,
  { registry, tools = noTools }: ModelAgentsOptions
): AgentInfo => ({
  name,
  description: definition.description ?? "",
  asks: definition.model === undefined ? {} : { model: definition.model },
  effect: AgentTools.worst((definition.tools ?? []).map((tool) => tools.get(tool)?.effect ?? "irreversible")),
  version: CanonicalJson.address(
    CanonicalJson.text({ definition, model: definition.model ?? registry.defaultReference ?? null })
  )
})

/** What answers of a definition depend on, apart from what is asked. */
export const describe =
  ({ registry, tools = noTools }: ModelAgentsOptions) => (definition: Flow.AgentDefinition): AgentFacts => {
    const listed = (definition.tools ?? []).map((name) => tools.get(name))
    const effect = AgentTools.worst(listed.map((tool) => tool?.effect ?? "irreversible"))
    const unversioned = (definition.tools ?? []).find((name) => tools.get(name)?.version === undefined)
    const model = definition.model ?? registry.defaultReference
    return {
      effect,
      prompt: { ...definition },
      tools: listed.map((tool) =>
        tool === undefined
          ? null
          : {
            name: tool.name,
            description: tool.description,
            inputSchema: tool.inputSchema,
            version: tool.version ?? null
          }
      ),
      ...(model === undefined ? {} : { model }),
      ...(unversioned === undefined
        ? { version: conversationVersion }
        : { version: undefined, unversioned: `the tool ${unversioned} has no version` })
    }
  }

/** Changes when the same definition is asked in another way: prompt layout, repairs, loop. */
const conversationVersion = "1"

const promptOf = Effect.fnUntraced(function*(definition: Flow.AgentDefinition, call: AgentCall, tools: boolean) {
  const instructions = definition.instructions ?? ""
  if (instructions.trim() === "") {
    return yield* refuse("configuration", `Agent "${call.name}" has no instructions.`)
  }
  if (JSON.stringify(call.input).length > AgentPrompt.inputLengthMax) {
    const problem = `is larger than ${AgentPrompt.inputLengthMax} characters; send the part that matters`
    return yield* refuse("validation", `The input of agent "${call.name}" ${problem}.`)
  }
  const { input, outputSchema } = call
  if (outputSchema === undefined) return AgentPrompt.make({ instructions, input, tools })
  const { verify, wire } = StructuredOutput.make(outputSchema)
  yield* verify
  return AgentPrompt.make({ instructions, input, tools, schema: wire })
})

const refuse = (reason: "configuration" | "validation", message: string) =>
  Effect.fail(new AgentError({ reason, message, retryable: false, sent: false }))

const settingsOf = (
  { maxOutputTokens, temperature }: Flow.AgentDefinition,
  output: StructuredOutput.StructuredOutput | undefined
) => ({
  ...(temperature === undefined ? {} : { temperature }),
  ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
  ...(output === undefined ? {} : { output: { name: "answer", schema: output.wire } })
})

/** Any text is an answer, but nothing at all is none. */
const judgeText: AgentLoop.Talk["judge"] = (text, finishReason) => {
  if (text.trim() !== "") {
    const warnings = finishReason === "length" ? [truncated] : []
    return Effect.succeed({ _tag: "Accepted", output: { text }, warnings })
  }
  const why = finishReason === "length" ? " It used up its output tokens before it began." : ""
  return Effect.succeed({ _tag: "Refused", problems: [`/: the model answered nothing.${why}`], words: undefined })
}

const judgeJson = (output: StructuredOutput.StructuredOutput): AgentLoop.Talk["judge"] => {
  let answers = 0
  let problems: ReadonlyArray<string> = []
  return Effect.fnUntraced(function*(text: string, finishReason: string) {
    answers++
    const read = yield* output.read(text)
    if (read._tag === "Conforms") {
      const repaired = answers === 1
        ? []
        : [{ code: "output_repaired", message: `First answer: ${problems.join("; ")}` }]
      const accepted: AgentLoop.Judgement = {
        _tag: "Accepted",
        output: read.value,
        warnings: [...read.repairs.map((message) => ({ code: "output_cleaned", message })), ...repaired]
      }
      return accepted
    }
    problems = finishReason === "length" ? [...read.problems, truncated.message] : read.problems
    const words = answers < answersMax ? ProviderModel.repairWords(problems) : undefined
    const refused: AgentLoop.Judgement = { _tag: "Refused", problems, words }
    return refused
  })
}

const truncated: ModelNotes.Warning = {
  code: "output_truncated",
  message: "the answer was cut at the limit of output tokens"
}

const textOf = (output: AgentLoop.Ended["output"], schema: StructuredOutput.StructuredOutput | undefined): string =>
  schema === undefined && typeof output === "object" && output !== null && "text" in output
    ? String(output["text"])
    : JSON.stringify(output)

const answerOf = (call: AgentCall, { asks, output, usage, warnings }: AgentLoop.Ended): AgentAnswer => ({
  output,
  agent: typeof call.agent === "string" ? call.agent : call.name,
  ...(asks === undefined ? {} : { asks }),
  ...(usage === undefined ? {} : { usage }),
  ...(warnings.length === 0 ? {} : { warnings })
})
