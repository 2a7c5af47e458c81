/** The built-in providers: where each is, how it is spoken to, and which variables configure it. */
import { AgentError } from "@baton/engine/Agents"
import type { HttpDialer } from "@baton/engine/HttpDialer"
import type * as LanguageModel from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as AiSdkLoader from "./AiSdkLoader.ts"
import * as AiSdkModel from "./AiSdkModel.ts"
import type { ModelConfig, ProviderConfig } from "./ModelConfig.ts"
import * as ModelReference from "./ModelReference.ts"
import * as OpenAiCompatible from "./OpenAiCompatible.ts"

export interface Means {
  readonly config: ModelConfig
  readonly dialer: HttpDialer["Service"]
}

type Open = (model: string, means: Means) => Effect.Effect<LanguageModel.LanguageModel, AgentError>

/** An SDK's model at its vendor, or at the base URL that configuration gives. */
const sdk = (
  name: "openai" | "anthropic" | "google",
  keyName: string,
  load: Effect.Effect<AiSdkLoader.Sdk>
): Open =>
  Effect.fnUntraced(function*(model, { config, dialer }) {
    const { baseUrl, key } = config[name]
    if (key === undefined) return yield* missingKey(name, keyName)
    const { codecTransformer, model: openModel } = yield* load
    const at = baseUrl === undefined ? undefined : yield* urlOf(baseUrl)
    return yield* AiSdkModel.make({
      name,
      model,
      key,
      codecTransformer,
      open: (fetch) =>
        openModel(model, {
          apiKey: Redacted.value(key),
          fetch,
          ...(baseUrl === undefined ? {} : { baseURL: trimmed(baseUrl) })
        }),
      ...(at === undefined ? {} : { allow: [ModelReference.hostPort(at)] })
    }, dialer)
  })

/** Other servers that call themselves OpenAI rarely speak its newer Responses API: those get Chat Completions. */
const openai: Open = (model, means) =>
  means.config.openai.baseUrl === undefined
    ? sdk("openai", "OPENAI_API_KEY", AiSdkLoader.openai)(model, means)
    : compatible({ name: "openai", config: means.config.openai, defaultUrl: "" })(model, means)

interface Compatible {
  readonly name: string
  readonly config: ProviderConfig
  readonly defaultUrl: string
  readonly keyName?: string
  readonly contextTokens?: number
  readonly extra?: { readonly [field: string]: unknown }
}

const compatible = ({ config, contextTokens, defaultUrl, extra, keyName, name }: Compatible): Open =>
  Effect.fnUntraced(function*(model, { dialer }) {
    const { baseUrl = defaultUrl, key } = config
    if (keyName !== undefined && key === undefined) return yield* missingKey(name, keyName)
    const url = yield* urlOf(baseUrl)
    return yield* OpenAiCompatible.make({
      name,
      model,
      baseUrl: trimmed(url.href),
      allow: [ModelReference.hostPort(url)],
      ...(key === undefined ? {} : { key }),
      ...(contextTokens === undefined ? {} : { contextTokens }),
      ...(extra === undefined ? {} : { extra })
    }, dialer)
  })

const providers: { readonly [name: string]: Open } = {
  openai,
  anthropic: sdk("anthropic", "ANTHROPIC_API_KEY", AiSdkLoader.anthropic),
  google: sdk("google", "GEMINI_API_KEY", AiSdkLoader.google),
  openrouter: (model, means) =>
    compatible({
      name: "openrouter",
      config: means.config.openrouter,
      defaultUrl: "https://openrouter.ai/api/v1",
      keyName: "OPENROUTER_API_KEY",
      extra: { usage: { include: true } }
    })(model, means),
  ollama: (model, means) =>
    compatible({
      name: "ollama",
      config: means.config.ollama,
      defaultUrl: "http://127.0.0.1:11434/v1",
      contextTokens: means.config.ollama.contextTokens
    })(model, means),
  lmstudio: (model, means) =>
    compatible({ name: "lmstudio", config: means.config.lmstudio, defaultUrl: "http://127.0.0.1:1234/v1" })(
      model,
      means
    ),
  vllm: (model, means) =>
    compatible({ name: "vllm", config: means.config.vllm, defaultUrl: "http://127.0.0.1:8000/v1" })(model, means)
}

export const names: ReadonlyArray<string> = Object.keys(providers)

export const open = (
  provider: string,
  model: string,
  means: Means
): Effect.Effect<LanguageModel.LanguageModel, AgentError> => {
  const opener = Object.hasOwn(providers, provider) ? providers[provider] : undefined
  return opener === undefined
    ? Effect.fail(configuration(`"${provider}" is not a model provider.`))
    : opener(model, means)
}

/** An endpoint named by URL: with a key, and beyond public addresses, only as far as the operator has said so. */
export const openEndpoint = (url: URL, model: string, { config, dialer }: Means) => {
  const configured = config.model === undefined ? null : URL.parse(config.model)
  const isConfigured = configured !== null && configured.origin === url.origin
  const host = ModelReference.hostPort(url)
  return OpenAiCompatible.make({
    name: host,
    model,
    baseUrl: trimmed(url.href),
    allow: isConfigured ? [host, ...config.hosts] : config.hosts,
    ...(isConfigured && config.modelKey !== undefined ? { key: config.modelKey } : {})
  }, dialer)
}

const trimmed = (url: string): string => url.replace(/\/+$/, "")

const urlOf = (text: string): Effect.Effect<URL, AgentError> => {
  const url = URL.parse(text)
  return url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === ""
    ? Effect.succeed(url)
    : Effect.fail(configuration("A model's base URL is not an http or https URL without credentials."))
}

const missingKey = (provider: string, keyName: string) =>
  Effect.fail(configuration(`Models of ${provider} need a key: set ${keyName}.`))

const configuration = (message: string) =>
  new AgentError({ reason: "configuration", message, retryable: false, sent: false })
