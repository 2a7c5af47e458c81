/**
 * What a provider of ours has to say about a call beside its answer. Notes ride in the metadata of the finish part, where
 * `effect/ai` passes them on unread.
 */
import type * as Response from "effect/ai/Response"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"

export const Warning = Schema.Struct({ code: Schema.String, message: Schema.String })
export type Warning = typeof Warning.Type

export const ModelNotes = Schema.Struct({
  warnings: Schema.optionalKey(Schema.Array(Warning)),
  /** US dollars as the provider itself counted them. */
  costUsd: Schema.optionalKey(Schema.Number),
  /** HTTP calls behind one answer, when more than one. */
  calls: Schema.optionalKey(Schema.Int)
})
export type ModelNotes = typeof ModelNotes.Type

const key = "baton"

export const toMetadata = (notes: ModelNotes): Response.ProviderMetadata =>
  Object.keys(notes).length === 0 ? {} : { [key]: notes }

const decode = Schema.decodeUnknownOption(ModelNotes)

export const fromMetadata = (metadata: Response.ProviderMetadata | undefined): ModelNotes =>
  Option.getOrElse(decode(metadata?.[key]), () => ({}))

export const merge = (a: ModelNotes, b: ModelNotes): ModelNotes => {
  const warnings = [...(a.warnings ?? []), ...(b.warnings ?? [])]
  const known = a.costUsd !== undefined && b.costUsd !== undefined
  return {
    ...(warnings.length === 0 ? {} : { warnings }),
    ...(known ? { costUsd: (a.costUsd ?? 0) + (b.costUsd ?? 0) } : {}),
    calls: (a.calls ?? 1) + (b.calls ?? 1)
  }
}
