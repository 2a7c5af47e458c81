/**
 * The text that names a model: `openai/gpt-4.1-mini`, `anthropic/claude-sonnet-4-5`, `ollama/llama3`,
 * `openrouter/meta-llama/llama-3.3-70b-instruct`, or any OpenAI-compatible endpoint as `http://127.0.0.1:8000/v1#model`.
 */
import { AgentError } from "@baton/engine/Agents"
import * as Result from "effect/Result"
import * as NearestName from "../NearestName.ts"

/** Characters of a reference. */
export const lengthMax = 512

export type ModelReference =
  | { readonly _tag: "Provider"; readonly provider: string; readonly model: string }
  | { readonly _tag: "Endpoint"; readonly url: URL; readonly model: string }

export const parse = (text: string, providers: ReadonlyArray<string>): Result.Result<ModelReference, AgentError> => {
  const reference = text.trim()
  if (reference.length > lengthMax) return Result.fail(refuse(`is longer than ${lengthMax} characters`))
  if (/^https?:\/\//i.test(reference)) return endpoint(reference)
  const slash = reference.indexOf("/")
  const provider = reference.slice(0, Math.max(0, slash)).toLowerCase()
  const model = reference.slice(slash + 1)
  if (slash < 1 || model === "") {
    return Result.fail(refuse(`"${reference}" is not a model. Write it as provider/model, such as openai/gpt-4.1-mini`))
  }
  if (!providers.includes(provider)) {
    return Result.fail(refuse(`"${provider}" is not a model provider.${NearestName.hint(provider, providers)}`, ""))
  }
  return Result.succeed({ _tag: "Provider", provider, model })
}

/** The `host:port` that a URL leads to, as allow-lists name it. */
export const hostPort = (url: URL): string =>
  `${url.hostname}:${url.port || (url.protocol === "https:" ? "443" : "80")}`

const endpoint = (reference: string): Result.Result<ModelReference, AgentError> => {
  const url = URL.parse(reference)
  if (url === null) return Result.fail(refuse(`"${reference}" is not a URL`))
  const model = decode(url.hash.slice(1))
  if (model === "") return Result.fail(refuse("needs the model's name after #, as http://127.0.0.1:8000/v1#model"))
  if (url.username !== "" || url.password !== "" || url.search !== "") {
    return Result.fail(refuse("holds a credential or a query; keys are configured apart"))
  }
  url.hash = ""
  return Result.succeed({ _tag: "Endpoint", url, model })
}

const decode = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const refuse = (problem: string, end = ".") =>
  new AgentError({
    reason: "configuration",
    message: problem.startsWith("\"") ? `${problem}${end}` : `The model reference ${problem}${end}`,
    retryable: false,
    sent: false
  })
