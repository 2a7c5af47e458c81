/** What goes to `POST /chat/completions` (OpenAI's API reference, "Chat Completions"). */
import * as AiError from "effect/ai/AiError"
import type * as LanguageModel from "effect/ai/LanguageModel"
import * as Prompt from "effect/ai/Prompt"
import * as Tool from "effect/ai/Tool"
import * as Base64 from "effect/encoding/Base64"
import * as Result from "effect/Result"
import type { ModelRequest, OutputFormat } from "./ProviderModel.ts"

type WireObject = { readonly [key: string]: unknown }

export interface RequestOptions {
  readonly model: string
  readonly stream: boolean
  /** OpenAI's own endpoint calls the limit of output tokens `max_completion_tokens`; the others `max_tokens`. */
  readonly tokensKey: "max_tokens" | "max_completion_tokens"
  /** More fields of the body, such as OpenRouter's `usage`. */
  readonly extra?: WireObject
}

export const body = (
  request: ModelRequest,
  options: RequestOptions
): Result.Result<WireObject, AiError.AiErrorReason> =>
  Result.map(messagesOf(request.prompt), (messages) => ({
    model: options.model,
    messages,
    ...(request.temperature === undefined ? {} : { temperature: request.temperature }),
    ...(request.maxOutputTokens === undefined ? {} : { [options.tokensKey]: request.maxOutputTokens }),
    ...toolFields(request.tools, request.toolChoice),
    ...(request.format === undefined ? {} : formatField(request.format)),
    ...(options.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    ...options.extra
  }))

const formatField = ({ mode, name, schema, strict }: OutputFormat): WireObject => {
  if (mode === "text") return {}
  if (mode === "object") return { response_format: { type: "json_object" } }
  const safeName = name.replaceAll(/[^a-zA-Z0-9_-]/g, "_").slice(0, 64) || "output"
  return { response_format: { type: "json_schema", json_schema: { name: safeName, schema, strict } } }
}

const toolFields = (tools: ReadonlyArray<Tool.Any>, choice: LanguageModel.ToolChoice<string>): WireObject =>
  tools.length === 0 ? {} : {
    tools: tools.map((tool) => {
      const strict = Tool.getStrictMode(tool)
      return {
        type: "function",
        function: {
          name: tool.name,
          description: Tool.getDescription(tool),
          parameters: Tool.getJsonSchema(tool),
          ...(strict === undefined ? {} : { strict })
        }
      }
    }),
    ...(choice === "auto" ? {} : { tool_choice: choiceOf(choice) })
  }

const choiceOf = (choice: LanguageModel.ToolChoice<string>) => {
  if (typeof choice === "string") return choice
  if ("tool" in choice) return { type: "function", function: { name: choice.tool } }
  return choice.mode ?? "auto"
}

const messagesOf = (prompt: Prompt.Prompt): Result.Result<ReadonlyArray<WireObject>, AiError.AiErrorReason> =>
  Result.gen(function*() {
    const messages: Array<WireObject> = []
    for (const message of prompt.content) {
      switch (message.role) {
        case "system":
          messages.push({ role: "system", content: message.content })
          break
        case "user":
          messages.push({ role: "user", content: yield* userContent(message) })
          break
        case "assistant":
          messages.push(...assistantMessages(message))
          break
        case "tool":
          for (const part of message.content) if (part.type === "tool-result") messages.push(resultMessage(part))
      }
    }
    return messages
  })

/** Plain text stays a string: small servers do not take the list form. */
const userContent = ({ content }: Prompt.UserMessage): Result.Result<unknown, AiError.AiErrorReason> => {
  if (content.every((part) => part.type === "text")) {
    return Result.succeed(content.map((part) => part.text).join("\n"))
  }
  return Result.all(content.map((part): Result.Result<WireObject, AiError.AiErrorReason> => {
    if (part.type === "text") return Result.succeed({ type: "text", text: part.text })
    if (!part.mediaType.startsWith("image/")) {
      const description = `Files of type ${part.mediaType} cannot be sent to this endpoint; only images can.`
      return Result.fail(new AiError.InvalidUserInputError({ description }))
    }
    const url = part.data instanceof URL ? part.data.href : `data:${part.mediaType};base64,${base64(part.data)}`
    return Result.succeed({ type: "image_url", image_url: { url } })
  }))
}

const base64 = (data: string | Uint8Array): string => typeof data === "string" ? data : Base64.encode(data)

const assistantMessages = ({ content }: Prompt.AssistantMessage): ReadonlyArray<WireObject> => {
  const text = content.map((part) => part.type === "text" ? part.text : "").join("")
  const calls = content.filter((part) => part.type === "tool-call")
  const results = content.filter((part) => part.type === "tool-result")
  const message = {
    role: "assistant",
    content: text === "" && calls.length > 0 ? null : text,
    ...(calls.length === 0 ? {} : {
      tool_calls: calls.map((call) => ({
        id: call.id,
        type: "function",
        function: { name: call.name, arguments: JSON.stringify(call.params ?? {}) }
      }))
    })
  }
  return [message, ...results.map(resultMessage)]
}

const resultMessage = (part: Prompt.ToolResultPart): WireObject => ({
  role: "tool",
  tool_call_id: part.id,
  content: part.modelOutput === undefined
    ? typeof part.result === "string" ? part.result : JSON.stringify(part.result ?? null)
    : Prompt.toolModelOutputToText(part.modelOutput)
})
