/**
 * Agents that are defined by instructions and a model.
 *
 *   - With an output schema the answer is JSON that conforms to it. A model that misses it is shown its problems once;
 *     missing it again is `validation`, with the problems and with the usage, which is paid all the same.
 *   - Without one the answer is `{ text }`.
 *   - Every answer is JSON that can be stored (SEMANTICS 8.15); what was repaired for that is a warning.
 *   - Text passes through `emit` as it comes, both turns of a repair included; `agent.stream.complete` carries the last.
 */
import { type AgentAnswer, type AgentCall, AgentError, type AgentInfo } from "@baton/engine/Agents"
import * as CanonicalJson from "@baton/engine/CanonicalJson"
import type * as Flow from "@baton/kernel/Flow"
import type { Usage } from "@baton/kernel/Usage"
import type { Json } from "@baton/kernel/Value"
import * as Prompt from "effect/ai/Prompt"
import * as Effect from "effect/Effect"
import * as AgentPrompt from "./AgentPrompt.ts"
import type { AgentSource, DefinitionCall } from "./AgentRegistry.ts"
import * as AgentTools from "./AgentTools.ts"
import type * as ModelNotes from "./model/ModelNotes.ts"
import type { ModelRegistry, OpenModel } from "./model/ModelRegistry.ts"
import { ModelSettings } from "./model/ModelSettings.ts"
import * as ProviderModel from "./model/ProviderModel.ts"
import * as TokenUsage from "./model/TokenUsage.ts"
import * as ModelAnswer from "./ModelAnswer.ts"
import * as JsonHygiene from "./output/JsonHygiene.ts"
import * as StructuredOutput from "./output/StructuredOutput.ts"

export interface ModelAgentsOptions {
  readonly registry: ModelRegistry["Service"]
  /** Serves definitions that list tools. */
  readonly loop?: AgentTools.ToolLoop
}

/** Turns a schema may take: the first, and one repair. */
const turnsMax = 2

/** Serves definitions written in flows. */
export const make = ({ loop, registry }: ModelAgentsOptions): DefinitionCall =>
  Effect.fn("ModelAgents.call")(
    function*(definition: Flow.AgentDefinition, call: AgentCall) {
      const tools = definition.tools ?? []
      yield* AgentTools.requireKnown(tools, loop?.names ?? [])
      if (tools.length > 0 && loop !== undefined) return yield* loop.call(definition, call)
      const prompt = yield* promptOf(definition, call)
      const model = yield* registry.open(definition.model)
      return yield* call.outputSchema === undefined
        ? answerText(definition, call, model, prompt)
        : answerJson(definition, call, model, prompt, StructuredOutput.make(call.outputSchema))
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

/** A model without tools changes nothing in the world. With tools the worst of them counts, which their loop knows. */
const infoOf = (name: string, definition: Flow.AgentDefinition, { registry }: ModelAgentsOptions): AgentInfo => ({
  name,
  description: definition.description ?? "",
  effect: (definition.tools ?? []).length === 0 ? "pure" : "irreversible",
  version: CanonicalJson.address(
    CanonicalJson.text({ definition, model: definition.model ?? registry.defaultReference ?? null })
  )
})

const promptOf = Effect.fnUntraced(function*(definition: Flow.AgentDefinition, call: AgentCall) {
  const instructions = definition.instructions ?? ""
  if (instructions.trim() === "") {
    return yield* refuse("configuration", `Agent "${call.name}" has no instructions.`)
  }
  if (JSON.stringify(call.input).length > AgentPrompt.inputLengthMax) {
    const problem = `is larger than ${AgentPrompt.inputLengthMax} characters; send the part that matters`
    return yield* refuse("validation", `The input of agent "${call.name}" ${problem}.`)
  }
  const { input, outputSchema } = call
  if (outputSchema === undefined) return AgentPrompt.make({ instructions, input })
  const { verify, wire } = StructuredOutput.make(outputSchema)
  yield* verify
  return AgentPrompt.make({ instructions, input, schema: wire })
})

const refuse = (reason: "configuration" | "validation", message: string) =>
  Effect.fail(new AgentError({ reason, message, retryable: false, sent: false }))

const settingsOf = ({ maxOutputTokens, temperature }: Flow.AgentDefinition) => ({
  ...(temperature === undefined ? {} : { temperature }),
  ...(maxOutputTokens === undefined ? {} : { maxOutputTokens })
})

const answerText = Effect.fnUntraced(function*(
  definition: Flow.AgentDefinition,
  call: AgentCall,
  model: OpenModel,
  prompt: Prompt.Prompt
) {
  const answer = yield* ModelAnswer.ask(model, prompt, call.emit).pipe(
    Effect.provideService(ModelSettings, settingsOf(definition))
  )
  if (answer.text.trim() === "") {
    const why = answer.finishReason === "length" ? " It used up its output tokens before it began." : ""
    return yield* invalid(call, [`/: the model answered nothing.${why}`], answer.usage)
  }
  const { repairs, text } = JsonHygiene.cleanText(answer.text)
  yield* call.emit({ type: "agent.stream.complete", text })
  return answerOf(call, { text }, answer.usage, [
    ...answer.warnings,
    ...repairWarnings(repairs),
    ...(answer.finishReason === "length" ? [truncated] : [])
  ])
})

const answerJson = Effect.fnUntraced(function*(
  definition: Flow.AgentDefinition,
  call: AgentCall,
  model: OpenModel,
  prompt: Prompt.Prompt,
  output: StructuredOutput.StructuredOutput
) {
  const settings = { ...settingsOf(definition), output: { name: "answer", schema: output.wire } }
  const usages: Array<Usage> = []
  const warnings: Array<ModelNotes.Warning> = []
  let asked = prompt
  let problems: ReadonlyArray<string> = []
  for (let turn = 1; turn <= turnsMax; turn++) {
    const answer = yield* ModelAnswer.ask(model, asked, call.emit).pipe(
      Effect.provideService(ModelSettings, settings),
      Effect.mapError((error) => withUsage(error, usages))
    )
    usages.push(answer.usage)
    warnings.push(...answer.warnings)
    const read = yield* output.read(answer.text)
    if (read._tag === "Conforms") {
      yield* call.emit({ type: "agent.stream.complete", text: JSON.stringify(read.value) })
      const repaired = turn === 1 ? [] : [{ code: "output_repaired", message: `First answer: ${problems.join("; ")}` }]
      return answerOf(call, read.value, TokenUsage.total(usages), [
        ...warnings,
        ...repairWarnings(read.repairs),
        ...repaired
      ])
    }
    problems = answer.finishReason === "length" ? [...read.problems, truncated.message] : read.problems
    yield* call.log(`answer ${turn} of ${call.name} does not conform: ${problems.join("; ")}`)
    asked = Prompt.fromMessages([
      ...asked.content,
      Prompt.assistantMessage({ content: [Prompt.textPart({ text: answer.text.slice(0, shownMax) || "(nothing)" })] }),
      Prompt.userMessage({ content: [Prompt.textPart({ text: ProviderModel.repairWords(problems) })] })
    ])
  }
  return yield* invalid(call, problems, TokenUsage.total(usages))
})

/** Characters of a wrong answer that are shown to the model again. */
const shownMax = 64 * 1024

const truncated: ModelNotes.Warning = {
  code: "output_truncated",
  message: "the answer was cut at the limit of output tokens"
}

const repairWarnings = (repairs: ReadonlyArray<string>): ReadonlyArray<ModelNotes.Warning> =>
  repairs.map((message) => ({ code: "output_cleaned", message }))

const answerOf = (
  call: AgentCall,
  output: Json,
  usage: Usage | undefined,
  warnings: ReadonlyArray<ModelNotes.Warning>
): AgentAnswer => ({
  output,
  agent: typeof call.agent === "string" ? call.agent : call.name,
  ...(usage === undefined ? {} : { usage }),
  ...(warnings.length === 0 ? {} : { warnings })
})

const invalid = (call: AgentCall, problems: ReadonlyArray<string>, usage: Usage | undefined) =>
  Effect.fail(
    new AgentError({
      reason: "validation",
      message: `The answer of "${call.name}" does not conform to its schema: ${problems.slice(0, 3).join("; ")}`,
      retryable: true,
      sent: true,
      problems,
      ...(usage === undefined ? {} : { usage: { ...usage } })
    })
  )

/** What was used before the failure is paid. */
const withUsage = (error: AgentError, usages: ReadonlyArray<Usage>): AgentError => {
  const usage = TokenUsage.total(usages)
  if (usage === undefined) return error
  const { message, problems, reason, retryAfterMs, retryable, status } = error
  return new AgentError({
    reason,
    message,
    retryable,
    sent: true,
    usage: { ...usage },
    ...(status === undefined ? {} : { status }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(problems === undefined ? {} : { problems })
  })
}
