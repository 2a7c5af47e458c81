/** Prompts and tools in the words of the AI SDK's provider specification (`LanguageModelV4`). */
import type {
  JSONSchema7,
  JSONValue,
  LanguageModelV4CallOptions,
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4ToolChoice,
  LanguageModelV4ToolResultPart,
  SharedV4ProviderOptions
} from "@ai-sdk/provider"
import type * as LanguageModel from "effect/ai/LanguageModel"
import * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import type { ModelRequest } from "./ProviderModel.ts"

export const callOptions = (request: ModelRequest): LanguageModelV4CallOptions => {
  const { format, maxOutputTokens, temperature, toolChoice, tools } = request
  return {
    prompt: request.prompt.content.map(message),
    ...(temperature === undefined ? {} : { temperature }),
    ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
    ...(tools.length === 0 ? {} : { tools: tools.map(functionTool), toolChoice: choice(toolChoice) }),
    ...(format === undefined || format.mode === "text" ? {} : {
      responseFormat: {
        type: "json",
        name: format.name,
        ...(format.mode === "schema" ? { schema: format.schema as JSONSchema7 } : {})
      }
    }),
    providerOptions: {
      openai: { store: false, ...(format === undefined ? {} : { strictJsonSchema: format.strict }) }
    }
  }
}

const functionTool = (tool: Tool.Any) => {
  const description = Tool.getDescription(tool)
  const strict = Tool.getStrictMode(tool)
  return {
    type: "function" as const,
    name: tool.name,
    inputSchema: Tool.getJsonSchema(tool) as JSONSchema7,
    ...(description === undefined ? {} : { description }),
    ...(strict === undefined ? {} : { strict })
  }
}

const choice = (toolChoice: LanguageModel.ToolChoice<string>): LanguageModelV4ToolChoice => {
  if (typeof toolChoice === "string") return { type: toolChoice }
  return "tool" in toolChoice ? { type: "tool", toolName: toolChoice.tool } : { type: toolChoice.mode ?? "auto" }
}

const message = (message: Prompt.Message): LanguageModelV4Message => {
  const options = providerOptions(message.options)
  switch (message.role) {
    case "system":
      return { role: "system", content: message.content, ...options }
    case "user":
      return {
        role: "user",
        content: message.content.map((part) =>
          part.type === "text" ? { type: "text", text: part.text, ...providerOptions(part.options) } : file(part)
        ),
        ...options
      }
    case "assistant":
      return { role: "assistant", content: message.content.flatMap(assistantPart), ...options }
    case "tool":
      return {
        role: "tool",
        content: message.content.flatMap((part) => part.type === "tool-result" ? [toolResult(part)] : []),
        ...options
      }
  }
}

type AssistantContent = Extract<LanguageModelV4Message, { role: "assistant" }>["content"]

const assistantPart = (part: Prompt.AssistantMessagePart): AssistantContent => {
  const options = providerOptions(part.options)
  switch (part.type) {
    case "text":
      return [{ type: "text", text: part.text, ...options }]
    case "reasoning":
      return [{ type: "reasoning", text: part.text, ...options }]
    case "file":
      return [file(part)]
    case "tool-call":
      return [{
        type: "tool-call",
        toolCallId: part.id,
        toolName: part.name,
        input: part.params,
        providerExecuted: part.providerExecuted,
        ...options
      }]
    case "tool-result":
      return [toolResult(part)]
    case "tool-approval-request":
      return []
  }
}

const toolResult = (part: Prompt.ToolResultPart): LanguageModelV4ToolResultPart => ({
  type: "tool-result",
  toolCallId: part.id,
  toolName: part.name,
  output: resultOf(part),
  ...providerOptions(part.options)
})

const resultOf = (part: Prompt.ToolResultPart): LanguageModelV4ToolResultPart["output"] => {
  if (part.modelOutput !== undefined) return { type: "text", value: Prompt.toolModelOutputToText(part.modelOutput) }
  const value = (part.result ?? null) as JSONValue
  if (typeof value === "string") return { type: part.isFailure ? "error-text" : "text", value }
  return { type: part.isFailure ? "error-json" : "json", value }
}

const file = (part: Prompt.FilePart): LanguageModelV4FilePart => ({
  type: "file",
  mediaType: part.mediaType,
  data: part.data instanceof URL ? { type: "url", url: part.data } : { type: "data", data: part.data },
  ...(part.fileName === undefined ? {} : { filename: part.fileName }),
  ...providerOptions(part.options)
})

/** Options for providers, without our own notes and without empty ones. */
const providerOptions = (options: Prompt.ProviderOptions): { readonly providerOptions?: SharedV4ProviderOptions } => {
  const given = Object.entries(options).filter(([name, value]) => name !== "baton" && value !== null)
  return given.length === 0 ? {} : { providerOptions: Object.fromEntries(given) as SharedV4ProviderOptions }
}
