/** What the environment says about models, read once. Keys stay redacted; empty variables count as absent. */
import * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as ContextWindow from "./ContextWindow.ts"

export interface ProviderConfig {
  readonly key: Redacted.Redacted<string> | undefined
  readonly baseUrl: string | undefined
}

export interface ModelConfig {
  /** `BATON_MODEL`: the model of agents that name none. */
  readonly model: string | undefined
  /** `BATON_MODEL_API_KEY`: for `BATON_MODEL` when it is a URL, and for nothing else. */
  readonly modelKey: Redacted.Redacted<string> | undefined
  /** `BATON_MODEL_HOSTS`: `host:port` of endpoints that are not public and that flows may name by URL. */
  readonly hosts: ReadonlyArray<string>
  readonly openai: ProviderConfig
  readonly anthropic: ProviderConfig
  readonly google: ProviderConfig
  readonly openrouter: ProviderConfig
  readonly ollama: ProviderConfig & { readonly contextTokens: number }
  readonly lmstudio: ProviderConfig
  readonly vllm: ProviderConfig
}

const text = (name: string) => Config.option(Config.String(name)).pipe(Config.map(present))
const key = (...names: ReadonlyArray<string>) =>
  Config.all(names.map((name) => Config.option(Config.Redacted(name)))).pipe(
    Config.map((keys) => keys.map(Option.getOrUndefined).find((found) => found && Redacted.value(found).trim() !== ""))
  )
const present = (found: Option.Option<string>) => Option.getOrUndefined(found)?.trim() || undefined

const provider = (keys: ReadonlyArray<string>, url: string) => Config.all({ key: key(...keys), baseUrl: text(url) })

const config = Config.all({
  model: text("BATON_MODEL"),
  modelKey: key("BATON_MODEL_API_KEY"),
  hosts: text("BATON_MODEL_HOSTS"),
  openai: provider(["OPENAI_API_KEY"], "OPENAI_BASE_URL"),
  anthropic: provider(["ANTHROPIC_API_KEY"], "ANTHROPIC_BASE_URL"),
  google: provider(["GEMINI_API_KEY", "GOOGLE_GENERATIVE_AI_API_KEY"], "GEMINI_BASE_URL"),
  openrouter: provider(["OPENROUTER_API_KEY"], "OPENROUTER_BASE_URL"),
  ollama: provider(["OLLAMA_API_KEY"], "OLLAMA_HOST"),
  ollamaContext: Config.Int("OLLAMA_CONTEXT_LENGTH").pipe(Config.withDefault(ContextWindow.ollamaContextTokens)),
  lmstudio: provider(["LMSTUDIO_API_KEY"], "LMSTUDIO_BASE_URL"),
  vllm: provider(["VLLM_API_KEY"], "VLLM_BASE_URL")
})

export const load: Effect.Effect<ModelConfig, Config.ConfigError> = Effect.gen(function*() {
  const { hosts, ollama, ollamaContext, ...rest } = yield* config
  return {
    ...rest,
    hosts: (hosts ?? "").split(",").map((host) => host.trim()).filter((host) => host !== ""),
    ollama: { key: ollama.key, baseUrl: ollamaUrl(ollama.baseUrl), contextTokens: ollamaContext }
  }
})

/** `OLLAMA_HOST` is written for the server: without a scheme, and often as the address it listens on. */
const ollamaUrl = (host: string | undefined): string | undefined => {
  if (host === undefined) return undefined
  const url = URL.parse(/^https?:\/\//.test(host) ? host : `http://${host}`)
  if (url === null) return host
  if (url.hostname === "0.0.0.0" || url.hostname === "[::]") url.hostname = "127.0.0.1"
  if (url.port === "" && url.protocol === "http:") url.port = "11434"
  return url.pathname === "/" ? `${url.origin}/v1` : url.href
}
