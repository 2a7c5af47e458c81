/**
 * Models by reference (`ModelReference`), each opened once.
 *
 *   - Keys come from configuration and go only to the provider they belong to: to its default address, or to the base URL
 *     that the same configuration gives. An endpoint that a flow names by URL never sees one.
 *   - Addresses that are not public are reachable only where the operator's configuration names them.
 *   - A missing key, an unknown provider or no model at all is `configuration`, and says which variable to set.
 */
import { AgentError } from "@baton/engine/Agents"
import { HttpDialer } from "@baton/engine/HttpDialer"
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Cache from "effect/Cache"
import type * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as HttpRetry from "../wire/HttpRetry.ts"
import * as ModelConfig from "./ModelConfig.ts"
import * as ModelProviders from "./ModelProviders.ts"
import * as ModelReference from "./ModelReference.ts"

/** Models kept open; opening one again costs nothing but memory of what output format worked. */
const modelsMax = 64

export interface OpenModel {
  /** As it was asked for. */
  readonly reference: string
  /** The provider's name in prices and messages. */
  readonly provider: string
  readonly model: string
  readonly service: LanguageModel.LanguageModel
}

/** A provider that the program adds to the built-in ones, such as a scripted one. */
export interface AddedProvider {
  readonly name: string
  readonly open: (model: string) => Effect.Effect<LanguageModel.LanguageModel, AgentError>
}

export class ModelRegistry extends Context.Service<ModelRegistry, {
  /** The model of a reference; `undefined` asks for the default one (`BATON_MODEL`). */
  readonly open: (reference: string | undefined) => Effect.Effect<OpenModel, AgentError>
  /** `BATON_MODEL`, if it is set. */
  readonly defaultReference: string | undefined
}>()("baton/agents/ModelRegistry") {
  static readonly layer = (
    added: ReadonlyArray<AddedProvider> = []
  ): Layer.Layer<ModelRegistry, Config.ConfigError, HttpDialer> =>
    Layer.effect(
      ModelRegistry,
      Effect.gen(function*() {
        const config = yield* ModelConfig.load
        const dialer = HttpRetry.make(yield* HttpDialer)
        const names = [...ModelProviders.names, ...added.map((provider) => provider.name)]
        const cache = yield* Cache.make({
          capacity: modelsMax,
          lookup: (reference: string) => openOne(reference, names, { added, config, dialer })
        })
        return ModelRegistry.of({
          defaultReference: config.model,
          open: (reference) => {
            const asked = reference ?? config.model
            return asked === undefined ? Effect.fail(noModel) : Cache.get(cache, asked.trim())
          }
        })
      })
    )
}

/** The language model of a reference as a layer of its own. */
export const layerModel = (
  reference: string | undefined
): Layer.Layer<LanguageModel.LanguageModel, AgentError, ModelRegistry> =>
  Layer.effect(
    LanguageModel.LanguageModel,
    Effect.flatMap(ModelRegistry, (registry) => Effect.map(registry.open(reference), ({ service }) => service))
  )

interface Means extends ModelProviders.Means {
  readonly added: ReadonlyArray<AddedProvider>
}

const openOne = Effect.fnUntraced(function*(reference: string, names: ReadonlyArray<string>, means: Means) {
  const parsed = yield* Effect.fromResult(ModelReference.parse(reference, names))
  const { model } = parsed
  if (parsed._tag === "Endpoint") {
    const service = yield* ModelProviders.openEndpoint(parsed.url, model, means)
    return { reference, provider: ModelReference.hostPort(parsed.url), model, service }
  }
  const { provider } = parsed
  const added = means.added.find(({ name }) => name === provider)
  const service = yield* added === undefined ? ModelProviders.open(provider, model, means) : added.open(model)
  return { reference, provider, model, service }
})

const noModel = new AgentError({
  reason: "configuration",
  message: "No model is configured. Set BATON_MODEL, such as BATON_MODEL=ollama/llama3, or give the agent a `model`.",
  retryable: false,
  sent: false
})
